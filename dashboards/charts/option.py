"""What all option documents share: grid lines with money labels, axis text, tooltips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.charts.palette import Palette
from dashboards.parts.money import exponent, tick_money

_NAMED = {"USD": "dollar", "EUR": "euro", "JPY": "yen"}


@dataclass(frozen=True)
class Option:
    """A picture: the ECharts option and the sentence that tells its finding."""

    spec: dict[str, Any]
    alt: str


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values from at or below `low` to at or above `high`, zero always among them."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        return [0.0, 1.0]
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]


def money_axis(marks: list[float], currency: str, colours: Palette) -> tuple[dict[str, Any], dict[str, Any]]:
    """A value axis without labels of its own, and a `markLine` that draws the grid with labels.

    ECharts takes no number format for axis labels, and its own would show `$-10k`.
    """
    axis = {
        "type": "value",
        "min": marks[0],
        "max": marks[-1],
        "axisLabel": {"show": False},
        "splitLine": {"show": False},
        "axisLine": {"show": False},
        "axisTick": {"show": False},
    }
    lines = [
        {
            "yAxis": value,
            "label": {"formatter": tick_money(value, currency)},
            "lineStyle": {"color": colours.muted if value == 0 else colours.border},
        }
        for value in marks
    ]
    mark_line = {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "data": lines,
        "z": 0,
        "lineStyle": {"type": "solid", "width": 1, "color": colours.border},
        "label": {"position": "start", "distance": 8, "color": colours.muted, "fontSize": 12},
    }
    return axis, mark_line


def category_axis(colours: Palette, **more: Any) -> dict[str, Any]:
    """The axis of ready-made text."""
    return {
        "type": "category",
        "axisTick": {"show": False},
        "axisLine": {"show": False},
        "axisLabel": {"color": colours.muted, "fontSize": 12, "hideOverlap": True, **more},
    }


NARROW = 440
"""Up to this width, in pixels, a picture is drawn for a phone."""


def narrow_or_wide(narrow: dict[str, Any], wide: dict[str, Any]) -> list[dict[str, Any]]:
    """What is different on a phone, and what it is everywhere else: a turned phone has to get it back."""
    return [{"query": {"maxWidth": NARROW}, "option": narrow}, {"option": wide}]


def room_for_two_lines_of_legend() -> list[dict[str, Any]]:
    """More space above the picture where its legend may not fit one line."""
    return narrow_or_wide({"grid": {"top": 60}}, {"grid": {"top": 40}})


def grid(**more: Any) -> dict[str, Any]:
    """The drawing area: room for axis text of known size on the left, the legend above, days below."""
    return {
        "left": 52,
        "right": 24,
        "top": 40,
        "bottom": 26,
        "containLabel": False,
        "outerBoundsMode": "none",
        **more,
    }


def legend(colours: Palette, names: Sequence[str | dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Legend above the picture, on the left, with these entries."""
    text = {"color": colours.text, "fontSize": 12}
    return {
        "data": list(names),
        "left": 0,
        "top": 0,
        "itemGap": 16,
        "textStyle": text,
        "icon": "roundRect",
        **more,
    }


def tooltip_format(currency: str) -> str:
    """How a tooltip writes an amount in major units."""
    return _NAMED.get(currency, f"%,.{exponent(currency)}f {currency}")
