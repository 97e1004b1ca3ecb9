"""A funnel over time: of the people who entered it in a period, how many came through.

A person counts once in every period in which an attempt of theirs began; what happens later counts
for the period of the begin.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from pipelines.behaviour.answer import by_value, in_order
from pipelines.behaviour.attribution import attributed
from pipelines.behaviour.periods import Periods, day_of, known_by
from pipelines.behaviour.query import FunnelQuery
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

    def document(self) -> dict[str, Any]:
        """The period as `millstream funnel --json` prints it."""
        return {**vars(self), "conversion_rate": self.conversion_rate}


@dataclass(frozen=True)
class TrendPart:
    """The same periods of those who bear one value of the breakdown; None for those without."""

    value: str | None
    periods: list[TrendPeriod]

    @property
    def entered(self) -> int:
        """How often people entered in all periods together."""
        return sum(period.entered for period in self.periods)

    @property
    def converted(self) -> int:
        """How many of these came through."""
        return sum(period.converted for period in self.periods)


@dataclass(frozen=True)
class TrendsAnswer:
    """The answer to one query of kind `funnel_trends`.

    `breakdown` is None where it asks for none, else the largest part comes first.
    """

    query: FunnelQuery
    periods: list[TrendPeriod]
    breakdown: list[TrendPart] | None = None

    def document(self, known_until: datetime) -> dict[str, Any]:
        """The answer as `millstream funnel --json` prints it; events are known up to `known_until` (UTC)."""
        told = {
            "kind": self.query.kind,
            "query": self.query.document(),
            "periods": [period.document() for period in self.periods],
            "is_final": self.settled(known_until),
        }
        if self.breakdown is not None:
            told["breakdown"] = [
                {"value": part.value, "periods": [period.document() for period in part.periods]}
                for part in self.breakdown
            ]
        return told

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
    whole = query.unsplit() if query.splits_events else query
    seen = seen_events(connection, relation, whole)
    people = list(by_person(seen))
    periods = _periods(query, [events for _, events in people])
    if periods is None:
        return TrendsAnswer(query, [], None if query.breakdown is None else [])
    entries = _entries(people, periods, seen, whole)
    answer = TrendsAnswer(query, _counted(entries, periods))
    if query.breakdown is None:
        return answer
    if query.splits_events:
        seen = seen_events(connection, relation, query)
        entries = _entries(by_person(seen, by=("person_id", "value")), periods, seen, query)
    parts = [TrendPart(value, _counted(part, periods)) for value, part in by_value(entries, query)]
    return replace(answer, breakdown=sorted(parts, key=lambda part: in_order(part.value, part.entered)))


def _periods(query: FunnelQuery, people: list[list[Seen]]) -> Periods | None:
    beginning = plan_of(query).beginning
    starts = [event.at for events in people for event in events if event.steps & beginning]
    if not starts and None in (query.date_from, query.date_to):
        return None
    first = query.date_from or day_of(min(starts), query.timezone)
    last = query.date_to or day_of(max(starts), query.timezone)
    return Periods(first, last, query.interval or "day", query.timezone)


def _entries(
    people: Iterable[tuple[tuple[str | None, ...], list[Seen]]],
    periods: Periods,
    seen: pl.DataFrame,
    query: FunnelQuery,
) -> pl.DataFrame:
    """A row for every period that somebody entered: its number, whether they came through, and the `value`."""
    plan, (first, last) = plan_of(query), query.ends
    by = ["person_id", "value"] if query.splits_events else ["person_id"]
    said = query.attributed_step
    rows = [
        (*key, number, _filled(way, last), None if said is None or not _filled(way, said) else way[said])
        for key, events in people
        for number, way in _ways_by_period(events, periods, plan).items()
        if _filled(way, first)
    ]
    schema = {**dict.fromkeys(by, pl.String), "period": pl.Int64, "is_through": pl.Boolean, f"at_{said}": pl.Int64}
    return attributed(pl.DataFrame(rows, schema=schema, orient="row"), seen, query, by=by)


def _counted(entries: pl.DataFrame, periods: Periods) -> list[TrendPeriod]:
    counts = entries.group_by("period").agg(pl.len(), pl.col("is_through").sum()).iter_rows()
    found = {number: (entered, converted) for number, entered, converted in counts}
    return [TrendPeriod(label, *found.get(number, (0, 0))) for number, label in enumerate(periods.labels)]


def _filled(way: Times, step: int) -> bool:
    return len(way) > step and way[step] is not None


def _ways_by_period(events: list[Seen], periods: Periods, plan: Plan) -> dict[int, Times]:
    """By period in which the person could begin, the attempt that counts of those that began there."""
    if plan.order == "unordered" and not plan.exclusions and not plan.optional:
        return _most_by_period(events, periods, plan)
    times = [event.at for event in events]
    starts: dict[int, tuple[int, int]] = {}
    for event in events:
        if event.steps & plan.beginning:
            number = periods.number_of(event.at)
            starts[number] = (starts.get(number, (event.at, 0))[0], event.at)
    found = {}
    for number, (first, last) in starts.items():
        # Only what can still belong to an attempt of this period is looked at; in any order an optional step may
        # have been done before it.
        earliest = first - plan.window if plan.optional and plan.order == "unordered" else first
        part = events[bisect_left(times, earliest) : bisect_right(times, last + plan.window)]
        only = [event if event.at >= first else event._replace(steps=event.steps & ~plan.beginning) for event in part]
        found[number] = furthest_attempt(only, plan, begun_by=last)
    return found


def _most_by_period(events: list[Seen], periods: Periods, plan: Plan) -> dict[int, Times]:
    """In any order an attempt begins with any step: the most steps of those that began in a period."""
    most: dict[int, int] = {}
    for at, count in counts_by_start([event[:2] for event in events], plan.window):
        number = periods.number_of(at)
        most[number] = max(most.get(number, 0), count)
    # Their times are not asked for.
    return {number: (0,) * count for number, count in most.items()}
