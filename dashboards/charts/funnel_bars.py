"""A funnel as horizontal bars on a track: lengths can be compared, tapered areas can not."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dashboards.charts.option import Option, narrow_or_wide
from dashboards.charts.palette import Palette

ROW_PIXELS = 52


@dataclass(frozen=True)
class Bar:
    """One step: its name, its people and the text beside the bar."""

    name: str
    users: int
    label: str


def funnel_bars(bars: list[Bar], *, alt: str, colours: Palette) -> Option:
    """One bar per step, the first on top."""
    frame = pl.DataFrame(
        {
            "step": [f"{number}. {bar.name}" for number, bar in enumerate(bars, start=1)],
            "users": [bar.users for bar in bars],
            "label": [bar.label for bar in bars],
        },
        schema={"step": pl.String, "users": pl.Int64, "label": pl.String},
    )
    label = {
        "show": True,
        "position": "right",
        "formatter": "{@label}",
        "color": colours.text,
        "fontSize": 13,
    }
    spec = {
        "animation": False,
        "grid": {"left": 8, "right": 130, "top": 4, "bottom": 4, "containLabel": True},
        "tooltip": {"confine": True, "trigger": "item", "formatter": "{b}: {@label}"},
        "dataset": {"source": frame},
        "xAxis": {
            "type": "value",
            "show": False,
            "min": 0,
            "max": max((bar.users for bar in bars), default=0) or 1,
        },
        "yAxis": {
            "type": "category",
            "inverse": True,
            "axisLine": {"show": False},
            "axisTick": {"show": False},
            "axisLabel": {"color": colours.text, "fontSize": 13, "width": 220, "overflow": "truncate"},
        },
        "series": [
            {
                "type": "bar",
                "name": "People",
                "encode": {"x": "users", "y": "step", "tooltip": ["users"]},
                "barMaxWidth": 28,
                "showBackground": True,
                "backgroundStyle": {"color": colours.track, "borderRadius": 4},
                "itemStyle": {"color": colours.accent, "borderRadius": 4},
                "label": label,
                "emphasis": {"disabled": True},
            }
        ],
        "media": narrow_or_wide(
            # On a phone a step's name stands above its bar.
            {
                "grid": {"left": 0, "right": 112},
                "yAxis": {
                    "axisLabel": {"inside": True, "verticalAlign": "bottom", "padding": [0, 0, 10, -6], "width": 300}
                },
                "series": [{"barMaxWidth": 14}],
            },
            {
                "grid": {"left": 8, "right": 130},
                "yAxis": {"axisLabel": {"inside": False, "verticalAlign": "middle", "padding": 0, "width": 220}},
                "series": [{"barMaxWidth": 28}],
            },
        ),
    }
    return Option(spec, alt)


def height(bars: int) -> int:
    """Pixels for so many bars."""
    return max(2, bars) * ROW_PIXELS + 8
