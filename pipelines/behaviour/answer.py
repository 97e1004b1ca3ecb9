"""A funnel's answer: people, ratios and times per step, from everybody's attempt that counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.behaviour.query import FunnelQuery


@dataclass(frozen=True)
class Revenue:
    """What the facts that filled a step brought in, in one currency; refunds are negative."""

    currency: str
    amount_minor: int


@dataclass(frozen=True)
class FunnelStep:
    """One step. Ratios are fractions, times are seconds from the step before; None without a base.

    The step before is the last one that is not optional. `event` is None for any event. In any order a step stands for
    any n of the steps (`FunnelQuery.count_of`), and an optional one for itself: it is measured from the first and has
    no times. `revenue` is None for a step whose facts bear none.
    """

    step: int
    event: str | None
    users: int
    conversion_from_start: float | None
    conversion_from_previous: float | None
    average_conversion_seconds: float | None
    median_conversion_seconds: float | None
    user_ids: list[str] | None = None
    revenue: list[Revenue] | None = None

    def document(self) -> dict[str, Any]:
        """The step as `millstream funnel --json` prints it."""
        told = dict(vars(self))
        if self.revenue is not None:
            told["revenue"] = [dict(vars(part)) for part in self.revenue]
        return {key: value for key, value in told.items() if value is not None or key not in ("user_ids", "revenue")}


@dataclass(frozen=True)
class FunnelPart:
    """The same steps of those who bear one value of the breakdown; None for those without."""

    value: str | None
    steps: list[FunnelStep]


@dataclass(frozen=True)
class FunnelAnswer:
    """The answer to one query; `breakdown` is None where it asks for none, else the largest part comes first."""

    query: FunnelQuery
    steps: list[FunnelStep]
    breakdown: list[FunnelPart] | None = None

    def document(self) -> dict[str, Any]:
        """The answer as `millstream funnel --json` prints it."""
        told: dict[str, Any] = {"kind": self.query.kind, "query": self.query.document()}
        told["steps"] = [step.document() for step in self.steps]
        if self.breakdown is not None:
            told["breakdown"] = [
                {"value": part.value, "steps": [step.document() for step in part.steps]} for part in self.breakdown
            ]
        return told


def steps_of(query: FunnelQuery, attempts: pl.DataFrame, *, users: bool) -> list[FunnelStep]:
    """Sum up attempts (`funnels.attempts`); `users` lists people by step."""
    steps: list[FunnelStep] = []
    for number, step in enumerate(query.steps):
        there = attempts.filter(pl.col(f"at_{number}").is_not_null())
        base = query.base_of(number)
        is_timed = base is not None and query.is_placed(number)
        taken = there[f"at_{number}"] - there[f"at_{base}"] if is_timed else pl.Series(dtype=pl.Int64)
        steps.append(
            FunnelStep(
                step=number,
                event=step.event if query.count_of(number) is None else None,
                users=there.height,
                conversion_from_start=_ratio(there.height, steps[0].users if steps else there.height),
                conversion_from_previous=None if base is None else _ratio(there.height, steps[base].users),
                average_conversion_seconds=average_seconds(taken),
                median_conversion_seconds=median_seconds(taken),
                user_ids=there["person_id"].sort().to_list() if users else None,
                revenue=_revenue(there, number) if number in query.revenue_steps else None,
            )
        )
    return steps


def parts_of(query: FunnelQuery, attempts: pl.DataFrame, *, users: bool) -> list[FunnelPart] | None:
    """The attempts summed up by value, the most people first, then by the alphabet; None without a breakdown."""
    if query.breakdown is None:
        return None
    found = [FunnelPart(value, steps_of(query, part, users=users)) for value, part in by_value(attempts, query)]
    return sorted(found, key=lambda part: in_order(part.value, part.steps[0].users))


def by_value(attempts: pl.DataFrame, query: FunnelQuery) -> Iterator[tuple[str | None, pl.DataFrame]]:
    """What belongs to each value of the breakdown, by the column `value`; in no order."""
    if query.attributed_step is not None:
        # Who bears no value at the step that says it is in no part.
        attempts = attempts.filter(pl.col("value").is_not_null())
    for (value,), part in attempts.partition_by("value", as_dict=True).items():
        yield value, part


def in_order(value: str | None, people: int) -> tuple[int, bool, str]:
    """Where a value stands: the most people first, then by the alphabet, and last those without."""
    return (-people, value is None, value or "")


def _revenue(there: pl.DataFrame, step: int) -> list[Revenue]:
    amount, currency = pl.col(f"amount_{step}"), pl.col(f"currency_{step}")
    sums = there.filter(amount.is_not_null()).group_by(currency).agg(amount.sum()).sort(currency)
    return [Revenue(code, int(total)) for code, total in sums.iter_rows()]


def average_seconds(taken: pl.Series) -> float | None:
    """The mean of times in microseconds."""
    # Summed as whole microseconds: a sum of floats depends on the order of the rows.
    return int(taken.sum()) / len(taken) / 1_000_000 if len(taken) else None


def median_seconds(taken: pl.Series) -> float | None:
    """Their middle."""
    middle = taken.median()
    return middle / 1_000_000 if isinstance(middle, float) else None


def _ratio(part: int, base: int) -> float | None:
    return part / base if base else None
