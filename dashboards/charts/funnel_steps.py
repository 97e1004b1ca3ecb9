"""A funnel's answer as a picture, and its finding in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dashboards.charts.funnel_bars import Bar, funnel_bars
from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.parts.numbers import count, percent
from pipelines.behaviour import FunnelAnswer

Base = Literal["first", "previous"]


def funnel_chart(answer: FunnelAnswer, names: Sequence[str], colours: Palette, *, base: Base = "first") -> Option:
    """One bar per step, its length the people; the text beside it tells their share of `base`."""
    bars = []
    for step, name in zip(answer.steps, names, strict=True):
        share = step.conversion_from_start if base == "first" else step.conversion_from_previous
        bars.append(Bar(name, step.users, count(step.users) + ("" if share is None else f" ({percent(share)})")))
    return funnel_bars(bars, alt=finding(answer, names), colours=colours)


def finding(answer: FunnelAnswer, names: Sequence[str]) -> str:
    """What the picture shows, as a sentence."""
    first, last = answer.steps[0], answer.steps[-1]
    return (
        f"Of {count(first.users)} people who began with “{names[0]}”, {count(last.users)} "
        f"({percent(last.conversion_from_start)}) came as far as “{names[-1]}”."
    )
