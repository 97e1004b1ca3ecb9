"""MRR as it was reported by the end of a day, beside what is known now, as `revenue mrr --as-reported` answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.queries.health import state_engine
from pipelines.revenue import Question, as_reported
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot

Told = dict[str, Any]


def mrr_as_reported(
    snapshot: Snapshot, settings: Settings, *, reported_on: date, first: date, last: date, by: Any, currency: str
) -> Told:
    """The answer for these days. Not cached: what a publish noted may be newer than the snapshot.

    Raises:
        UsageError: nothing was published by then.
    """
    zone = settings.reporting_timezone
    return as_reported(
        snapshot,
        Question(date_from=first, date_to=last, by=by, currency=currency, timezone=zone),
        state_engine(settings),
        "mrr",
        moment=datetime.combine(reported_on, time.max, ZoneInfo(zone)).astimezone(UTC),
    )


def told_rows(told: Told) -> list[dict[str, Any]]:
    """The rows from the first on that has an amount on either clock."""
    rows: list[dict[str, Any]] = told["rows"]
    for position, row in enumerate(rows):
        if row["mrr_minor"] or row["known_minor"]:
            return rows[position:]
    return []
