"""A campaign once more under another name, and a campaign that was never sent, taken away."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, Table, delete, select

from pipelines.campaigns.document import CampaignDocument
from pipelines.campaigns.states import find
from pipelines.campaigns.store import keep_new, load
from pipelines.documents import problems
from pipelines.errors import MillstreamError
from pipelines.state import record, writing
from pipelines.state.tables import campaigns, journeys, mail_events, occurrences, offers, recipients


def copy(engine: Engine, name: str, new: str, now: datetime, *, actor: str) -> None:
    """Keep the campaign under another name, too: a draft with the same document and bodies.

    Raises:
        UsageError: there is no such campaign, or the new name is none.
        MillstreamError: there is one of the new name already; it stays as it is.
    """
    content = load(engine, name)
    plain = content.document.model_dump(by_alias=True, exclude_unset=True)
    try:
        document = CampaignDocument.model_validate({**plain, "name": new})
    except ValidationError as error:
        raise problems(error, "campaign") from None
    if not keep_new(engine, content._replace(document=document), now, actor=actor, copied_from=name):
        raise MillstreamError(f"there is a campaign {new} already. Nothing was copied. Choose another name.")


def discard(engine: Engine, name: str, now: datetime, *, actor: str) -> None:
    """Delete a campaign that nobody was ever planned for.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: it was sent, or began to be: its ledger is the proof of who got what, and stays.
    """
    with writing(engine) as connection:
        state = str(find(connection, name).state)
        reason = _kept_because(connection, name, state)
        if reason is not None:
            raise MillstreamError(f"campaign {name} is {state} and {reason}, so it stays. Nothing was deleted.")
        connection.execute(delete(occurrences).where(occurrences.c.campaign == name))
        connection.execute(delete(campaigns).where(campaigns.c.name == name))
        record(connection, at=now, actor=actor, action="campaign.delete", subject=name, details={"state": state})


def _kept_because(connection: Connection, name: str, state: str) -> str | None:
    if state in ("sending", "paused", "sent", "failed"):
        return "what was sent is kept"
    tables: tuple[tuple[Table, str], ...] = (
        (recipients, "its audience was planned"),
        (journeys, "people are on their way through it"),
        (offers, "its codes are at Stripe"),
        (mail_events, "its mails were told of"),
    )
    for table, reason in tables:
        if connection.execute(select(table.c.campaign).where(table.c.campaign == name).limit(1)).first() is not None:
            return reason
    return None
