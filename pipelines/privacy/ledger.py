"""The consent ledger: everything that was ever told of somebody's consent, in rows that are only added.

`requested`: asked whether they agree, waiting for an answer. `granted`: agreed, as told by whoever brought it.
`confirmed`: agreed by the link that only they had. `withdrawn`: took it back. What counts now is in `consents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, insert, select

from pipelines.state.tables import consent_events

Action: TypeAlias = Literal["requested", "granted", "confirmed", "withdrawn"]
CHANNEL = "email"
BATCH = 500


class Entry(NamedTuple):
    """One thing that was told: of whose address, for which purpose, when, by whom, and what proves it."""

    key: str
    purpose: str
    action: Action
    at: datetime
    source: str
    proof: str = ""


def write_down(connection: Connection, entries: Sequence[Entry], now: datetime) -> int:
    """Add what the ledger does not hold yet, in the caller's transaction; returns how many were new."""
    added = 0
    for start in range(0, len(entries), BATCH):
        fresh = {_identity(entry): entry for entry in entries[start : start + BATCH]}
        found = select(consent_events).where(consent_events.c.address_key.in_({entry.key for entry in fresh.values()}))
        for row in connection.execute(found):
            fresh.pop((row.address_key, row.purpose, row.action, row.at, row.source), None)
        rows = [
            {
                "address_key": entry.key,
                "channel": CHANNEL,
                "recorded_at": now,
                "purpose": entry.purpose,
                "action": entry.action,
                "at": entry.at,
                "source": entry.source,
                "proof": entry.proof,
            }
            for entry in fresh.values()
        ]
        if rows:
            connection.execute(insert(consent_events), rows)
        added += len(rows)
    return added


def told(connection: Connection, key: str, purpose: str | None = None) -> list[Entry]:
    """What was told of one address, the oldest first; of what happened at once the withdrawal last."""
    columns = consent_events.c
    chosen = select(columns.purpose, columns.action, columns.at, columns.source, columns.proof).where(
        columns.address_key == key
    )
    if purpose is not None:
        chosen = chosen.where(columns.purpose == purpose)
    rows = connection.execute(chosen.order_by(columns.entry_id))
    entries = [Entry(key, row.purpose, row.action, row.at, row.source, row.proof) for row in rows]
    return sorted(entries, key=lambda entry: (entry.at, entry.action == "withdrawn"))


def _identity(entry: Entry) -> tuple[Any, ...]:
    return (entry.key, entry.purpose, entry.action, entry.at, entry.source)
