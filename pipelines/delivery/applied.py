"""What SendGrid's events change at once: the state store's own list of them, suppressions, consent.

An event counts once, by its id: it and all that follows from it are one transaction, so a suppression that
somebody took back is not made again by a second telling. The gateway does so while the sender waits for its
answer, and every load of what was landed does it again for whatever the gateway could not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from pipelines.delivery.events import UNSUBSCRIBED, Told
from pipelines.faults import fault_point
from pipelines.privacy import MARKETING, choose_group, suppress, withdraw
from pipelines.state import reading, writing
from pipelines.state.tables import mail_events

BATCH = 500
SOURCE = "sendgrid"
BLOCKED = "blocked"
_KEPT = ("event_id", "dedupe_key", "campaign", "occurrence", "address_key", "event", "is_machine")


def apply_events(engine: Engine, events: Iterable[Told], *, now: datetime) -> int:
    """Do what the events ask for, some hundred in a transaction; returns how many were not known."""
    remaining = iter(events)
    fresh = 0
    while batch := list(islice(remaining, BATCH)):
        with writing(engine) as connection:
            known = _known(connection, [told.row["event_id"] for told in batch])
            new = {told.row["event_id"]: told for told in reversed(batch) if told.row["event_id"] not in known}
            for told in new.values():
                _act(connection, told, now)
            if new:
                connection.execute(insert(mail_events), [_row(told.row) for told in new.values()])
            fresh += len(new)
            fault_point("feedback.before_commit")
    return fresh


def known_events(engine: Engine, ids: Sequence[str]) -> set[str]:
    """Those of these ids that were applied before."""
    with reading(engine) as connection:
        return {
            found for start in range(0, len(ids), BATCH) for found in _known(connection, ids[start : start + BATCH])
        }


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    return set(connection.scalars(select(mail_events.c.event_id).where(mail_events.c.event_id.in_(ids))))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    # SendGrid tells a refusal that passes as a bounce, too; it says nothing of the address.
    event = BLOCKED if row["event"] == "bounce" and row["bounce_type"] == BLOCKED else row["event"]
    moments = {name: row[name].replace(tzinfo=UTC) for name in ("event_at", "received_at")}
    return {**{name: row[name] for name in _KEPT}, "event": event, **moments}


def _act(connection: Connection, told: Told, now: datetime) -> None:
    """Refuse further mail to whoever the event says wants or gets none; the first reason stays."""
    key, at = told.row["address_key"], told.row["event_at"].replace(tzinfo=UTC)
    if key is None:
        return
    if told.choice is not None:
        choose_group(connection, key, told.choice.group, leaves=told.choice.leaves, at=at, now=now)
    if told.refusal is None:
        return
    reason, scope = told.refusal
    suppress(connection, key, reason=reason, source=SOURCE, now=now, scope=scope)
    if reason == UNSUBSCRIBED:
        withdraw(connection, key, source=SOURCE, now=now, at=at, purpose=MARKETING, proof=told.row["event_id"])
