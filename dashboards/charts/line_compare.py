"""A line against the same weekdays before it; the period that is not over hangs on as a dotted tail."""

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

NOW, TAIL = "This period", "Not over yet"
# The legend draws every line alike; these show its dashes.
_ICONS = {
    "solid": "path://M0 0h26v3h-26z",
    "dashed": "path://M0 0h7v3h-7zM9.5 0h7v3h-7zM19 0h7v3h-7z",
    "dotted": "path://M0 0h3v3h-3zM5.75 0h3v3h-3zM11.5 0h3v3h-3zM17.25 0h3v3h-3zM23 0h3v3h-3z",
}


@dataclass(frozen=True)
class Point:
    """One period of the line, amounts in major units (for drawing only)."""

    label: str
    value: float
    before: float | None
    is_over: bool


def line_compare(points: list[Point], *, currency: str, before: str, alt: str, colours: Palette) -> Option:
    """The line over `points`; `before` names the comparison in the legend."""
    frame = _frame(points, before)
    shown = [value for point in points for value in (point.value, point.before) if value is not None]
    axis, grid_lines = money_axis(ticks(min(shown, default=0), max(shown, default=0)), currency, colours)
    has_tail = any(not point.is_over for point in points)
    has_before = any(point.before is not None for point in points)
    series = [_series(NOW, colours.accent, width=2.5, markLine=grid_lines, areaStyle={"opacity": 0.08})]
    if has_tail:
        series.append(_series(TAIL, colours.accent, width=2.5, dash="dotted"))
    if has_before:
        series.append(_series(before, colours.muted, width=1.5, dash="dashed"))
    names = [str(one["name"]) for one in series]
    entries = [{"name": one["name"], "icon": _ICONS[one["lineStyle"]["type"]]} for one in series]
    spec = {
        "animation": False,
        "grid": grid(),
        "legend": legend(colours, entries, itemWidth=26, itemHeight=3),
        "tooltip": {"confine": True, "trigger": "axis", "valueFormatter": tooltip_format(currency)},
        "dataset": {"source": frame.select("label", *names)},
        "xAxis": {**category_axis(colours), "boundaryGap": False},
        "yAxis": axis,
        "media": room_for_two_lines_of_legend(),
        "series": series,
    }
    return Option(spec, alt)


def _frame(points: list[Point], before: str) -> pl.DataFrame:
    # The tail starts at the last whole period, so that both lines meet.
    last = max((number for number, point in enumerate(points) if point.is_over), default=-1)
    return pl.DataFrame(
        {
            "label": [point.label for point in points],
            NOW: [point.value if point.is_over else None for point in points],
            TAIL: [point.value if number >= last else None for number, point in enumerate(points)],
            before: [point.before for point in points],
        },
        schema={"label": pl.String, NOW: pl.Float64, TAIL: pl.Float64, before: pl.Float64},
    )


def _series(name: str, colour: str, *, width: float, dash: str = "solid", **more: Any) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "encode": {"x": "label", "y": name},
        "showSymbol": False,
        "symbol": "none",
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "width": width, "type": dash},
        "emphasis": {"disabled": True},
        **more,
    }
