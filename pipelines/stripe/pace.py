"""How far a listing is, how fast, and about how long it will take: words for whoever waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.stripe.listing import Chunk, Span

EVERY = 5.0
"""Seconds between two lines."""


class Pace:
    """Counts what was read. The rest is estimated: as dense as what was read, down to the oldest object known."""

    def __init__(self, progress: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._clock = progress, clock
        self._began = self._told = clock()
        self.count = 0
        self._read: dict[str, list[int]] = {}
        self._oldest: int | None = None

    def take(self, chunk: Chunk, created: str, left: list[Span]) -> None:
        """Count a chunk, and say where we are when it is time."""
        self.count += len(chunk.objects)
        oldest = chunk.objects[-1].get(created) if chunk.objects else None
        counted = self._read.setdefault(chunk.span.name, [0, 0])
        counted[0] += len(chunk.objects)
        if isinstance(oldest, int):
            counted[1] += max(0, chunk.span.high - oldest)
            self._oldest = min(self._oldest or oldest, oldest)
        if self._clock() - self._told >= EVERY:
            self._told = self._clock()
            self._progress(self.line(left))

    def line(self, left: list[Span]) -> str:
        """What was read, how fast, and what is left."""
        passed = max(self._clock() - self._began, 0.001)
        line = f"stripe: {self.count:,} objects, {self.count / passed:,.0f} a second"
        estimate = self.estimate(left)
        if not left:
            return line
        names = sorted({span.name for span in left})
        told = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        minutes = estimate / max(self.count / passed, 1) / 60
        return f"{line}; left: {told}, some {estimate:,} objects, about {minutes:,.0f} min"

    def estimate(self, left: list[Span]) -> int:
        """Objects that are left, about."""
        total = 0.0
        for span in left:
            count, seconds = self._read.get(span.name, [0, 0])
            lowest = span.low if span.low is not None else self._oldest
            if seconds and lowest is not None:
                total += count / seconds * max(0, span.high - lowest)
        return round(total)
