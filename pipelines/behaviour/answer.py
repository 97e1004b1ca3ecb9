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
        seconds = _seconds(there, number) if number else pl.Series(dtype=pl.Float64)
        steps.append(
            FunnelStep(
                step=number,
                event=None if query.order == "unordered" else step.event,
                users=there.height,
                conversion_from_start=_ratio(there.height, steps[0].users if steps else there.height),
                conversion_from_previous=_ratio(there.height, steps[-1].users) if steps else None,
                average_conversion_seconds=_number(seconds.mean()),
                median_conversion_seconds=_number(seconds.median()),
                user_ids=there["person_id"].sort().to_list() if users else None,
            )
        )
    return FunnelAnswer(query, steps)


def _seconds(attempts: pl.DataFrame, number: int) -> pl.Series:
    return (attempts[f"at_{number}"] - attempts[f"at_{number - 1}"]) / 1_000_000


def _ratio(part: int, base: int) -> float | None:
    return part / base if base else None


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
