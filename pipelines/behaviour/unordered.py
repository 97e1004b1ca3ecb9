"""Steps in any order: the moment at which most of them were first done within one window.

The latest events that fill distinct steps are kept (a maximum-weight basis of a transversal
matroid, the weight being the time): at every moment, for every start, they show how many steps
were done since. There are never more of them than steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipelines.behaviour.instant import can_all_fill
from pipelines.behaviour.walks import Times


class Done(NamedTuple):
    """An event that filled a step: its time and the steps that it could fill, as bits."""

    at: int
    steps: int


def furthest_in_any_order(events: Sequence[tuple[int, int]], window: int) -> Times:
    """The attempt that counts of one person (`(at, steps)` in order of time): its steps' times, ascending."""
    latest: list[Done] = []
    reached, start, end = 0, 0, 0
    for position, (at, mask) in enumerate(events):
        if mask:
            latest = _with(latest, Done(at, mask))
        if position + 1 < len(events) and events[position + 1][0] == at:
            continue
        latest = [done for done in latest if at - done.at <= window]
        if len(latest) > reached:
            reached, start, end = len(latest), latest[0].at, at
    return _earliest(events, start, end) if reached else ()


def _with(latest: list[Done], event: Done) -> list[Done]:
    """Take in the newest event; where it can fill no further step, the oldest that it can stand for goes."""
    if event.steps & (event.steps - 1) == 0 and any(done.steps == event.steps for done in latest):
        return [done for done in latest if done.steps != event.steps] + [event]
    kept: list[Done] = []
    for done in (event, *reversed(latest)):
        if can_all_fill([other.steps for other in (*kept, done)]):
            kept.append(done)
    return kept[::-1]


def _earliest(events: Sequence[tuple[int, int]], start: int, end: int) -> Times:
    kept: list[Done] = []
    for at, mask in events:
        if start <= at <= end and mask and can_all_fill([*(done.steps for done in kept), mask]):
            kept.append(Done(at, mask))
    return tuple(done.at for done in kept)
