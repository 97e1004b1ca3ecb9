"""Steps in any order: the moment at which most of them were first done within one window.

The latest events that fill distinct steps are kept (a maximum-weight basis of a transversal
matroid, the weight being the time): at every moment, for every start, they show how many steps
were done since. There are never more of them than steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipelines.behaviour.instant import can_all_fill
from pipelines.behaviour.walks import FOREVER, Times, Way


class Done(NamedTuple):
    """An event that filled a step: its time and the steps that it could fill, as bits."""

    at: int
    steps: int


def arrivals_in_any_order(
    events: Sequence[tuple[int, int]], window: int, *, begun_by: int = FOREVER, first_only: bool = False
) -> list[Way]:
    """The attempts of one person that did the most steps, in order of time: their steps' times, ascending.

    `events` are `(at, steps)` in order of time. Attempts begin at the moment `begun_by` at the latest. A start that
    came that far goes no second way.
    """
    latest: list[Done] = []
    begin = -FOREVER
    reached, spans = 0, [(0, 0)]
    for position, (at, mask) in enumerate(events):
        if mask:
            latest = _with(latest, Done(at, mask))
            begin = at if at <= begun_by else begin
        if position + 1 < len(events) and events[position + 1][0] == at:
            continue
        if at > begun_by and at - begin > window:
            break
        latest = [done for done in latest if at - done.at <= window]
        # Any event that fills a step can stand in an attempt of as many steps as were done since.
        start = min(latest[0].at, begin) if latest else begin
        if len(latest) > reached:
            reached, spans = len(latest), [(start, at)]
        elif reached and len(latest) == reached and start > spans[-1][0] and not first_only:
            spans.append((start, at))
    return [_earliest(events, start, end) for start, end in spans] if reached else []


def with_optional_steps(
    way: Way, needed: Sequence[int], optional: Iterable[int], events: Sequence[tuple[int, int]], window: int
) -> Times:
    """The times of all steps, where `way` has those of the `needed` ones.

    An optional step has the first time at which it was done in one window with the whole attempt.
    """
    if not way:
        return ()
    times: dict[int, int] = dict(zip(needed, way, strict=False))
    for step in optional:
        fitting = (at for at, mask in events if mask >> step & 1 and way[-1] - at <= window and at - way[0] <= window)
        if (at := next(fitting, None)) is not None:
            times[step] = at
    return tuple(times.get(step) for step in range(max(times) + 1))


def counts_by_start(events: Sequence[tuple[int, int]], window: int) -> Iterator[tuple[int, int]]:
    """For every moment at which a step could be done, the most steps done within the window from then on."""
    # The same walk backwards: now the events closest after a moment are kept.
    latest: list[Done] = []
    backwards = [(-at, mask) for at, mask in reversed(events) if mask]
    for position, (at, mask) in enumerate(backwards):
        latest = _with(latest, Done(at, mask))
        if position + 1 == len(backwards) or backwards[position + 1][0] != at:
            latest = [done for done in latest if at - done.at <= window]
            yield -at, len(latest)


def _with(latest: list[Done], event: Done) -> list[Done]:
    """Take in the newest event; where it can fill no further step, the oldest that it can stand for goes."""
    if event.steps & (event.steps - 1) == 0 and any(done.steps == event.steps for done in latest):
        return [done for done in latest if done.steps != event.steps] + [event]
    kept: list[Done] = []
    for done in (event, *reversed(latest)):
        if can_all_fill([other.steps for other in (*kept, done)]):
            kept.append(done)
    return kept[::-1]


def _earliest(events: Sequence[tuple[int, int]], start: int, end: int) -> Way:
    kept: list[Done] = []
    for at, mask in events:
        if start <= at <= end and mask and can_all_fill([*(done.steps for done in kept), mask]):
            kept.append(Done(at, mask))
    return tuple(done.at for done in kept)
