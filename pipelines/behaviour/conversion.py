"""How long people take from one step of a funnel to another: a histogram of those who came through."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.behaviour.answer import average_seconds, median_seconds
from pipelines.behaviour.funnels import attempts
from pipelines.behaviour.query import FunnelQuery
from pipelines.warehouse.writer import Connection

MOST_BINS = 60
"""Where the query names no number of bins: no more than that, else the cube root of the number of people."""


@dataclass(frozen=True)
class ConversionAnswer:
    """The answer to one query of kind `funnel_time_to_convert`; `bins` are start seconds and people."""

    query: FunnelQuery
    bins: list[tuple[int, int]]
    average_seconds: float | None
    median_seconds: float | None

    def document(self) -> dict[str, Any]:
        """The answer as `millstream funnel --json` prints it."""
        return {
            "kind": self.query.kind,
            "query": self.query.document(),
            "bins": [list(part) for part in self.bins],
            "average_seconds": self.average_seconds,
            "median_seconds": self.median_seconds,
        }


def time_to_convert(connection: Connection, relation: str, query: FunnelQuery) -> ConversionAnswer:
    """The time from `from_step` to `to_step` (left out: the first and the last) of the attempts that count."""
    first = query.from_step or 0
    last = len(query.steps) - 1 if query.to_step is None else query.to_step
    found = attempts(connection, relation, query, ids=False)
    taken = (found[f"at_{last}"] - found[f"at_{first}"]).drop_nulls()
    return ConversionAnswer(query, bins_of(taken, query.bin_count), average_seconds(taken), median_seconds(taken))


def bins_of(taken: pl.Series, wanted: int | None) -> list[tuple[int, int]]:
    """Bins of equal whole seconds over times in microseconds, from the shortest to the longest.

    One more than wanted: the longest time has its place in it where the width divides the span evenly.
    """
    if not len(taken):
        return []
    low = int(taken.min()) // 1_000_000  # type: ignore[arg-type]
    high = -(int(taken.max()) // -1_000_000)  # type: ignore[arg-type]
    count = wanted or min(MOST_BINS, _cube_root(len(taken)))
    width = -((high - low) // -count) or 60
    people = Counter((moment // 1_000_000 - low) // width for moment in taken)
    return [(low + number * width, people[number]) for number in range(count + 1)]


def _cube_root(count: int) -> int:
    """The cube root, rounded up."""
    root: int = round(count ** (1 / 3))
    return next(number for number in range(max(1, root - 1), root + 2) if number**3 >= count)
