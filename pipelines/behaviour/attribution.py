"""What an attempt is split and summed by: the value of a breakdown, and the revenue of the facts that fill steps.

Both are looked up in the events that could fill a step: `person` (or whatever `by` names), `moment`, `steps` (bit n
is set where the event could fill step n), `value`, and for facts `event_id, amount_minor, currency`.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.behaviour.query import FunnelQuery


def attributed(attempts: pl.DataFrame, seen: pl.DataFrame, query: FunnelQuery, *, by: Sequence[str]) -> pl.DataFrame:
    """Attempts with the column `value`, null where no event says one; untouched without a breakdown.

    Of events of the same instant the one of the earlier step says the first value, the one of the later step the
    last, and of equals the first or last in the alphabet.
    """
    if query.breakdown is None or query.splits_events:
        return attempts
    if (step := query.attributed_step) is not None:
        there = seen.filter(pl.col("steps") & (1 << step) != 0).group_by(*by, "moment").agg(pl.col("value").min())
        return _joined(attempts, there, step, by=by)
    bearing = seen.filter(pl.col("value").is_not_null() & (pl.col("steps") > 0))
    if query.breakdown.attribution == "first_touch":
        lowest = pl.col("steps") & -pl.col("steps")
        touch = bearing.sort("moment", lowest, "value").group_by(*by, maintain_order=True).first()
    else:
        highest = pl.col("steps").log(2).floor()
        touch = bearing.sort("moment", highest, "value").group_by(*by, maintain_order=True).last()
    return attempts.join(touch.select(*by, "value"), on=list(by), how="left")


def with_revenue(attempts: pl.DataFrame, seen: pl.DataFrame, query: FunnelQuery, *, by: Sequence[str]) -> pl.DataFrame:
    """Attempts with `amount_n, currency_n` of the fact that fills step n, for steps whose facts bear revenue.

    Of facts of the same instant each step takes one, by their ids.
    """
    for step in query.revenue_steps:
        alike = [
            (pl.col(f"at_{other}") == pl.col(f"at_{step}")).fill_null(value=False).cast(pl.Int64)
            for other in range(step)
            if query.steps[other].event == query.steps[step].event
        ]
        taken = pl.sum_horizontal(pl.lit(0, pl.Int64), *alike).alias("turn")
        turn = (pl.col("event_id").cum_count() - 1).over(*by, "moment").cast(pl.Int64).alias("turn")
        facts = (
            seen.filter(pl.col("steps") & (1 << step) != 0)
            .sort("event_id")
            .select(
                *by,
                "moment",
                turn,
                pl.col("amount_minor").alias(f"amount_{step}"),
                pl.col("currency").alias(f"currency_{step}"),
            )
        )
        attempts = _joined(attempts.with_columns(taken), facts, step, by=by, also=["turn"]).drop("turn")
    return attempts


def _joined(
    attempts: pl.DataFrame, there: pl.DataFrame, step: int, *, by: Sequence[str], also: Sequence[str] = ()
) -> pl.DataFrame:
    """Attempts with the columns of what is there at the moment of a step."""
    left = [*by, f"at_{step}", *also]
    return attempts.join(there, left_on=left, right_on=[*by, "moment", *also], how="left", nulls_equal=True)
