"""A share over time: a line in percent, with a dotted tail where it can still grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.charts.option import Option, category_axis, grid, legend
from dashboards.charts.palette import Palette

FINAL, OPEN = "Final", "Can still grow"
_ICONS = {FINAL: "path://M0 0h26v3h-26z", OPEN: "path://M0 0h3v3h-3zM5.75 0h3v3h-3zM11.5 0h3v3h-3zM17.25 0h3v3h-3z"}


@dataclass(frozen=True)
class Rate:
    """One period; None where nobody is there to share out."""

    label: str
    percent: float | None
    is_final: bool


def rate_line(rates: list[Rate], *, alt: str, colours: Palette) -> Option:
    """The line over `rates`."""
    names = [FINAL, *([OPEN] if any(not rate.is_final for rate in rates) else [])]
    spec = {
        "animation": False,
        "grid": grid(),
        "legend": legend(colours, [{"name": name, "icon": _ICONS[name]} for name in names], itemWidth=26, itemHeight=3),
        "tooltip": {"confine": True, "trigger": "axis", "valueFormatter": "%.1f %%"},
        "dataset": {"source": _frame(rates).select("label", *names)},
        "xAxis": {**category_axis(colours), "boundaryGap": False},
        "yAxis": {
            "type": "value",
            "min": 0,
            "axisLabel": {"color": colours.muted, "fontSize": 12, "formatter": "{value} %"},
            "splitLine": {"lineStyle": {"color": colours.border}},
        },
        "series": [_series(name, colours) for name in names],
    }
    return Option(spec, alt)


def _frame(rates: list[Rate]) -> pl.DataFrame:
    # The tail starts at the last final period, so that both lines meet.
    last = max((number for number, rate in enumerate(rates) if rate.is_final), default=-1)
    return pl.DataFrame(
        {
            "label": [rate.label for rate in rates],
            FINAL: [rate.percent if number <= last else None for number, rate in enumerate(rates)],
            OPEN: [rate.percent if number >= last else None for number, rate in enumerate(rates)],
        },
        schema={"label": pl.String, FINAL: pl.Float64, OPEN: pl.Float64},
    )


def _series(name: str, colours: Palette) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "encode": {"x": "label", "y": name},
        "symbol": "circle",
        "symbolSize": 5,
        "itemStyle": {"color": colours.accent},
        "lineStyle": {"color": colours.accent, "width": 2.5, "type": "solid" if name == FINAL else "dotted"},
        "emphasis": {"disabled": True},
    }
