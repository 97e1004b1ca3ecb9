"""The recipient ledger: every step of a mail as one transaction that is on disk when it returns.

`planned -> claimed -> in_flight -> accepted | rejected | ambiguous`. A row moves only from the
state it is expected in and only by its owner, so a cancelled or lost row is never mailed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, func, select, update

from pipelines.campaigns import ONCE, find
from pipelines.faults import fault_point
from pipelines.mail import Handover
from pipelines.privacy import may_mail, purpose_of
from pipelines.settings import Settings
from pipelines.state import writing
from pipelines.state.tables import recipients


class Claimed(NamedTuple):
    """A recipient that this sender took."""

    key: str
    address: str
    address_key: str
    variables: Mapping[str, Any]
    variant: str
    attempt: int


def recover(engine: Engine, campaign: str, now: datetime) -> int:
    """Take over from a dead sender; returns how many mails it left in doubt. Needs the senders' lock."""
    mine = recipients.c.campaign == campaign
    with writing(engine) as connection:
        connection.execute(
            update(recipients).where(mine, recipients.c.state == "claimed").values(state="planned", owner=None)
        )
        doubtful = update(recipients).where(mine, recipients.c.state == "in_flight")
        return connection.execute(
            doubtful.values(state="ambiguous", reason="sender_ended_in_flight", done_at=now)
        ).rowcount


def claim(engine: Engine, campaign: str, owner: str, size: int) -> list[Claimed]:
    """Take up to `size` planned recipients; none where the campaign is not sending any more."""
    columns = recipients.c
    with writing(engine) as connection:
        if find(connection, campaign).state != "sending":
            return []
        rows = connection.execute(
            select(
                columns.dedupe_key,
                columns.address,
                columns.address_key,
                columns.variables,
                columns.variant,
                columns.attempt,
            )
            # No order: the index gives the next ones without looking at all that are left.
            .where(columns.campaign == campaign, columns.occurrence == ONCE, columns.state == "planned")
            .limit(size)
        ).all()
        keys = [row.dedupe_key for row in rows]
        taken = update(recipients).where(columns.dedupe_key.in_(keys), columns.state == "planned")
        connection.execute(taken.values(state="claimed", owner=owner))
        fault_point("sender.before_claim")
    return [
        Claimed(
            row.dedupe_key,
            row.address,
            row.address_key,
            json.loads(row.variables),
            row.variant,
            row.attempt + 1,
        )
        for row in rows
    ]


def take_off(engine: Engine, settings: Settings, campaign: str, owner: str, row: Claimed, now: datetime) -> bool:
    """Mark one claimed mail `in_flight`, if it may still go out; else its reason not to is stored.

    Consent, suppression and the campaign's state are asked in the same transaction.
    """
    with writing(engine) as connection:
        if find(connection, campaign).state != "sending":
            return False
        # Whoever was planned had paid where paying counts; what can have changed is a refusal.
        purpose = purpose_of(connection, campaign)
        reason = may_mail(connection, row.address, policy=settings.consent, pays=True, purpose=purpose)
        mine = (row.key, owner, "claimed")
        if reason is not None:
            _move(connection, mine, {"state": "suppressed", "reason": reason, "done_at": now})
            return False
        taken = _move(connection, mine, {"state": "in_flight", "attempt": row.attempt, "in_flight_at": now})
        fault_point("sender.before_in_flight")
        return taken


def settle(engine: Engine, owner: str, key: str, result: Handover, now: datetime, *, was: str = "in_flight") -> None:
    """Write down what became of a mail; `not_sent` puts it back among the planned ones."""
    values: dict[str, object] = {"message_id": result.message_id, "reason": result.reason}
    if result.outcome == "not_sent":
        values |= {"state": "planned", "owner": None}
    else:
        values |= {"state": result.outcome, "done_at": now}
    with writing(engine) as connection:
        _move(connection, (key, owner, was), values)
        if result.outcome == "accepted":
            fault_point("sender.before_accepted")


def release(engine: Engine, campaign: str, owner: str) -> None:
    """Put back what this sender claimed and did not begin."""
    with writing(engine) as connection:
        connection.execute(
            update(recipients)
            .where(
                recipients.c.campaign == campaign,
                recipients.c.owner == owner,
                recipients.c.state == "claimed",
            )
            .values(state="planned", owner=None)
        )


def states(connection: Connection, campaign: str) -> dict[str, int]:
    """How many recipients are in each state."""
    counted = select(recipients.c.state, func.count().label("times")).where(recipients.c.campaign == campaign)
    rows = connection.execute(counted.group_by(recipients.c.state)).all()
    return {row.state: row.times for row in rows}


def _move(connection: Connection, row: tuple[str, str, str], values: Mapping[str, object]) -> bool:
    """Change the row (key, owner, state); False where it is not there in that state any more."""
    key, owner, was = row
    same = (recipients.c.dedupe_key == key, recipients.c.owner == owner, recipients.c.state == was)
    return connection.execute(update(recipients).where(*same).values(**values)).rowcount == 1
