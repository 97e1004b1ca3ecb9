"""Funnels over the published events, answered by `pipelines.behaviour`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.queries.cache import per_snapshot
from pipelines.behaviour import FunnelAnswer, funnel, parse_funnel
from pipelines.warehouse import Snapshot

EVENTS = "marts.fct_events"
COUNTS = "marts.agg_events_daily"
WINDOWS: dict[str, dict[str, Any] | None] = {
    "1 hour": {"value": 1, "unit": "hour"},
    "1 day": {"value": 1, "unit": "day"},
    "7 days": {"value": 7, "unit": "day"},
    "14 days": {"value": 14, "unit": "day"},
    "30 days": {"value": 30, "unit": "day"},
    "90 days": {"value": 90, "unit": "day"},
    "no limit": None,
}
# The way most sellers ask about first; taken where these events exist.
USUAL = ("Pricing", "Signed Up", "Trial Started", "Subscription Started")


@dataclass(frozen=True)
class Catalogue:
    """The events there are: names by volume, and the days they span (UTC)."""

    names: list[str]
    first_day: date | None
    last_day: date | None


@per_snapshot
def catalogue(snapshot: Snapshot) -> Catalogue:
    """Names that can be a step: tracked events and visited pages."""
    if not snapshot.has(COUNTS):
        return Catalogue([], None, None)
    rows = snapshot.query(
        """
        select event, sum(event_count) as volume, min(day) as first_day, max(day) as last_day
        from marts.agg_events_daily
        where type in ('track', 'page', 'screen')
        group by event
        order by volume desc, event
        """
    )
    return Catalogue(rows["event"].to_list(), _day(rows["first_day"].min()), _day(rows["last_day"].max()))


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def usual_steps(names: Sequence[str]) -> list[str]:
    """A funnel to begin with: the usual way as far as its events exist, else none."""
    found = [name for name in USUAL if name in names]
    return found if len(found) >= 2 else []


def usual_days(known: Catalogue, last_day: date) -> tuple[date, date]:
    """The last 30 whole days, or what there is of them."""
    last = min(last_day, known.last_day) if known.last_day else last_day
    first = last - timedelta(days=29)
    return (max(first, known.first_day) if known.first_day and known.first_day <= last else first), last


@per_snapshot
def answer(
    snapshot: Snapshot, *, steps: list[str], window: str, first: date, last: date, timezone: str
) -> FunnelAnswer:
    """People per step, for starts between the days `first` and `last` (both included).

    Raises:
        UsageError: the question can not be meant.
    """
    query = parse_funnel(
        {
            "steps": [{"event": step} for step in steps],
            "window": WINDOWS[window],
            "date_from": first.isoformat(),
            "date_to": last.isoformat(),
            "timezone": timezone,
        }
    )
    cursor = snapshot.cursor()
    try:
        return funnel(cursor, EVENTS, query)
    finally:
        cursor.close()
