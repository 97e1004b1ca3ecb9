"""From the opening balance to the closing one: each movement floats where the one before it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.charts.option import Option, category_axis, grid, money_axis, narrow_or_wide, ticks, tooltip_format
from dashboards.charts.palette import Palette


@dataclass(frozen=True)
class Stage:
    """One bar in major units (for drawing only): a balance stands on zero, a movement floats.

    `short` is the label where there is no room for the whole one.
    """

    name: str
    value: float
    label: str
    short: str
    colour: str
    is_balance: bool = False


def waterfall(stages: list[Stage], *, currency: str, alt: str, colours: Palette) -> Option:
    """Bars over `stages`; what lies under a floating bar is drawn with nothing."""
    under, shown, level = [], [], 0.0
    for stage in stages:
        after = stage.value if stage.is_balance else level + stage.value
        low, high = (min(0.0, after), max(0.0, after)) if stage.is_balance else sorted((level, after))
        under.append(low)
        shown.append(high - low)
        level = after
    axis, grid_lines = money_axis(
        ticks(0, max((low + size for low, size in zip(under, shown, strict=True)), default=0)), currency, colours
    )
    frame = pl.DataFrame(
        {
            "stage": [stage.name for stage in stages],
            "under": under,
            "amount": shown,
            "label": [stage.label for stage in stages],
            "short": [stage.short for stage in stages],
        },
        schema={
            "stage": pl.String, "under": pl.Float64, "amount": pl.Float64, "label": pl.String, "short": pl.String,
        },
    )  # fmt: skip
    hidden: dict[str, Any] = {
        "type": "bar",
        "name": "under",
        "stack": "level",
        "silent": True,
        "encode": {"x": "stage", "y": "under"},
        "itemStyle": {"color": "transparent"},
        "tooltip": {"show": False},
        "markLine": grid_lines,
    }
    bars: dict[str, Any] = {
        "type": "bar",
        "name": "amount",
        "stack": "level",
        "barMaxWidth": 64,
        "encode": {"x": "stage", "y": "amount"},
        "colorBy": "data",
        "label": {"show": True, "position": "top", "formatter": "{@label}", "color": colours.text, "fontSize": 12},
        "labelLayout": {"hideOverlap": True},
        "emphasis": {"disabled": True},
    }
    spec = {
        "animation": False,
        "color": [stage.colour for stage in stages],
        "grid": grid(top=24),
        "tooltip": {
            "confine": True,
            "trigger": "item",
            "formatter": "{b}: {@label}",
            "valueFormatter": tooltip_format(currency),
        },
        "dataset": {"source": frame},
        "xAxis": category_axis(colours, interval=0),
        "yAxis": axis,
        "series": [hidden, bars],
        "media": narrow_or_wide(
            {
                "grid": {"left": 20, "right": 6, "bottom": 64},
                "xAxis": {"axisLabel": {"rotate": 40, "fontSize": 11}},
                "series": [
                    {"markLine": {"label": {"show": False}}},
                    {"label": {"formatter": "{@short}", "fontSize": 10}},
                ],
            },
            {
                "grid": grid(top=24),
                "xAxis": {"axisLabel": {"rotate": 0, "fontSize": 12}},
                "series": [
                    {"markLine": {"label": {"show": True}}},
                    {"label": {"formatter": "{@label}", "fontSize": 12}},
                ],
            },
        ),
    }
    return Option(spec, alt)
