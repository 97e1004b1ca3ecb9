"""MRR movements by month: gains above zero, losses below, kinds in fixed order and colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.charts.option import (
    Option,
    category_axis,
    grid,
    legend,
    money_axis,
    room_for_two_lines_of_legend,
    ticks,
    tooltip_format,
)
from dashboards.charts.palette import Palette

KINDS = ("new", "expansion", "reactivation", "contraction", "churn")
SO_FAR = " (so far)"
_STRIPES = {"symbol": "rect", "symbolSize": 1, "dashArrayX": [1, 0], "dashArrayY": [2, 4], "rotation": -0.785}


@dataclass(frozen=True)
class Month:
    """One month's movements in major units, losses negative (for drawing only)."""

    label: str
    amounts: dict[str, float]
    is_over: bool


def movement_bars(months: list[Month], *, currency: str, alt: str, colours: Palette) -> Option:
    """Stacked bars over `months`; a month that is not over is striped."""
    gains = [sum(max(value, 0) for value in month.amounts.values()) for month in months]
    losses = [sum(min(value, 0) for value in month.amounts.values()) for month in months]
    axis, grid_lines = money_axis(ticks(min(losses, default=0), max(gains, default=0)), currency, colours)
    endings = ["", SO_FAR] if any(not month.is_over for month in months) else [""]
    series = [_series(kind, ending, colours) for ending in endings for kind in KINDS]
    series[0]["markLine"] = grid_lines
    spec = {
        "animation": False,
        "aria": {"enabled": True, "decal": {"show": True}},
        "grid": grid(),
        "legend": legend(colours, [kind.capitalize() for kind in KINDS], itemWidth=12, itemHeight=12),
        "tooltip": {"confine": True, "trigger": "item", "valueFormatter": tooltip_format(currency)},
        "dataset": {"source": _frame(months, endings)},
        "xAxis": category_axis(colours),
        "yAxis": axis,
        "media": room_for_two_lines_of_legend(),
        "series": series,
    }
    return Option(spec, alt)


def _frame(months: list[Month], endings: list[str]) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {"month": [month.label for month in months]}
    for ending in endings:
        for kind in KINDS:
            columns[kind.capitalize() + ending] = [
                month.amounts[kind] if month.is_over == (ending == "") else None for month in months
            ]
    kinds = dict.fromkeys((name for name in columns if name != "month"), pl.Float64)
    return pl.DataFrame(columns, schema={"month": pl.String, **kinds})


def _series(kind: str, ending: str, colours: Palette) -> dict[str, Any]:
    name = kind.capitalize() + ending
    return {
        "type": "bar",
        "name": name,
        "stack": "movements",
        "barMaxWidth": 34,
        "encode": {"x": "month", "y": name, "tooltip": [name]},
        "itemStyle": {
            "color": colours.movements[kind],
            "borderColor": colours.background,
            "borderWidth": 1,
            "decal": {**_STRIPES, "color": colours.background if ending else "transparent"},
        },
        "emphasis": {"disabled": True},
    }
