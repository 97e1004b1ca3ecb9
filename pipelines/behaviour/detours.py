"""The walk for steps in order of which some may be left out, or have a window of their own.

An attempt may leave optional steps out; every number of steps left out has its own attempts, for the
one that left out fewer counts before the one that began later. Where a step has a window since the
step before, the attempt with the latest start is not always the one that can go on, so those that
came later are kept as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from pipelines.behaviour.instant import can_all_fill
from pipelines.behaviour.walks import FOREVER, Times, Way


class Kind(NamedTuple):
    """What attempts have in common: how many steps they passed, and how many of these they left out."""

    passed: int
    left_out: int


class Longer(NamedTuple):
    """An attempt that fills steps at this instant.

    `is_whole`: none of the instant's events lies between two of its steps, should it go on later.
    """

    way: Times
    is_whole: bool


class DetourWalk:
    """Takes a person's events in order of time, as `walks.OrderedWalk` does.

    `windows` has for every step the longest time since the step before, `optional` the steps that may be left out.
    """

    def __init__(self, window: int, windows: Way, optional: frozenset[int]) -> None:
        self.window = window
        self.windows = windows
        self.optional = optional
        self.steps = len(windows)
        self.ways: dict[Kind, list[Times]] = {}
        """In order of arrival; the starts never rise, for a later arrival that began later is better in every way."""
        self.arrivals: list[Times] = []
        """The attempts that got to the furthest step so far, in order of time."""
        self.began: dict[Kind, set[int]] = {}
        """The starts of the arrivals: a start that came that far goes no second way."""

    def take_one(self, at: int, mask: int) -> None:
        """One event, alone in its instant: it fills one step."""
        self._take_all(self._longer_by_one(at, mask), at)

    def take_tied(self, at: int, masks: Sequence[int]) -> None:
        """Events of one instant: each fills at most one step, in whatever order serves the attempt."""
        self._take_all(self._longer_by_some(at, masks), at)

    def _take_all(self, longer: Iterator[Longer], at: int) -> None:
        """Take what this instant makes of the attempts before it."""
        found: dict[Kind, Times] = {}
        for way, _ in longer:
            _offer(found, way)
        self._take(found, at)

    def _longer_by_one(self, at: int, mask: int) -> Iterator[Longer]:
        for step in range(self.steps):
            if mask >> step & 1:
                for way in self._ways_to(step, at):
                    yield Longer((*way, at), is_whole=True)

    def _longer_by_some(self, at: int, masks: Sequence[int]) -> Iterator[Longer]:
        fillable = [
            mask for mask, tied in groupby(sorted(masks)) if mask for _ in range(min(len(list(tied)), self.steps))
        ]
        for first in range(self.steps):
            ways = list(self._ways_to(first, at))
            for filled in self._filled_at_once(first, fillable) if ways else ():
                ending = tuple(at if step in filled else None for step in range(first, max(filled) + 1))
                for way in ways:
                    yield Longer(way + ending, is_whole=not way or len(filled) == len(masks))

    def _filled_at_once(self, first: int, masks: Sequence[int]) -> Iterator[set[int]]:
        """The steps from `first` on that events of one instant can fill, early optional ones before late ones."""
        needed = {first}
        for last in range(first, self.steps):
            filled = needed | {last}
            if not _can_fill(filled, masks):
                if last not in self.optional:
                    return
                continue
            yield set(filled)
            for step in range(first + 1, last):
                if step not in filled and _can_fill(filled | {step}, masks):
                    filled.add(step)
                    yield set(filled)
            if last not in self.optional:
                needed.add(last)

    def _ways_to(self, step: int, at: int) -> Iterator[Times]:
        """The best attempt of every kind that can fill this step now, with what it leaves out on the way."""
        if step == 0:
            yield ()
            return
        for passed in range(step, 0, -1):
            for left_out in range(passed):
                way = self._best(Kind(passed, left_out), step, at)
                if way:
                    yield way + (None,) * (step - passed)
            if passed - 1 not in self.optional:
                return

    def _best(self, kind: Kind, step: int, at: int) -> Times:
        # The first that came late enough began latest.
        for way in self.ways.get(kind, ()):
            if at - _time(way[-1]) <= self.windows[step]:
                return way if at - _time(way[0]) <= self.window else ()
        return ()

    def _take(self, found: dict[Kind, Times], at: int) -> None:
        for kind, way in sorted(found.items(), key=itemgetter(0)):
            self._arrive(kind, way)
            known = self.ways.setdefault(kind, [])
            start = _time(way[0])
            while known and (_time(known[-1][0]) < start or at - _time(known[-1][0]) > self.window):
                known.pop()
            # With the same start the earlier arrival stays, and alone where nothing can expire before it.
            if not known or self._can_expire(kind):
                known.append(way)

    def _arrive(self, kind: Kind, way: Times) -> None:
        furthest = len(self.arrivals[0]) if self.arrivals else 0
        if kind.passed > furthest:
            self.arrivals, self.began = [], {}
        if kind.passed >= furthest:
            began = self.began.setdefault(kind, set())
            if way[0] not in began:
                began.add(_time(way[0]))
                self.arrivals.append(way)

    def _can_expire(self, kind: Kind) -> bool:
        return any(window < FOREVER for window in self.windows[kind.passed :])


class StrictDetourWalk(DetourWalk):
    """No event may lie between two steps: an attempt goes on while all of every instant fills its steps.

    All attempts that can go on got somewhere at the last instant, so the one of a kind that began latest is the best.
    """

    def _take_all(self, longer: Iterator[Longer], at: int) -> None:
        found: dict[Kind, Times] = {}
        going_on: dict[Kind, Times] = {}
        for way, is_whole in longer:
            _offer(found, way)
            if is_whole:
                _offer(going_on, way)
        for kind, way in sorted(found.items(), key=itemgetter(0)):
            self._arrive(kind, way)
        self.ways = {kind: [way] for kind, way in going_on.items()}

    def _arrive(self, kind: Kind, way: Times) -> None:
        furthest = len(self.arrivals[0]) if self.arrivals else 0
        if kind.passed > furthest:
            self.arrivals = [way]
        elif kind.passed == furthest:
            self.arrivals.append(way)


def _offer(found: dict[Kind, Times], way: Times) -> None:
    """Keep the way where it is the best of its kind: the latest start, then each step early."""
    kind = Kind(len(way), way.count(None))
    known = found.get(kind)
    if known is None or _preference(way) < _preference(known):
        found[kind] = way


def _preference(way: Times) -> tuple[int, ...]:
    return (-_time(way[0]), *(FOREVER if at is None else at for at in way))


def _can_fill(steps: set[int], masks: Sequence[int]) -> bool:
    """Whether every one of these steps can have an event of its own."""
    return can_all_fill([sum(1 << number for number, mask in enumerate(masks) if mask >> step & 1) for step in steps])


def _time(at: int | None) -> int:
    # The first and the last step of an attempt are filled.
    assert at is not None
    return at
