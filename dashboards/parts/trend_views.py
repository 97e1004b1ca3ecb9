"""What a trend shows: a sentence, the lines, what they come to over all days, the periods, and their CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import polars as pl

from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.charts.trend_lines import BEFORE, Drawn, trend_lines, unique
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.money import major, money
from dashboards.parts.numbers import change, counted, figure
from dashboards.parts.table import Row, table
from dashboards.parts.times import long_day, period_name, short_day
from dashboards.parts.words import small
from dashboards.view import View
from pipelines.behaviour import EventTrendsAnswer, Line

SHOWN = 60
"""More periods than that are in the CSV only."""
MARK = " (not whole)"
_UNITS = {"unique": " people", "total": " times"}


def trend_view(answer: EventTrendsAnswer, view: View, *, whole: list[bool], name: str) -> None:
    """Everything that the answer says, but for lines of which there is nothing at all."""
    answer = replace(answer, lines=[line for line in answer.lines if line.overall or line.previous_overall])
    small(finding(answer), view.colours)
    charted(trend_chart(answer, whole, view.colours), key="lines", height=360)
    _overall(answer, view)
    _periods(answer, view, whole)
    if missing := sum(line.without_number or 0 for line in answer.lines + answer.inputs):
        small(f"{counted(missing, 'event')} had no number to measure.", view.colours)
    csv_download(trend_frame(answer, whole), f"trends_{name}.csv", key="trends_csv")


def finding(answer: EventTrendsAnswer) -> str:
    """What the picture shows, as a sentence."""
    line = answer.lines[0]
    measures = {series.measure for series in answer.query.series}
    unit = _UNITS.get(measures.pop(), "") if len(measures) == 1 and answer.query.formula is None else ""
    words = f"{line.name}: {_said(line, line.overall)}{unit} in {counted(len(answer.periods), answer.query.interval)}"
    if line.previous is not None:
        words += f", {_said(line, line.previous_overall)} in those before"
    return words + "."


def trend_chart(answer: EventTrendsAnswer, whole: list[bool], colours: Palette) -> Option:
    """A line per line of the answer; one alone is drawn with what it is compared with."""
    names = unique([line.name for line in answer.lines])
    drawn = [
        Drawn(name, _drawn(line, line.values), line.is_other) for name, line in zip(names, answer.lines, strict=True)
    ]
    alone = answer.lines[0] if len(answer.lines) == 1 else None
    before = None if alone is None or alone.previous is None else _drawn(alone, alone.previous)
    labels = [_short(period, answer.query.interval) for period in answer.periods]
    return trend_lines(labels, drawn, whole=whole, before=before, alt=finding(answer), colours=colours)


def trend_frame(answer: EventTrendsAnswer, whole: list[bool]) -> pl.DataFrame:
    """One row per line and period, with what it is compared with."""
    rows = [
        (
            line.name,
            line.currency,
            period,
            value,
            None if line.previous is None else line.previous[number],
            whole[number],
        )
        for line in answer.lines
        for number, (period, value) in enumerate(zip(answer.periods, line.values, strict=True))
    ]
    schema = {
        "line": pl.String,
        "currency": pl.String,
        "period_start": pl.String,
        "value": pl.Float64,
        "previous": pl.Float64,
        "is_complete": pl.Boolean,
    }
    frame = pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row", strict=False)
    unused = {"previous": not answer.query.compare, "currency": frame["currency"].null_count() == frame.height}
    return frame.drop(name for name, is_unused in unused.items() if is_unused)


def _overall(answer: EventTrendsAnswer, view: View) -> None:
    compared = answer.query.compare is not None
    headers = ("Line", "All days", *(("Before", "Change") if compared else ()))
    rows: list[Row] = [
        (
            line.name,
            _said(line, line.overall),
            *(
                (_said(line, line.previous_overall), change(line.overall, line.previous_overall).text)
                if compared
                else ()
            ),
        )
        for line in answer.lines
    ]
    caption = "Each line over all days"
    table(headers, rows, numbers=headers[1:], prose=headers[:1], caption=caption, colours=view.colours)


def _periods(answer: EventTrendsAnswer, view: View, whole: list[bool]) -> None:
    """The newest first."""
    interval = answer.query.interval
    headers = (interval.capitalize(), *unique([line.name for line in answer.lines]))
    columns = [(line, line.values) for line in answer.lines]
    if len(columns) == 1 and answer.lines[0].previous is not None:
        headers, columns = (*headers, BEFORE), [*columns, (answer.lines[0], answer.lines[0].previous)]
    rows: list[Row] = [
        (
            _long(period, interval) + ("" if is_whole else MARK),
            *(_said(line, column[number]) for line, column in columns),
        )
        for number, (period, is_whole) in enumerate(zip(answer.periods, whole, strict=True))
    ]
    table(
        headers,
        rows[::-1][:SHOWN],
        numbers=headers[1:],
        whole=headers[:1],
        dense=len(headers) > 4,
        caption=f"Each line by {interval}",
        colours=view.colours,
    )


def _said(line: Line, value: float | None) -> str:
    """A value as text: an amount with its currency, to a whole minor unit."""
    amounts = _currency(line)
    return figure(value) if amounts is None or value is None else money(round(value), amounts)


def _drawn(line: Line, values: Sequence[float | None]) -> list[float | None]:
    """Values for drawing: amounts in major units."""
    amounts = _currency(line)
    if amounts is None:
        return list(values)
    return [None if value is None else float(major(round(value), amounts)) for value in values]


def _currency(line: Line) -> str | None:
    # What a formula makes of amounts may be none.
    return line.currency if line.letter is not None else None


def _long(period: str, interval: str) -> str:
    day = long_day(date.fromisoformat(period[:10]))
    return f"{day}, {period[11:16]}" if interval == "hour" else day


def _short(period: str, interval: str) -> str:
    if interval == "hour":
        moment = datetime.fromisoformat(period)
        return f"{short_day(moment.date())} {moment:%H:%M}"
    return period_name(date.fromisoformat(period), interval)
