"""Trends and paths over the published events, answered by `pipelines.behaviour`."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.funnels import EVENTS
from pipelines.behaviour import (
    EventTrendsAnswer,
    PathsAnswer,
    event_trends,
    parse_paths,
    parse_trends,
    paths,
)
from pipelines.warehouse import Snapshot


@per_snapshot
def trends_answer(snapshot: Snapshot, document: dict[str, Any]) -> EventTrendsAnswer:
    """Lines by period of a query document.

    Raises:
        UsageError: the question can not be meant.
    """
    with closing(snapshot.cursor()) as cursor:
        return event_trends(cursor, EVENTS, parse_trends(document))


def paths_document(event: str, direction: str, days: tuple[date, date], timezone: str) -> dict[str, Any]:
    """The paths page's state as a query document."""
    return {
        "event": event,
        "direction": direction,
        "date_from": days[0].isoformat(),
        "date_to": days[1].isoformat(),
        "timezone": timezone,
    }


@per_snapshot
def paths_answer(snapshot: Snapshot, document: dict[str, Any]) -> PathsAnswer:
    """What came right after an event, or right before it.

    Raises:
        UsageError: the question can not be meant.
    """
    with closing(snapshot.cursor()) as cursor:
        return paths(cursor, EVENTS, parse_paths(document))
