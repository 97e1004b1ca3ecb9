"""The table under a funnel: people, conversion, drop and time per step."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.parts.numbers import NONE, count, length, percent
from dashboards.parts.table import table
from dashboards.queries.funnel_question import Step
from dashboards.view import View
from pipelines.behaviour import FunnelAnswer

_HEADERS = ("Step", "People", "% from start", "% from previous", "Dropped", "Mean time", "Median time")


def step_names(answer: FunnelAnswer, steps: Sequence[Step]) -> list[str]:
    """What each bar stands for; in any order, bar n is everybody who did n of the steps."""
    if answer.query.order == "unordered":
        return [f"Any {number} of the steps" for number in range(1, len(steps) + 1)]
    return [f"{step.event or 'Any event'}{f' ({step.condition})' if step.condition else ''}" for step in steps]


def funnel_table(answer: FunnelAnswer, names: Sequence[str], view: View) -> None:
    """One row per step; the first has no step before it."""
    before = [None, *(step.users for step in answer.steps)]
    rows = [
        (
            f"{step.step + 1}. {name}",
            count(step.users),
            percent(step.conversion_from_start),
            percent(step.conversion_from_previous),
            NONE if previous is None else count(previous - step.users),
            length(step.average_conversion_seconds),
            length(step.median_conversion_seconds),
        )
        for step, name, previous in zip(answer.steps, names, before, strict=False)
    ]
    table(_HEADERS, rows, numbers=_HEADERS[1:], caption="Funnel by step", colours=view.colours)
