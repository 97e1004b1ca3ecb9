"""The circuit breaker: too many dead addresses or complaints end a campaign before they end the sender's name.

It judges the mails since the campaign last began to send, so whoever resumes it after a look at the
reason has it judged anew.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, select

from pipelines.campaigns import find
from pipelines.delivery.ledger import accepted_since
from pipelines.delivery.watch import Watch
from pipelines.state import reading
from pipelines.state.tables import mail_events, recipients

FIRST = 500
"""So many have to be accepted before a share means anything."""
MOST = {"hard bounces": 0.05, "complaints": 0.001}
"""The greatest share of each."""
KINDS = {"bounce": "hard bounces", "spamreport": "complaints"}
"""Which of the provider's events is which."""
EVERY = 5.0
"""Seconds between two looks."""


class Breaker:
    """Looks at a campaign's events every few seconds."""

    def __init__(self, engine: Engine, campaign: str, watch: Watch) -> None:
        self._engine, self._campaign, self._watch = engine, campaign, watch
        with reading(engine) as connection:
            self._since = find(connection, campaign).updated_at
            self._before = accepted_since(connection, campaign, self._since)
        self._next = watch.ticks()

    def trouble(self, accepted: int) -> str | None:
        """Why to stop, after this sender had so many accepted; None while all is well or nobody looked."""
        everybody = self._before + accepted
        if everybody < FIRST or self._watch.ticks() < self._next:
            return None
        self._next = self._watch.ticks() + EVERY
        with reading(self._engine) as connection:
            found = self._counted(connection)
        for kind, most in MOST.items():
            count = found.get(kind, 0)
            if count > most * everybody:
                return f"{count:,} {kind} among {everybody:,} mails, more than {most:.1%}"
        return None

    def _counted(self, connection: Connection) -> dict[str, int]:
        """How many people the provider told each kind of."""
        counted = (
            select(mail_events.c.event, func.count(mail_events.c.dedupe_key.distinct()))
            .join(recipients, recipients.c.dedupe_key == mail_events.c.dedupe_key)
            .where(
                mail_events.c.campaign == self._campaign,
                mail_events.c.event.in_(KINDS),
                recipients.c.in_flight_at >= self._since,
            )
            .group_by(mail_events.c.event)
        )
        return {KINDS[row[0]]: row[1] for row in connection.execute(counted)}
