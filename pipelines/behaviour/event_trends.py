"""Trends: how often something happened, period by period; the trend of a funnel is `trends`.

Each series is one statement over the events, or over the facts that it names. A person counts once per
period for `unique`, and once in `overall`, which is the same measure over the whole stretch. Amounts of
different currencies are never added up: each currency has a line. Values and names are bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from pipelines.behaviour.facts import facts_in, is_fact
from pipelines.behaviour.matching import match_sql, person_sql, relation_sql
from pipelines.behaviour.measures import counted_sql, needs_property, nothing, number_sql, value_of
from pipelines.behaviour.periods import day_of, earlier, end_of_period
from pipelines.behaviour.rows import accounts_sql, events_of, facts_of, subject_sql, traits_sql
from pipelines.behaviour.stretch import Stretch, stretch_before, stretch_of
from pipelines.behaviour.top_values import ALL, Top
from pipelines.behaviour.trend_lines import EventTrendsAnswer, Row, line_of
from pipelines.behaviour.trend_query import EventTrendsQuery, Series, is_money
from pipelines.conditions import Bindings, text_sql, where_sql
from pipelines.warehouse.writer import Connection


class _Key(NamedTuple):
    """A line of a series: the number of a breakdown's line, and the currency where amounts are measured."""

    number: int
    currency: str | None


@dataclass(frozen=True)
class _Counted:
    """What one series gave over one stretch, by line; the period None is the whole stretch."""

    series: Series
    periods: int
    values: dict[tuple[_Key, int | None], Fraction | None]
    without_number: dict[_Key, int]

    def row(self, number: int, currency: str | None) -> Row:
        key, empty = self.key(number, currency), nothing(self.series.measure)
        return [self.values.get((key, period), empty) for period in (*range(self.periods), None)]

    def key(self, number: int, currency: str | None) -> _Key:
        """The line that stands beside another series' line of a currency."""
        return _Key(number, currency if is_money(self.series) else None)


def event_trends(connection: Connection, relation: str, query: EventTrendsQuery) -> EventTrendsAnswer:
    """Answer a trends query over a relation of events (its shape: see `matching`). The connection is only read."""
    days = _days(connection, relation, query)
    if days is None:
        return EventTrendsAnswer(query, None, None, [], [])
    now = stretch_of(*days, query.interval, query.timezone)
    before = stretch_before(*days, query.interval, query.timezone) if query.compare else None
    top = ALL if query.breakdown is None else _top(connection, relation, query, now)

    def counted(stretch: Stretch) -> list[_Counted]:
        return [_count(connection, relation, query, series, stretch, top) for series in query.series]

    found = counted(now)
    earlier = None if before is None else counted(before)
    numbers = top.numbers(key.number for one in (*found, *(earlier or [])) for key, _ in one.values)
    lines = [
        line_of(
            _name(query, top, number, series_name),
            letter,
            top,
            number,
            found[place].row(number, currency),
            None if earlier is None else earlier[place].row(number, currency),
            found[place].without_number.get(found[place].key(number, currency), 0)
            if needs_property(query.series[place].measure)
            else None,
            currency,
        )
        for place, (letter, series_name) in enumerate(zip(query.letters(), query.names(), strict=True))
        for number in numbers
        for currency in _currencies([found[place], *([] if earlier is None else [earlier[place]])], number)
    ]
    formula = query.formula_asked()
    if formula is None:
        return EventTrendsAnswer(query, now, before, lines, [])

    def asked(counts: list[_Counted], number: int, currency: str | None) -> Row:
        columns = zip(*(one.row(number, currency) for one in counts), strict=True)
        return [formula.value(dict(zip(query.letters(), values, strict=True))) for values in columns]

    results = [
        line_of(
            formula.text if query.breakdown is None else top.name(number),
            None,
            top,
            number,
            asked(found, number, currency),
            None if earlier is None else asked(earlier, number, currency),
            currency=currency,
        )
        for number in numbers
        for currency in _currencies([*found, *(earlier or [])], number)
    ]
    return EventTrendsAnswer(query, now, before, results, lines)


def _currencies(counts: Sequence[_Counted], number: int) -> list[str | None]:
    """The currencies that a line of a breakdown is split by, in order; one unnamed line where there are none."""
    there = {key.currency for one in counts for key, _ in one.values if key.number == number}
    return [*sorted(currency for currency in there if currency is not None)] or [None]


def _name(query: EventTrendsQuery, top: Top, number: int, name: str) -> str:
    """How a line of a series is called: by what tells it from the others."""
    if query.breakdown is None:
        return name
    return top.name(number) if len(query.series) == 1 else f"{name}: {top.name(number)}"


