"""Retention over the published events, answered by `pipelines.behaviour`."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.funnels import EVENTS
from pipelines.behaviour import RetentionAnswer, parse_retention, retention
from pipelines.warehouse import Snapshot

PERIODS = {"days": "day", "weeks": "week", "months": "month"}
KINDS = {"every time": "recurring", "first time": "first_time"}
COHORTS = (8, 12, 18, 24)


def document_of(
    *, target: str | None, back: str | None, kind: str, period: str, cohorts: int, last: date, timezone: str
) -> dict[str, Any]:
    """The page's state as a query document; an event None is any event."""
    return {
        "target_event": target,
        "returning_event": back,
        "type": KINDS[kind],
        "period": PERIODS[period],
        "intervals": cohorts,
        "date_to": last.isoformat(),
        "timezone": timezone,
    }


@per_snapshot
def answer(snapshot: Snapshot, document: dict[str, Any]) -> RetentionAnswer:
    """Cohorts and who of them came back.

    Raises:
        UsageError: the question can not be meant.
    """
    with closing(snapshot.cursor()) as cursor:
        return retention(cursor, EVENTS, parse_retention(document))
