"""Can these events fill these steps, each event one step? A matching in a small graph.

Events are bits: bit n is set where an event could fill step n.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def reaches(masks: Iterable[int], steps: int) -> list[int]:
    """For every number of steps filled before an instant, how many can be filled after it.

    `masks` are the instant's events. From n filled steps any number up to `reaches(...)[n]` is
    possible as well, by leaving events out. Equal events are interchangeable, so a log with coarse
    times (a thousand events on one day) costs no more than its kinds of events.
    """
    events = [mask for mask, count in Counter(masks).items() if mask for _ in range(min(count, steps))]
    takers = [[event for event, mask in enumerate(events) if mask >> step & 1] for step in range(steps)]
    found = []
    for before in range(steps + 1):
        filled = before
        holders: dict[int, int] = {}
        while filled < steps and _place(filled, takers, holders, set()):
            filled += 1
        found.append(filled)
    return found


def can_all_fill(masks: Sequence[int]) -> bool:
    """Whether every one of these events can have a step of its own."""
    takers = [[bit for bit in range(mask.bit_length()) if mask >> bit & 1] for mask in masks]
    holders: dict[int, int] = {}
    return all(_place(event, takers, holders, set()) for event in range(len(takers)))


def _place(item: int, takers: list[list[int]], holders: dict[int, int], tried: set[int]) -> bool:
    """Give `item` one of its takers, moving other items to other takers where that helps."""
    for taker in takers[item]:
        if taker not in tried:
            tried.add(taker)
            if taker not in holders or _place(holders[taker], takers, holders, tried):
                holders[taker] = item
                return True
    return False
