"""A funnel's answer: people, ratios and times per step, from everybody's attempt that counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.behaviour.query import FunnelQuery


@dataclass(frozen=True)
class FunnelStep:
    """One step. Ratios are fractions, times are seconds from the step before; None without a base.

    `event` is None for any event; in an unordered funnel step n stands for any n + 1 of the steps.
    """

    step: int
    event: str | None
    users: int
    conversion_from_start: float | None
    conversion_from_previous: float | None
    average_conversion_seconds: float | None
    median_conversion_seconds: float | None
    user_ids: list[str] | None = None


@dataclass(frozen=True)
class FunnelAnswer:
    """The answer to one query."""

    query: FunnelQuery
    steps: list[FunnelStep]

    def document(self) -> dict[str, Any]:
        """The answer as `millstream funnel --json` prints it."""
        steps = [dict(vars(step)) for step in self.steps]
        for step in steps:
            if step["user_ids"] is None:
                del step["user_ids"]
        return {"kind": self.query.kind, "query": self.query.document(), "steps": steps}


def steps_answer(query: FunnelQuery, attempts: pl.DataFrame, *, users: bool) -> FunnelAnswer:
    """Sum up attempts (`person_id, reached, at_0, ...` in microseconds); `users` lists people by step."""
    steps: list[FunnelStep] = []
    for number, step in enumerate(query.steps):
        there = attempts.filter(pl.col("reached") > number)
        taken = there[f"at_{number}"] - there[f"at_{number - 1}"] if number else pl.Series(dtype=pl.Int64)
        steps.append(
            FunnelStep(
                step=number,
                event=None if query.order == "unordered" else step.event,
                users=there.height,
                conversion_from_start=_ratio(there.height, steps[0].users if steps else there.height),
                conversion_from_previous=_ratio(there.height, steps[-1].users) if steps else None,
                average_conversion_seconds=_average(taken),
                median_conversion_seconds=_median(taken),
                user_ids=there["person_id"].sort().to_list() if users else None,
            )
        )
    return FunnelAnswer(query, steps)


def _average(taken: pl.Series) -> float | None:
    # Summed as whole microseconds: a sum of floats depends on the order of the rows.
    return int(taken.sum()) / len(taken) / 1_000_000 if len(taken) else None


def _median(taken: pl.Series) -> float | None:
    middle = taken.median()
    return middle / 1_000_000 if isinstance(middle, float) else None


def _ratio(part: int, base: int) -> float | None:
    return part / base if base else None
