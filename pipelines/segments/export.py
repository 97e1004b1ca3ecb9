"""The members of a segment as CSV: who they are and since when, safe to open in a spreadsheet.

Who took out whose addresses is written to the audit log.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.privacy import mask
from pipelines.segments.ask import member_rows
from pipelines.segments.store import entries, load, lookup_of
from pipelines.state import record, writing

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

COLUMNS = ("person_id", "email", "name", "country", "subscription_status", "plan", "mrr_minor", "mrr_currency")


def export_members(
    engine: Engine,
    snapshot: Snapshot,
    name: str,
    now: datetime,
    *,
    timezone: str = "UTC",
    actor: str = "cli",
    sees_addresses: bool = True,
) -> tuple[str, list[dict[str, Any]]]:
    """The present members as CSV text and as rows; `entered_at` is empty for those no run has seen yet.

    Addresses come out masked where `sees_addresses` is False.

    Raises:
        UsageError: no such segment, or it can not be meant of this snapshot.
    """
    # Late: the sender reads segments without asking anything.
    import polars as pl

    from pipelines.spreadsheet import csv_text

    document = load(engine, name)
    found = member_rows(snapshot, document, COLUMNS, timezone=timezone, lookup=lookup_of(engine))
    since = entries(engine, name)
    if not sees_addresses:
        found = [{**row, "email": mask(row["email"])} for row in found]
    rows = [{**row, "entered_at": since.get(row["person_id"])} for row in found]
    with writing(engine) as connection:
        details: dict[str, object] = {"members": len(rows), "snapshot": snapshot.number}
        record(connection, at=now, actor=actor, action="segment.export", subject=name, details=details)
    told = [{**row, "entered_at": row["entered_at"] and row["entered_at"].isoformat()} for row in rows]
    # Late: the sender, which imports this room, needs no data frames.

    columns = [*COLUMNS, "entered_at"]
    return csv_text(pl.DataFrame(told, schema=columns, infer_schema_length=None)), rows
