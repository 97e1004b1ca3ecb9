"""Several lines over time: each with a colour and a mark of its own, dotted where a period is not whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.charts.option import Option, category_axis, grid, legend
from dashboards.charts.palette import Palette

TAIL, BEFORE = " (so far)", "The period before"
_MARKS = ("circle", "rect", "triangle", "diamond")
_CROWDED = 62
"""More periods than that are drawn without marks."""


@dataclass(frozen=True)
class Drawn:
    """One line: its name (no two alike), a value per period (for drawing only), and whether it is the rest."""

    name: str
    values: Sequence[float | None]
    is_other: bool = False


def trend_lines(
    labels: Sequence[str],
    lines: Sequence[Drawn],
    *,
    whole: Sequence[bool],
    before: Sequence[float | None] | None,
    alt: str,
    colours: Palette,
    in_percent: bool = False,
) -> Option:
    """The lines over `labels`; `before` is what one line is compared with, dashed and grey."""
    last = max((number for number, is_whole in enumerate(whole) if is_whole), default=-1)
    has_tail = last < len(whole) - 1
    columns: dict[str, list[float | None]] = {}
    series: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        colour = colours.muted if line.is_other else colours.lines[number % len(colours.lines)]
        mark = _MARKS[number % len(_MARKS)] if len(labels) <= _CROWDED else "none"
        columns[line.name] = [value if place <= last else None for place, value in enumerate(line.values)]
        series.append(_series(line.name, colour, mark=mark))
        if has_tail:
            # The tail starts at the last whole period, so that both meet.
            columns[line.name + TAIL] = [value if place >= last else None for place, value in enumerate(line.values)]
            series.append(_series(line.name + TAIL, colour, mark=mark, dash="dotted"))
    if before is not None:
        columns[BEFORE] = list(before)
        series.append(_series(BEFORE, colours.muted, mark="none", dash="dashed", width=1.5))
    names = [*(line.name for line in lines), *([BEFORE] if before is not None else [])]
    values = [value for column in columns.values() for value in column if value is not None]
    spec = {
        "animation": False,
        "grid": grid(left=60),
        "legend": legend(colours, names, type="scroll", icon=None),
        "tooltip": {"confine": True, "trigger": "axis", "valueFormatter": "%.1f %%" if in_percent else _format(values)},
        "dataset": {"source": _frame(labels, columns)},
        "xAxis": {**category_axis(colours), "boundaryGap": False},
        "yAxis": {
            "type": "value",
            "axisLabel": {"color": colours.muted, "fontSize": 12, **({"formatter": "{value} %"} if in_percent else {})},
            "splitLine": {"lineStyle": {"color": colours.border}},
        },
        "series": series,
    }
    return Option(spec, alt)


def unique(names: Sequence[str], longest: int = 40) -> list[str]:
    """Names short enough for a legend, no two alike, none that the chart itself uses."""
    found: list[str] = []
    taken = {"label", BEFORE}
    for name in names:
        short = name if len(name) <= longest else name[: longest - 1] + "…"
        fresh, number = short, 2
        while taken & {fresh, fresh + TAIL}:
            fresh, number = f"{short} ({number})", number + 1
        taken |= {fresh, fresh + TAIL}
        found.append(fresh)
    return found


def _frame(labels: Sequence[str], columns: dict[str, list[float | None]]) -> pl.DataFrame:
    schema = {"label": pl.String, **dict.fromkeys(columns, pl.Float64)}
    return pl.DataFrame({"label": list(labels), **columns}, schema=schema)


def _format(values: Sequence[float]) -> str:
    if all(float(value).is_integer() for value in values):
        return "%,.0f"
    return "%,.4f" if max(map(abs, values)) < 1 else "%,.2f"


def _series(name: str, colour: str, *, mark: str, dash: str = "solid", width: float = 2.5) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "encode": {"x": "label", "y": name},
        "symbol": mark,
        "symbolSize": 6,
        "showSymbol": mark != "none",
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "width": width, "type": dash},
        "emphasis": {"disabled": True},
    }
