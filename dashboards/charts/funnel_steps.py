"""A funnel's answer as a picture, and its finding in a sentence."""

from __future__ import annotations

from dashboards.charts.funnel_bars import Bar, funnel_bars
from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.parts.numbers import count, percent
from pipelines.behaviour import FunnelAnswer


def funnel_chart(answer: FunnelAnswer, colours: Palette) -> Option:
    """One bar per step."""
    bars = [
        Bar(
            step.event or "Any event",
            step.users,
            f"{count(step.users)} ({percent(step.conversion_from_start)})",
        )
        for step in answer.steps
    ]
    return funnel_bars(bars, alt=finding(answer), colours=colours)


def finding(answer: FunnelAnswer) -> str:
    """What the picture shows, as a sentence."""
    first, last = answer.steps[0], answer.steps[-1]
    return (
        f"Of {count(first.users)} people who began with “{first.event}”, {count(last.users)} "
        f"({percent(last.conversion_from_start)}) came as far as “{last.event}”."
    )
