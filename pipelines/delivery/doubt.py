"""Mails in doubt: the provider's own word settles them, and after a day without one they are given up.

A marketing mail goes out at most once, so nothing in doubt is ever sent again. A word that comes
after that day still counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, exists, select, update

from pipelines.state import record, writing
from pipelines.state.tables import mail_events, recipients

HORIZON = timedelta(hours=24)
"""So long a provider repeats what it could not tell."""
NO_WORD = "no_word_from_provider"


@dataclass(frozen=True)
class Settled:
    """How many doubts ended which way."""

    accepted: int = 0
    gave_up: int = 0


def settle_doubts(engine: Engine, now: datetime, campaign: str | None = None) -> Settled:
    """Settle what can be settled, of one campaign or of all; asked again, it changes nothing more.

    Any event that carries a mail's key says that the provider had taken it.
    """
    columns = recipients.c
    mine = (columns.campaign == campaign,) if campaign is not None else ()
    told = exists(select(mail_events.c.event_id).where(mail_events.c.dedupe_key == columns.dedupe_key))
    given_up = (columns.state == "gave_up") & (columns.reason == NO_WORD)
    with writing(engine) as connection:
        accepted = connection.execute(
            update(recipients)
            .where(*mine, (columns.state == "ambiguous") | given_up, told)
            .values(state="accepted", reason=None, done_at=now)
        ).rowcount
        gave_up = connection.execute(
            update(recipients)
            .where(*mine, columns.state == "ambiguous", columns.in_flight_at <= now - HORIZON)
            .values(state="gave_up", reason=NO_WORD, done_at=now)
        ).rowcount
        if accepted or gave_up:
            details: dict[str, object] = {"accepted": accepted, "gave_up": gave_up}
            record(
                connection, at=now, actor="sender", action="campaign.doubts", subject=campaign or "", details=details
            )
    return Settled(accepted, gave_up)
