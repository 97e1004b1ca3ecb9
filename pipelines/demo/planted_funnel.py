"""The planted funnel, counted person by person from the messages as they were made."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from pipelines.demo.behaviour import Message
from pipelines.demo.clock import DAY

Json = dict[str, Any]

# A named page view counts as an event of its name, so Pricing stands beside the tracked events.
STEPS = ("Pricing", "Signed Up", "Trial Started", "Subscription Started")
WINDOW_DAYS = 14


class PlantedFunnel:
    """Counts people per step of the ordered funnel."""

    def __init__(self) -> None:
        self.reached = [0] * len(STEPS)

    def count(self, messages: Iterable[Message]) -> None:
        """Take in all messages of one person."""
        moments: dict[str, list[int]] = {name: [] for name in STEPS}
        for message in messages:
            if message.name in moments:
                moments[message.name].append(message.at)
        furthest = _furthest([sorted(moments[name]) for name in STEPS])
        for step in range(furthest):
            self.reached[step] += 1

    def truth(self) -> Json:
        """The funnel described, with its people per step."""
        return {
            "description": "Ordered funnel per person (anonymous ids merged into the user id that they were "
            "identified as); the first step is the page view named Pricing (type page), the others are track events.",
            "steps": [{"event": name} for name in STEPS],
            "order": "ordered",
            "window": {"value": WINDOW_DAYS, "unit": "day"},
            "people": self.reached,
        }


def _furthest(moments: list[list[int]]) -> int:
    """How many steps the best attempt reaches; the window runs from its first step, ends included."""
    best = 0
    for start in moments[0]:
        at, reached = start, 1
        for later in moments[1:]:
            position = bisect_left(later, at)
            if position == len(later) or later[position] > start + WINDOW_DAYS * DAY * 1_000:
                break
            at, reached = later[position], reached + 1
        best = max(best, reached)
    return best
