"""The day on which the site was down for some hours: hardly anybody was seen, and cards failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from pipelines.demo.clock import DAY, HOUR, midnight

DECLINED = 0.6
"""The chance that a card fails while the site is down."""


@dataclass(frozen=True)
class Outage:
    """From when to when, in seconds."""

    start: int
    end: int

    def covers(self, at: int) -> bool:
        """Whether the site was down at that second."""
        return self.start <= at < self.end

    def after(self, at: int, rng: Random) -> int:
        """The same moment, or one soon after the outage for somebody who came during it."""
        return self.end + rng.randint(60, 3 * HOUR) if self.covers(at) else at


def draw_outage(seed: int, first: date, until: date) -> Outage:
    """A working day in the second half of the story, from the morning to the afternoon of UTC."""
    rng = Random(f"{seed}:outage")
    start, span = midnight(first), midnight(until) - midnight(first)
    day = start + (span * 58 // 100 + rng.randint(0, span // 12)) // DAY * DAY
    while (day // DAY + 3) % 7 > 4:
        day += DAY
    begin = day + rng.randint(7 * HOUR, 9 * HOUR)
    return Outage(begin, begin + rng.randint(7 * HOUR, 9 * HOUR))
