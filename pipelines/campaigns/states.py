"""The life of a campaign: which state may follow which, and the one way to move between them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from pipelines.campaigns.document import Content, stored
from pipelines.errors import MillstreamError, UsageError
from pipelines.state import record
from pipelines.state.tables import campaigns, journeys, occurrences, recipients

NEXT: dict[str, frozenset[str]] = {
    "draft": frozenset({"approved", "cancelled"}),
    "approved": frozenset({"draft", "scheduled", "sending", "cancelled"}),
    "scheduled": frozenset({"sending", "paused", "sent", "cancelled"}),
    "sending": frozenset({"paused", "scheduled", "sent", "cancelled", "failed"}),
    "paused": frozenset({"scheduled", "sending", "cancelled"}),
    "sent": frozenset(),
    "cancelled": frozenset(),
    "failed": frozenset(),
}
OPEN = ("planned", "claimed", "in_flight", "retry_wait")
"""States of recipients who still wait for something."""
AHEAD = ("waiting", "planned", "sending")
"""States of occurrences that are not over."""
EXCLUDED = ("rejected", "suppressed", "capped", "holdout", "cancelled", "gave_up")
"""End states of recipients who got no mail."""


def find(connection: Connection, name: str) -> Row[Any]:
    """The row of one campaign.

    Raises:
        UsageError: there is none of this name.
    """
    row = connection.execute(select(campaigns).where(campaigns.c.name == name)).first()
    if row is None:
        raise UsageError(f"there is no campaign {name!r}; `millstream campaign list` shows those that are saved.")
    return row


def frozen(connection: Connection, name: str) -> Content:
    """The content of an approved campaign, as it was approved.

    Raises:
        MillstreamError: it was changed behind the product's back.
    """
    row = find(connection, name)
    content = stored(row.document, row.html, row.text, row.bodies)
    if content.content_hash() != row.content_hash:
        raise MillstreamError(f"campaign {name} is not what was approved. Nobody is mailed any more.")
    return content


def move(connection: Connection, name: str, to: str, *, now: datetime, actor: str, reason: str | None = None) -> None:
    """Bring a campaign into another state, in the caller's transaction.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: that state can not follow the present one; nothing was changed.
    """
    check_move(connection, name, to)
    connection.execute(
        update(campaigns).where(campaigns.c.name == name).values(state=to, reason=reason, updated_at=now)
    )
    record(connection, at=now, actor=actor, action=f"campaign.{to}", subject=name, details={"reason": reason})


def check_move(connection: Connection, name: str, to: str) -> None:
    """Refuse, as `move` would, to bring a campaign into this state."""
    state = str(find(connection, name).state)
    if to not in NEXT[state]:
        raise MillstreamError(f"campaign {name} is {state} and can not become {to}. Nothing was changed.")


def resume(connection: Connection, name: str, *, now: datetime, actor: str) -> str:
    """Let a paused campaign go on; returns its state: `scheduled` where nothing is planned yet.

    Only `plan` starts one to send, so nothing else becomes `sending`.
    """
    state = str(find(connection, name).state)
    if state != "paused":
        raise MillstreamError(f"campaign {name} is {state}, not paused. Nothing was changed.")
    mine = select(occurrences.c.state).where(occurrences.c.campaign == name, occurrences.c.state.in_(AHEAD))
    to = "scheduled" if set(connection.scalars(mine)) == {"waiting"} else "sending"
    move(connection, name, to, now=now, actor=actor)
    return to


def cancel(connection: Connection, name: str, *, now: datetime, actor: str, reason: str | None = None) -> None:
    """End a campaign: nobody more is mailed and nothing more is due. A mail in hand is not called back."""
    move(connection, name, "cancelled", now=now, actor=actor, reason=reason)
    waiting = recipients.c.state.in_(("planned", "claimed", "retry_wait"))
    connection.execute(
        update(recipients)
        .where(recipients.c.campaign == name, waiting)
        .values(state="cancelled", reason="cancelled", done_at=now)
    )
    connection.execute(
        update(occurrences)
        .where(occurrences.c.campaign == name, occurrences.c.state.in_(AHEAD))
        .values(state="cancelled", reason="cancelled", done_at=now)
    )
    connection.execute(
        update(journeys)
        .where(journeys.c.campaign == name, journeys.c.state == "active")
        .values(state="exited", reason="cancelled", due_at=None, ended_at=now)
    )
