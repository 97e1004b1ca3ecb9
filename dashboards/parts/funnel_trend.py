"""A funnel over time: of those who entered in a period, how many came through."""

from __future__ import annotations

from datetime import date

import polars as pl

from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.charts.rate_line import Rate, rate_line
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.numbers import count, percent
from dashboards.parts.table import table
from dashboards.parts.times import long_day, short_day
from dashboards.parts.words import small
from dashboards.view import View
from pipelines.behaviour import TrendsAnswer

SHOWN = 60
"""More rows than that are in the CSV only."""


def funnel_trend(answer: TrendsAnswer, view: View, *, settled: list[bool], name: str) -> None:
    """The line, the periods beneath it (the newest first) and their CSV."""
    charted(trend_chart(answer, settled, view.colours), key="trend", height=300)
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
    small("A person counts once in every period in which they entered.", view.colours)
    csv_download(trend_frame(answer, settled), f"funnel-trend_{name}.csv", key="trend_csv")


def trend_chart(answer: TrendsAnswer, settled: list[bool], colours: Palette) -> Option:
    """The conversion of each period."""
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


def trend_frame(answer: TrendsAnswer, settled: list[bool]) -> pl.DataFrame:
    """The periods as the command line has them, and whether each is final."""
    return pl.DataFrame(
        [{**vars(period), "conversion_rate": period.conversion_rate} for period in answer.periods],
        schema={
            "period_start": pl.String,
            "entered": pl.Int64,
            "converted": pl.Int64,
            "conversion_rate": pl.Float64,
        },
    ).with_columns(is_final=pl.Series(settled, dtype=pl.Boolean))
