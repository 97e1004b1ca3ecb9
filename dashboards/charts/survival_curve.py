"""A survival curve as steps, with the band that it lies in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.charts.option import Option, grid, legend
from dashboards.charts.palette import Palette

SHADE = 0.18
CURVE, FROM, BAND = "Still subscribed", "At least", "95 % band"


@dataclass(frozen=True)
class Lived:
    """The curve from a day on, in per cent; without a band where nothing is left of it."""

    day: int
    percent: float
    lower: float | None
    upper: float | None


def survival_curve(steps: Sequence[Lived], *, alt: str, colours: Palette) -> Option:
    """The curve over `steps`, the days of a life along the bottom."""
    frame = pl.DataFrame(
        {
            "day": [step.day for step in steps],
            CURVE: [step.percent for step in steps],
            # The band is drawn on top of what lies under it.
            FROM: [step.lower for step in steps],
            BAND: [
                None if step.upper is None or step.lower is None else step.upper - step.lower for step in steps
            ],
        },
        schema={"day": pl.Int64, CURVE: pl.Float64, FROM: pl.Float64, BAND: pl.Float64},
    )  # fmt: skip
    spec = {
        "animation": False,
        "grid": grid(bottom=44),
        "legend": legend(colours, [CURVE, {"name": BAND, "itemStyle": {"opacity": 2 * SHADE}}]),
        "dataset": {"source": frame},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": max((step.day for step in steps), default=1) or 1,
            "name": "Days since the first payment",
            "nameLocation": "middle",
            "nameGap": 28,
            "nameTextStyle": {"color": colours.muted, "fontSize": 12},
            "axisLabel": {"color": colours.muted, "fontSize": 12},
            "axisLine": {"lineStyle": {"color": colours.border}},
            "splitLine": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": 100,
            "axisLabel": {"color": colours.muted, "fontSize": 12, "formatter": "{value} %"},
            "splitLine": {"lineStyle": {"color": colours.border}},
        },
        "series": [
            _line(FROM, "transparent", stack="band", width=0),
            _line(BAND, colours.accent, stack="band", width=0, areaStyle={"color": colours.accent, "opacity": SHADE}),
            _line(CURVE, colours.accent, width=2.5),
        ],
    }
    return Option(spec, alt)


def _line(name: str, colour: str, *, width: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "step": "end",
        "encode": {"x": "day", "y": name},
        "showSymbol": False,
        "symbol": "none",
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "width": width},
        "emphasis": {"disabled": True},
        **more,
    }
