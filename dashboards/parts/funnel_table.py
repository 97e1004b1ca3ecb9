"""The table under a funnel: people, conversion, drop and time per step."""

from __future__ import annotations

from dashboards.parts.numbers import NONE, count, length, percent
from dashboards.parts.table import table
from dashboards.view import View
from pipelines.behaviour import FunnelAnswer


def funnel_table(answer: FunnelAnswer, view: View) -> None:
    """One row per step; the first has no step before it."""
    before = [None, *(step.users for step in answer.steps)]
    rows = [
        (
            f"{step.step + 1}. {step.event or 'Any event'}",
            count(step.users),
            percent(step.conversion_from_start),
            percent(step.conversion_from_previous),
            NONE if previous is None else count(previous - step.users),
            length(step.median_conversion_seconds),
        )
        for step, previous in zip(answer.steps, before, strict=False)
    ]
    headers = ("Step", "People", "% from start", "% from previous", "Dropped", "Median time")
    table(headers, rows, numbers=headers[1:], caption="Funnel by step", colours=view.colours)
