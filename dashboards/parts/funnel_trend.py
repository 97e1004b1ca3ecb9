"""A funnel over time: of those who entered in a period, how many came through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.charts.rate_line import Rate, rate_line
from dashboards.charts.trend_lines import Drawn, trend_lines, unique
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.funnel_table import SHOWN as SHOWN_VALUES
from dashboards.parts.funnel_table import not_all_shown, value_name
from dashboards.parts.numbers import count, percent
from dashboards.parts.table import table
from dashboards.parts.times import long_day, short_day
from dashboards.parts.words import small
from dashboards.view import View
from pipelines.behaviour import TrendPart, TrendPeriod, TrendsAnswer

SHOWN = 60
"""More rows than that are in the CSV only."""
LINES = 5
"""Of so many values the conversion is drawn."""


def funnel_trend(answer: TrendsAnswer, view: View, *, settled: list[bool], name: str) -> None:
    """The line, the periods beneath it (the newest first) and their CSV."""
    charted(trend_chart(answer, settled, view.colours), key="trend", height=300)
    if answer.breakdown is not None:
        _by_value(answer.breakdown, view)
    rows = [
        (
            long_day(date.fromisoformat(period.period_start)) + ("" if final else " (can still grow)"),
            count(period.entered),
            count(period.converted),
            percent(period.converted / period.entered if period.entered else None),
        )
        for period, final in zip(answer.periods, settled, strict=True)
    ]
    headers = ("Entered in", "Entered", "Came through", "Conversion")
    table(
        headers,
        rows[::-1][:SHOWN],
        numbers=headers[1:],
        whole=headers[:1],
        caption="Funnel by period of entry",
        colours=view.colours,
    )
    one = "An account" if answer.query.aggregate_by == "account" else "A person"
    small(f"{one} counts once in every period in which they entered.", view.colours)
    csv_download(trend_frame(answer.periods, settled), f"funnel-trend_{name}.csv", key="trend_csv")
    if answer.breakdown:
        parts = [trend_frame(part.periods, settled).insert_column(0, _named(part)) for part in answer.breakdown]
        csv_download(
            pl.concat(parts), f"funnel-trend-by-value_{name}.csv", label="Download CSV by value", key="trend_split_csv"
        )


def _named(part: TrendPart) -> pl.Series:
    return pl.Series("value", [part.value] * len(part.periods), dtype=pl.String)


def _by_value(parts: Sequence[TrendPart], view: View) -> None:
    """One row per value over all periods; the chart draws the first of them."""
    headers = ("Value", "Entered", "Came through", "Conversion")
    rows = [
        (
            value_name(part.value),
            count(part.entered),
            count(part.converted),
            percent(part.converted / part.entered if part.entered else None),
        )
        for part in parts[:SHOWN_VALUES]
    ]
    table(headers, rows, numbers=headers[1:], caption="Funnel by value and period", colours=view.colours)
    not_all_shown(len(parts), view)


def trend_chart(answer: TrendsAnswer, settled: list[bool], colours: Palette) -> Option:
    """The conversion of each period; of the largest values where it is split."""
    if answer.breakdown:
        return _lines_by_value(answer, answer.breakdown[:LINES], settled, colours)
    rates = [
        Rate(
            short_day(date.fromisoformat(period.period_start)),
            period.conversion_rate if period.entered else None,
            final,
        )
        for period, final in zip(answer.periods, settled, strict=True)
    ]
    entered = sum(period.entered for period in answer.periods)
    alt = (
        f"Conversion by period of entry, {len(rates)} periods; {count(entered)} entries, a person once per period. "
        f"The last {settled.count(False)} can still grow."
    )
    return rate_line(rates, alt=alt, colours=colours)


def _lines_by_value(answer: TrendsAnswer, parts: Sequence[TrendPart], settled: list[bool], colours: Palette) -> Option:
    names = unique([value_name(part.value) for part in parts])
    lines = [
        Drawn(name, [period.conversion_rate if period.entered else None for period in part.periods])
        for name, part in zip(names, parts, strict=True)
    ]
    labels = [short_day(date.fromisoformat(period.period_start)) for period in answer.periods]
    alt = (
        f"Conversion by period of entry, {len(labels)} periods, of the largest values: {', '.join(names)}. "
        f"The last {settled.count(False)} can still grow."
    )
    return trend_lines(labels, lines, whole=settled, before=None, alt=alt, colours=colours, in_percent=True)


def trend_frame(periods: Sequence[TrendPeriod], settled: list[bool]) -> pl.DataFrame:
    """The periods as the command line has them, and whether each is final."""
    return pl.DataFrame(
        [{**vars(period), "conversion_rate": period.conversion_rate} for period in periods],
        schema={
            "period_start": pl.String,
            "entered": pl.Int64,
            "converted": pl.Int64,
            "conversion_rate": pl.Float64,
        },
    ).with_columns(is_final=pl.Series(settled, dtype=pl.Boolean))
