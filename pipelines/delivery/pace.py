"""How many mails may leave in a minute: a sliding minute, spread over its seconds.

It goes on from what the ledger says left in the last minute, so a sender that is started again does
not send twice as fast; from then on it counts by a clock that does not jump.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from pipelines.delivery.watch import Watch

MINUTE = 60


class Pace:
    """Counts what leaves, second by second; without a limit it has room for everybody."""

    def __init__(self, per_minute: int | None, watch: Watch, left: Mapping[datetime, int]) -> None:
        self.per_minute, self._watch = per_minute, watch
        self._seconds: deque[tuple[int, int]] = deque()
        now, tick = watch.now(), watch.ticks()
        # A moment that is still to come, by a clock that was set back meanwhile, is taken for now.
        ages = sorted(((max(0.0, (now - at).total_seconds()), count) for at, count in left.items()), reverse=True)
        for age, count in ages:
            self._count(math.floor(tick - age), count)

    def left(self, count: int) -> None:
        """So many left just now."""
        if self.per_minute is not None and count:
            self._count(math.floor(self._watch.ticks()), count)

    def room(self, most: int) -> int:
        """How many of `most` may leave now."""
        if self.per_minute is None:
            return most
        second = self._forget()
        in_this = self._seconds[-1][1] if self._seconds and self._seconds[-1][0] == second else 0
        a_second = math.ceil(self.per_minute / MINUTE)
        return max(0, min(most, self.per_minute - self._total(), a_second - in_this))

    def seconds(self) -> float | None:
        """How long until there is room again; None where there is no limit."""
        if self.per_minute is None:
            return None
        second = self._forget()
        if self._total() >= self.per_minute:
            return max(0.0, self._seconds[0][0] + MINUTE + 1 - self._watch.ticks())
        return second + 1 - self._watch.ticks()

    def _count(self, second: int, count: int) -> None:
        if self._seconds and self._seconds[-1][0] == second:
            count += self._seconds.pop()[1]
        self._seconds.append((second, count))

    def _forget(self) -> int:
        """Forget what left more than a minute ago; the second that it is."""
        second = math.floor(self._watch.ticks())
        # All of a second is forgotten when its last moment is a minute ago.
        while self._seconds and self._seconds[0][0] < second - MINUTE:
            self._seconds.popleft()
        return second

    def _total(self) -> int:
        return sum(count for _, count in self._seconds)
