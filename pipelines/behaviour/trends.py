"""A funnel over time: of the people who entered it in a period, how many came through.

A person counts once in every period in which an attempt of theirs began; what happens later counts
for the period of the begin.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipelines.behaviour.periods import Periods, day_of, known_by
from pipelines.behaviour.query import FunnelQuery, Order
from pipelines.behaviour.scan import Plan, Seen, by_person, furthest_attempt, plan_of, seen_events
from pipelines.behaviour.unordered import counts_by_start
from pipelines.behaviour.walks import Times
from pipelines.warehouse.writer import Connection


@dataclass(frozen=True)
class TrendPeriod:
    """One period; the rate is a percentage, 0 when nobody entered."""

    period_start: str
    entered: int
    converted: int

    @property
    def conversion_rate(self) -> float:
        """Percent of those who entered."""
        return 100 * self.converted / self.entered if self.entered else 0.0


@dataclass(frozen=True)
class TrendsAnswer:
    """The answer to one query of kind `funnel_trends`."""

    query: FunnelQuery
    periods: list[TrendPeriod]

    def document(self, known_until: datetime) -> dict[str, Any]:
        """The answer as `millstream funnel --json` prints it; events are known up to `known_until` (UTC)."""
        periods = [{**vars(period), "conversion_rate": period.conversion_rate} for period in self.periods]
        return {
            "kind": self.query.kind,
            "query": self.query.document(),
            "periods": periods,
            "is_final": self.settled(known_until),
        }

    def settled(self, known_until: datetime) -> list[bool]:
        """By period, whether its rate is final: the window of its last moment lies inside what was looked at.

        `known_until` is the moment (UTC) up to which events are known.
        """
        if not self.periods:
            return []
        query = self.query
        first, last = (date.fromisoformat(self.periods[end].period_start[:10]) for end in (0, -1))
        stretch = Periods(first, last, query.interval or "day", query.timezone)
        until = known_by(known_until, query.date_to, query.timezone)
        ends = [*stretch.begins[1:], stretch.end]
        return [end + (query.window_microseconds or 0) <= until for end in ends[: len(self.periods)]]


def funnel_trends(connection: Connection, relation: str, query: FunnelQuery) -> TrendsAnswer:
    """Answer a funnel over time, from `from_step` to `to_step` of it, over all periods of the dates.

    Without dates the periods are those in which somebody began.
    """
    people = [events for _, events in by_person(seen_events(connection, relation, query))]
    periods = _periods(query, people)
    if periods is None:
        return TrendsAnswer(query, [])
    first = query.from_step or 0
    last = len(query.steps) - 1 if query.to_step is None else query.to_step
    plan = plan_of(query)
    entered, converted = [0] * len(periods.labels), [0] * len(periods.labels)
    for events in people:
        for number, way in _ways_by_period(events, periods, plan).items():
            entered[number] += _filled(way, first)
            converted[number] += _filled(way, first) and _filled(way, last)
    rows = zip(periods.labels, entered, converted, strict=True)
    return TrendsAnswer(query, [TrendPeriod(*row) for row in rows])


def _periods(query: FunnelQuery, people: list[list[Seen]]) -> Periods | None:
    starts = [event.at for events in people for event in events if event.steps & _beginning(query.order)]
    if not starts and None in (query.date_from, query.date_to):
        return None
    first = query.date_from or day_of(min(starts), query.timezone)
    last = query.date_to or day_of(max(starts), query.timezone)
    return Periods(first, last, query.interval or "day", query.timezone)


def _beginning(order: Order) -> int:
    """The steps that can begin an attempt, as bits."""
    return -1 if order == "unordered" else 1


def _filled(way: Times, step: int) -> bool:
    return len(way) > step and way[step] is not None


def _ways_by_period(events: list[Seen], periods: Periods, plan: Plan) -> dict[int, Times]:
    """By period in which the person could begin, the attempt that counts of those that began there."""
    if plan.order == "unordered" and not plan.exclusions:
        return _most_by_period(events, periods, plan)
    times = [event.at for event in events]
    beginning = _beginning(plan.order)
    starts: dict[int, tuple[int, int]] = {}
    for event in events:
        if event.steps & beginning:
            number = periods.number_of(event.at)
            starts[number] = (starts.get(number, (event.at, 0))[0], event.at)
    found = {}
    for number, (first, last) in starts.items():
        # Only what can still belong to an attempt of this period is looked at.
        part = events[bisect_left(times, first) : bisect_right(times, last + plan.window)]
        only = [event if event.at <= last else event._replace(steps=event.steps & ~1) for event in part]
        found[number] = furthest_attempt(only, plan)
    return found


def _most_by_period(events: list[Seen], periods: Periods, plan: Plan) -> dict[int, Times]:
    """In any order an attempt begins with any step: the most steps of those that began in a period."""
    most: dict[int, int] = {}
    for at, count in counts_by_start([event[:2] for event in events], plan.window):
        number = periods.number_of(at)
        most[number] = max(most.get(number, 0), count)
    # Their times are not asked for.
    return {number: (0,) * count for number, count in most.items()}
