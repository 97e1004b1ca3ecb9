"""Who may approve a campaign: above a size somebody else than who saved it last, and nobody whose role forbids it.

The size is the number of people who would be mailed: counted over the newest snapshot when somebody approves,
and again when the audience is frozen, because a segment may grow in between. Names that are no account are those
of this machine's users; whoever has its shell is trusted (decision 0104).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from pipelines.accounts import may, role_of
from pipelines.campaigns.gates import HeldBackError, Hold
from pipelines.errors import MillstreamError


class NotYoursError(MillstreamError):
    """Somebody else has to approve this; nothing was changed."""


def check_approver(connection: Connection, campaign: Row[Any], user: str, *, limit: int, people: int | None) -> None:
    """Refuse an approval by somebody who may not give it; `people` are unknown before the first publish.

    Raises:
        NotYoursError: their role approves nothing, or not what they saved; or it goes to more than `limit` people
            and they saved it.
    """
    name, role = campaign.name, role_of(connection, user)
    if role is not None and not may(role, "approve"):
        raise NotYoursError(f"{user} is a {role} and approves no campaigns. Nothing was approved.")
    if not saved_it(campaign, user):
        return
    if role is not None and not may(role, "approve_own"):
        raise NotYoursError(
            f"campaign {name} was saved by {user}, and a {role} does not approve what they saved. "
            "Nothing was approved. Somebody else has to."
        )
    if limit == 0 or (people is not None and people > limit):
        raise NotYoursError(_words(campaign, people, limit) + " Nothing was approved.")


def check_size(campaign: Row[Any], people: int, *, limit: int) -> None:
    """Refuse to freeze an audience that one person alone let out.

    Raises:
        HeldBackError: it would mail more than `limit` people, and who approved it is who saved it.
    """
    if people > limit and _same(campaign.saved_by, campaign.approved_by):
        mend = f"`millstream campaign approve {campaign.name}` by that person lets it go."
        raise HeldBackError(campaign.name, [Hold("approval", _words(campaign, people, limit), mend)])


def is_second(campaign: Row[Any], user: str) -> bool:
    """Whether this approval adds a second person to one that stands already."""
    alone = _same(campaign.saved_by, campaign.approved_by) and not _same(campaign.saved_by, user)
    return alone and campaign.state in ("approved", "scheduled", "sending", "paused")


def saved_it(campaign: Row[Any], user: str) -> bool:
    """Whether this is who saved it last."""
    return _same(campaign.saved_by, user)


def _same(one: str | None, other: str | None) -> bool:
    """Whether these are one person; accounts are kept in lower case. Of nobody nothing is known."""
    return one is not None and other is not None and one.strip().lower() == other.strip().lower()


def _words(campaign: Row[Any], people: int | None, limit: int) -> str:
    goes = "It goes out" if people is None else f"It would go to {people:,} people"
    above = "and every campaign" if limit == 0 else f"and above {limit:,} (MILLSTREAM_APPROVAL_ABOVE) one"
    return f"{goes}, {above} needs the approval of somebody else than {campaign.saved_by}, who saved it."
