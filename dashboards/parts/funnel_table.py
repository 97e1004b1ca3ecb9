"""The tables under a funnel: people, conversion, drop, time and revenue per step; and the same by value."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dashboards.charts.funnel_steps import many
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count, length, percent
from dashboards.parts.table import table
from dashboards.parts.words import small
from dashboards.queries.funnel_question import Step
from dashboards.view import View
from pipelines.behaviour import FunnelAnswer, FunnelPart, FunnelStep

SHOWN = 12
_NAMELESS = {None: "(none)", "": "(empty)"}
_MEASURES = ("% from start", "% from previous", "Dropped", "Mean time", "Median time")


def step_names(answer: FunnelAnswer, steps: Sequence[Step]) -> list[str]:
    """What each bar stands for; in any order, everybody who did so many of the steps that may not be left out."""
    named = [
        f"{step.event or 'Any event'}{f' ({step.condition})' if step.condition else ''}"
        f"{', optional' if asked.optional else ''}"
        for step, asked in zip(steps, answer.query.steps, strict=True)
    ]
    counts = [answer.query.count_of(number) for number in range(len(named))]
    return [name if n is None else f"Any {n} of the steps" for name, n in zip(named, counts, strict=True)]


def value_name(value: str | None) -> str:
    """What a value of a breakdown is called."""
    return _NAMELESS.get(value, value or "")


def funnel_table(answer: FunnelAnswer, names: Sequence[str], view: View) -> None:
    """One row per step; the first has no step before it."""
    has_revenue = any(step.revenue is not None for step in answer.steps)
    headers = ("Step", many(answer.query).capitalize(), *_MEASURES, *(("Revenue",) if has_revenue else ()))
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


def split_table(answer: FunnelAnswer, names: Sequence[str], view: View) -> None:
    """One row per value with its people at each step, and its share of those who came to the last."""
    parts, (_, last) = answer.breakdown or [], answer.query.ends
    numbered = [f"{number}. {name}" for number, name in enumerate(names, start=1)]
    headers = ("Value", *numbered, "% came through")
    rows = [
        (
            value_name(part.value),
            *(count(step.users) for step in part.steps),
            percent(part.steps[last].conversion_from_start),
        )
        for part in parts[:SHOWN]
    ]
    table(headers, rows, numbers=headers[1:], caption="Funnel by value", colours=view.colours)
    not_all_shown(len(parts), view)


def not_all_shown(values: int, view: View) -> None:
    """Says so where there are more values than a table shows."""
    if values > SHOWN:
        small(f"The {SHOWN} largest values of {count(values)}; the CSV has all.", view.colours)


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
