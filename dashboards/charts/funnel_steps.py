"""A funnel's answer as a picture, and its finding in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dashboards.charts.funnel_bars import Bar, funnel_bars
from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.parts.numbers import count, percent
from pipelines.behaviour import FunnelAnswer, FunnelQuery

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
    first, last = (answer.steps[end] for end in answer.query.ends)
    return (
        f"Of {count(first.users)} {many(answer.query)} who began with “{names[0]}”, {count(last.users)} "
        f"({percent(last.conversion_from_start)}) came as far as “{names[last.step]}”."
    )


def many(query: FunnelQuery) -> str:
    """What a funnel counts, in words."""
    return "accounts" if query.aggregate_by == "account" else "people"