def _days(connection: Connection, relation: str, query: EventTrendsQuery) -> tuple[date, date] | None:
    """The first and the last day: as asked, else whole periods from the first to the last event of any series."""
    if query.date_from is not None and query.date_to is not None:
        return query.date_from, query.date_to
    bounds: list[int] = []
    for are_facts in (False, True):
        some = [series for series in query.series if is_fact(series.event) == are_facts]
        if some:
            bindings = Bindings()
            rows = _rows_sql(connection, relation, query, some, bindings, ["epoch_us(event_at) as moment"])
            found = connection.execute(f"select min(moment), max(moment) from ({rows})", bindings.values).fetchall()
            bounds += [bound for bound in found[0] if bound is not None]
    if not bounds:
        return None
    first, last = min(bounds), max(bounds)
    begin = query.date_from or earlier(day_of(first, query.timezone), query.interval, 0)
    end = query.date_to or end_of_period(day_of(last, query.timezone), query.interval)
    return None if begin > end else (begin, end)


def _rows_sql(
    connection: Connection,
    relation: str,
    query: EventTrendsQuery,
    some: Sequence[Series],
    bindings: Bindings,
    columns: Sequence[str],
    stretch: Stretch | None = None,
) -> str:
    """SQL of what any of some series counts (in a stretch): `person` and these columns of `rows`.

    The series are all of events or all of facts.
    """
    facts = facts_in(series.event for series in some)
    by_user = query.aggregate_by == "user"
    subject = subject_sql(query.aggregate_by, bindings)
    if facts:
        source = f"({facts_of(connection, relation, query.aggregate_by, facts, bindings)})"
    elif by_user:
        # People are told apart by number where the relation knows one.
        source, subject = relation_sql(relation), f"rows.{person_sql(relation)}"
    else:
        source = f"({events_of(relation, query.aggregate_by)})"
    tests = [
        "(" + " or ".join(match_sql(series.event, series.where, bindings) for series in some) + ")",
        where_sql(query.where, bindings),
        f"{subject} is not null",
    ]
    if not by_user:
        tests.append("rows.person_id is not null")
    if stretch is not None:
        tests.append(f"event_at >= make_timestamp({bindings.add(stretch.since)})")
        tests.append(f"event_at < make_timestamp({bindings.add(stretch.until)})")
    joins = traits_sql(connection, relation, bindings) + accounts_sql(relation, query.aggregate_by)
    return f"""
        select {", ".join((f"{subject} as person", *columns))}
        from {source} as rows {joins}
        where {" and ".join(tests)}
    """


def _measured_sql(
    connection: Connection,
    relation: str,
    query: EventTrendsQuery,
    series: Series,
    stretch: Stretch,
    bindings: Bindings,
    *columns: str,
) -> str:
    """SQL of what a series counts in a stretch: `person`, `number`, of amounts `currency`, and these columns."""
    number = "null" if series.property is None else number_sql(series.property, bindings)
    own = [f"{number} as number", *(["rows.currency"] if is_money(series) else [])]
    return _rows_sql(connection, relation, query, [series], bindings, [*own, *columns], stretch)


def _count(
    connection: Connection, relation: str, query: EventTrendsQuery, series: Series, stretch: Stretch, top: Top
) -> _Counted:
    bindings = Bindings()
    # Where nothing has a line of its own, no value is looked at (and none is bound).
    line = top.number_sql(_value_sql(query, bindings) if top.ranked else None, bindings)
    columns = ("epoch_us(event_at) as moment", f"{line} as line")
    rows = _measured_sql(connection, relation, query, series, stretch, bindings, *columns)
    currency, by_line = ("currency", "line, currency") if is_money(series) else ("null", "line")
    sql = f"""
        select line, {currency}, case when grouping(period) = 0 then period end, {counted_sql(series.measure)},
            count(*) - count(number)
        from ({rows}) as found
        join ({stretch.slots_sql(bindings)}) as slots
            on {stretch.slot_sql("found.moment")} = slots.slot
            and found.moment >= slots.begins and found.moment < slots.ends
        group by grouping sets (({by_line}, period), ({by_line}))
    """
    found = connection.execute(sql, bindings.values).fetchall()
    return _Counted(
        series,
        len(stretch.begins),
        {(_Key(line, currency), period): value_of(part, base) for line, currency, period, part, base, _ in found},
        {_Key(line, currency): missing for line, currency, period, _, _, missing in found if period is None},
    )


def _top(connection: Connection, relation: str, query: EventTrendsQuery, stretch: Stretch) -> Top:
    """The values with the most events of the first series; for a sum, with the most of it.

    Amounts of several currencies have no order: there the most events come first as well.
    """
    series = query.series[0]
    bindings = Bindings()
    value = f"{_value_sql(query, bindings)} as value"
    rows = _measured_sql(connection, relation, query, series, stretch, bindings, value)
    size = "coalesce(sum(number), 0)" if series.measure == "sum" and not is_money(series) else "count(*)"
    sql = f"""
        select value from ({rows}) as found group by value
        order by {size} desc, value nulls last limit {bindings.add(query.breakdown.limit if query.breakdown else 0)}
    """
    return Top([value for (value,) in connection.execute(sql, bindings.values).fetchall()], is_split=True)


def _value_sql(query: EventTrendsQuery, bindings: Bindings) -> str | None:
    """SQL of the property that lines are split by."""
    return None if query.breakdown is None else text_sql(query.breakdown.property, query.breakdown.scope, bindings)
