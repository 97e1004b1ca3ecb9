"""The sender's two clocks: the one on the wall, which is written down, and one that only measures how long.

The wall clock may jump. Backwards it is not followed: within one sender time never runs back, so that
nothing leaves earlier than the ledger says. How long a rest takes is never asked of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
SLICE = 1.0
"""Seconds after which a rest looks whether it is still wanted."""


class Watch:
    """What the time is, and a way to let it pass."""

    def __init__(
        self, wall: Clock, ticks: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._wall, self._sleep = wall, sleep
        self._latest = wall()
        self.ticks = ticks

    def now(self) -> datetime:
        """The moment by the wall clock, never before one that was told already."""
        self._latest = max(self._latest, self._wall())
        return self._latest

    def rest(self, seconds: float, over: Callable[[], bool]) -> bool:
        """Let so many seconds pass; False as soon as `over` says that nobody wants them any more."""
        until = self.ticks() + seconds
        while (left := until - self.ticks()) > 0:
            if over():
                return False
            self._sleep(min(left, SLICE))
        return not over()
