"""How long people take from one step of a funnel to another: a histogram of those who came through."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pipelines.behaviour.answer import average_seconds, by_value, in_order, median_seconds
from pipelines.behaviour.funnels import attempts
from pipelines.behaviour.query import FunnelQuery
from pipelines.warehouse.writer import Connection

MOST_BINS = 60
"""Where the query names no number of bins: no more than that, else the cube root of the number of people."""


@dataclass(frozen=True)
class ConversionPart:
    """The times of those who bear one value of the breakdown (None for those without), in bins of their own."""

    value: str | None
    bins: list[tuple[int, int]]
    average_seconds: float | None
    median_seconds: float | None

    @property
    def people(self) -> int:
        """Of how many people these are the times."""
        return sum(users for _, users in self.bins)


@dataclass(frozen=True)
class ConversionAnswer:
    """The answer to one query of kind `funnel_time_to_convert`; `bins` are start seconds and people.

    `breakdown` is None where it asks for none, else the largest part comes first.
    """

    query: FunnelQuery
    bins: list[tuple[int, int]]
    average_seconds: float | None
    median_seconds: float | None
    breakdown: list[ConversionPart] | None = None

    def document(self) -> dict[str, Any]:
        """The answer as `millstream funnel --json` prints it."""
        told = {"kind": self.query.kind, "query": self.query.document(), **_told(self)}
        if self.breakdown is not None:
            told["breakdown"] = [{"value": part.value, **_told(part)} for part in self.breakdown]
        return told


def _told(times: ConversionAnswer | ConversionPart) -> dict[str, Any]:
    return {
        "bins": [list(part) for part in times.bins],
        "average_seconds": times.average_seconds,
        "median_seconds": times.median_seconds,
    }


def time_to_convert(connection: Connection, relation: str, query: FunnelQuery) -> ConversionAnswer:
    """The time from `from_step` to `to_step` (left out: the first and the last) of the attempts that count."""
    whole = _taken(connection, relation, query.unsplit() if query.splits_events else query)
    answer = ConversionAnswer(query, *_times(whole, query))
    if query.breakdown is None:
        return answer
    split = _taken(connection, relation, query) if query.splits_events else whole
    parts = [ConversionPart(value, *_times(part, query)) for value, part in by_value(split, query)]
    return replace(answer, breakdown=sorted(parts, key=lambda part: in_order(part.value, part.people)))


def _taken(connection: Connection, relation: str, query: FunnelQuery) -> pl.DataFrame:
    first, last = query.ends
    found = attempts(connection, relation, query, ids=False)
    return found.with_columns(taken=pl.col(f"at_{last}") - pl.col(f"at_{first}")).filter(pl.col("taken").is_not_null())


def _times(found: pl.DataFrame, query: FunnelQuery) -> tuple[list[tuple[int, int]], float | None, float | None]:
    taken = found["taken"]
    return bins_of(taken, query.bin_count), average_seconds(taken), median_seconds(taken)


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
