"""Trends: how often something happened, period by period; the trend of a funnel is `trends`.

Each series is one statement over the events. A person counts once per period for `unique`, and once
in `overall`, which is the same measure over the whole stretch. Values and names are bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from pipelines.behaviour.conditions import Bindings, text_sql, where_sql
from pipelines.behaviour.matching import match_sql, person_sql, relation_sql
from pipelines.behaviour.measures import counted_sql, needs_property, nothing, number_sql, value_of
from pipelines.behaviour.periods import day_of, earlier, end_of_period
from pipelines.behaviour.rows import traits_sql
from pipelines.behaviour.stretch import Stretch, stretch_before, stretch_of
from pipelines.behaviour.top_values import ALL, Top
from pipelines.behaviour.trend_lines import EventTrendsAnswer, Row, line_of
from pipelines.behaviour.trend_query import EventTrendsQuery, Series
from pipelines.warehouse.writer import Connection


@dataclass(frozen=True)
class _Counted:
    """What one series gave over one stretch, by the number of a breakdown's line."""

    series: Series
    periods: int
    values: dict[tuple[int, int | None], Fraction | None]
    without_number: dict[int, int]

    def row(self, number: int) -> Row:
        empty = nothing(self.series.measure)
        return [self.values.get((number, period), empty) for period in (*range(self.periods), None)]


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
    numbers = top.numbers(number for one in (*found, *(earlier or [])) for number, _ in one.values)
    lines = [
        line_of(
            _name(query, top, number, series_name),
            letter,
            top,
            number,
            found[place].row(number),
            None if earlier is None else earlier[place].row(number),
            found[place].without_number.get(number, 0) if needs_property(query.series[place].measure) else None,
        )
        for place, (letter, series_name) in enumerate(zip(query.letters(), query.names(), strict=True))
        for number in numbers
    ]
    formula = query.formula_asked()
    if formula is None:
        return EventTrendsAnswer(query, now, before, lines, [])

    def asked(counts: list[_Counted], number: int) -> Row:
        columns = zip(*(one.row(number) for one in counts), strict=True)
        return [formula.value(dict(zip(query.letters(), values, strict=True))) for values in columns]

    results = [
        line_of(
            formula.text if query.breakdown is None else top.name(number),
            None,
            top,
            number,
            asked(found, number),
            None if earlier is None else asked(earlier, number),
        )
        for number in numbers
    ]
    return EventTrendsAnswer(query, now, before, results, lines)


def _name(query: EventTrendsQuery, top: Top, number: int, name: str) -> str:
    """How a line of a series is called: by what tells it from the others."""
    if query.breakdown is None:
        return name
    return top.name(number) if len(query.series) == 1 else f"{name}: {top.name(number)}"


def _days(connection: Connection, relation: str, query: EventTrendsQuery) -> tuple[date, date] | None:
    """The first and the last day: as asked, else whole periods from the first to the last event of any series."""
    if query.date_from is not None and query.date_to is not None:
        return query.date_from, query.date_to
    bindings = Bindings()
    any_of = " or ".join(match_sql(series.event, series.where, bindings) for series in query.series)
    tests = f"rows.{person_sql(relation)} is not null and {where_sql(query.where, bindings)} and ({any_of})"
    sql = f"""
        select epoch_us(min(event_at)), epoch_us(max(event_at))
        from {relation_sql(relation)} as rows {traits_sql(connection, relation, bindings)}
        where {tests}
    """
    ((first, last),) = connection.execute(sql, bindings.values).fetchall()
    if first is None:
        return None
    begin = query.date_from or earlier(day_of(first, query.timezone), query.interval, 0)
    end = query.date_to or end_of_period(day_of(last, query.timezone), query.interval)
    return None if begin > end else (begin, end)


def _rows_sql(
    connection: Connection,
    relation: str,
    query: EventTrendsQuery,
    series: Series,
    stretch: Stretch,
    bindings: Bindings,
    *columns: str,
) -> str:
    """SQL of the events that a series counts in a stretch: `person`, `number` and these columns."""
    person = f"rows.{person_sql(relation)}"
    number = "null" if series.property is None else number_sql(series.property, bindings)
    tests = (
        f"{person} is not null",
        match_sql(series.event, series.where, bindings),
        where_sql(query.where, bindings),
        f"event_at >= make_timestamp({bindings.add(stretch.since)})",
        f"event_at < make_timestamp({bindings.add(stretch.until)})",
    )
    return f"""
        select {", ".join((f"{person} as person", f"{number} as number", *columns))}
        from {relation_sql(relation)} as rows {traits_sql(connection, relation, bindings)}
        where {" and ".join(tests)}
    """


def _count(
    connection: Connection, relation: str, query: EventTrendsQuery, series: Series, stretch: Stretch, top: Top
) -> _Counted:
    bindings = Bindings()
    # Where nothing has a line of its own, no value is looked at (and none is bound).
    line = top.number_sql(_value_sql(query, bindings) if top.ranked else None, bindings)
    columns = ("epoch_us(event_at) as moment", f"{line} as line")
    rows = _rows_sql(connection, relation, query, series, stretch, bindings, *columns)
    sql = f"""
        select line, case when grouping(period) = 0 then period end, {counted_sql(series.measure)},
            count(*) - count(number)
        from ({rows}) as found
        join ({stretch.slots_sql(bindings)}) as slots
            on {stretch.slot_sql("found.moment")} = slots.slot
            and found.moment >= slots.begins and found.moment < slots.ends
        group by grouping sets ((line, period), (line))
    """
    found = connection.execute(sql, bindings.values).fetchall()
    return _Counted(
        series,
        len(stretch.begins),
        {(number, period): value_of(part, base) for number, period, part, base, _ in found},
        {number: missing for number, period, _, _, missing in found if period is None},
    )


def _top(connection: Connection, relation: str, query: EventTrendsQuery, stretch: Stretch) -> Top:
    """The values with the most events of the first series; for a sum, with the most of it."""
    series = query.series[0]
    bindings = Bindings()
    value = f"{_value_sql(query, bindings)} as value"
    rows = _rows_sql(connection, relation, query, series, stretch, bindings, value)
    size = "coalesce(sum(number), 0)" if series.measure == "sum" else "count(*)"
    sql = f"""
        select value from ({rows}) as found group by value
        order by {size} desc, value nulls last limit {bindings.add(query.breakdown.limit if query.breakdown else 0)}
    """
    return Top([value for (value,) in connection.execute(sql, bindings.values).fetchall()], is_split=True)


def _value_sql(query: EventTrendsQuery, bindings: Bindings) -> str | None:
    """SQL of the property that lines are split by."""
    return None if query.breakdown is None else text_sql(query.breakdown.property, query.breakdown.scope, bindings)
