"""The tables under a funnel: people, conversion, drop, time and revenue per step; and the same by value."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count, length, percent
from dashboards.parts.table import table
from dashboards.parts.words import small
from dashboards.queries.funnel_question import Step
from dashboards.view import View
from pipelines.behaviour import FunnelAnswer, FunnelPart, FunnelStep

SHOWN = 12
_NAMELESS = {None: "(none)", "": "(empty)"}
_HEADERS = ("Step", "People", "% from start", "% from previous", "Dropped", "Mean time", "Median time")


def step_names(answer: FunnelAnswer, steps: Sequence[Step]) -> list[str]:
    """What each bar stands for; in any order, bar n is everybody who did n of the steps."""
    if answer.query.order == "unordered":
        return [f"Any {number} of the steps" for number in range(1, len(steps) + 1)]
    return [
        f"{step.event or 'Any event'}{f' ({step.condition})' if step.condition else ''}"
        f"{', optional' if asked.optional else ''}"
        for step, asked in zip(steps, answer.query.steps, strict=True)
    ]


def funnel_table(answer: FunnelAnswer, names: Sequence[str], view: View) -> None:
    """One row per step; the first has no step before it."""
    has_revenue = any(step.revenue is not None for step in answer.steps)
    headers = (*_HEADERS, "Revenue") if has_revenue else _HEADERS
    bases = [answer.query.base_of(number) for number in range(len(answer.steps))]
    before = [None if base is None else answer.steps[base].users for base in bases]
    rows = [
        (
            f"{step.step + 1}. {name}",
            count(step.users),
            percent(step.conversion_from_start),
            percent(step.conversion_from_previous),
            NONE if previous is None else count(previous - step.users),
            length(step.average_conversion_seconds),
            length(step.median_conversion_seconds),
            *([_revenue(step)] if has_revenue else []),
        )
        for step, name, previous in zip(answer.steps, names, before, strict=True)
    ]
    table(headers, rows, numbers=headers[1:], caption="Funnel by step", colours=view.colours)


def split_table(parts: Sequence[FunnelPart], names: Sequence[str], view: View) -> None:
    """One row per value with its people at each step, and its share of those who came to the last."""
    numbered = [f"{number}. {name}" for number, name in enumerate(names, start=1)]
    headers = ("Value", *numbered, "% came through")
    rows = [
        (
            _NAMELESS.get(part.value, part.value or ""),
            *(count(step.users) for step in part.steps),
            percent(part.steps[-1].conversion_from_start),
        )
        for part in parts[:SHOWN]
    ]
    table(headers, rows, numbers=headers[1:], caption="Funnel by value", colours=view.colours)
    if len(parts) > SHOWN:
        small(f"The {SHOWN} values with the most people of {count(len(parts))}; the CSV has all.", view.colours)


def split_frame(parts: Sequence[FunnelPart]) -> pl.DataFrame:
    """The values as the command line has them, one row per value and step."""
    rows = [
        {"value": part.value, "step": step.step, "event": step.event, "users": step.users}
        for part in parts
        for step in part.steps
    ]
    types = {"value": pl.String, "step": pl.Int64, "event": pl.String, "users": pl.Int64}
    return pl.DataFrame(rows, schema=types)


def _revenue(step: FunnelStep) -> str:
    if step.revenue is None:
        return NONE
    return ", ".join(money(part.amount_minor, part.currency) for part in step.revenue) or NONE
