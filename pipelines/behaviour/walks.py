"""One pass over a person's events in order of time, for steps that come one after the other.

At every moment each number of filled steps has one attempt worth keeping: the one with the latest
start. Events of the same instant are taken together, since they count in step order. The work is
linear in the number of events. Any order of steps is `unordered`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.behaviour.instant import reaches

Times = tuple[int | None, ...]
"""An attempt: the times of its steps as far as the last filled one, in microseconds; None where one was left out."""
Way = tuple[int, ...]
"""An attempt that left no step out."""
FOREVER = 2**62


class OrderedWalk:
    """Other events may lie between two steps."""

    def __init__(self, steps: int, window: int) -> None:
        self.window = window
        self.latest: list[Way] = [()] * (steps + 1)
        """By number of filled steps, the attempt with the latest start; empty where there is none."""
        self.arrivals: list[Way] = []
        """The attempts that got to the furthest step so far, in order of time."""

    def take_one(self, at: int, mask: int) -> None:
        """One event, alone in its instant: it fills one step, so later steps are looked at first."""
        while mask:
            filled = mask.bit_length()
            mask ^= 1 << (filled - 1)
            before = self.latest[filled - 1]
            if filled == 1 or (before and at - before[0] <= self.window):
                self._keep((*before, at))

    def take_tied(self, at: int, masks: Sequence[int]) -> None:
        """Events of one instant: each fills at most one step, in whatever order serves the attempt."""
        reach = reaches(masks, len(self.latest) - 1)
        for filled in range(len(self.latest) - 1, 0, -1):
            if best := self._longest_to(filled, at, reach):
                self._keep(best)

    def _longest_to(self, filled: int, at: int, reach: list[int]) -> Way:
        """The attempt with the latest start that can fill so many steps now; of equals the one further on."""
        best: Way = ()
        for before in range(filled - 1, -1, -1):
            if reach[before] < filled:
                break
            way = self.latest[before]
            if before == 0 or (way and self._goes_on(way, at)):
                longer = way + (at,) * (filled - before)
                best = longer if not best or longer[0] > best[0] else best
        return best

    def _goes_on(self, way: Way, at: int) -> bool:
        """Whether the way may fill its next step now."""
        return at - way[0] <= self.window

    def _keep(self, attempt: Way) -> None:
        # With the same start the earlier arrival stays; a later start serves the window better.
        known = self.latest[len(attempt)]
        if not known or attempt[0] > known[0]:
            self.latest[len(attempt)] = attempt
            self._arrive(attempt)

    def _arrive(self, attempt: Way) -> None:
        furthest = len(self.arrivals[0]) if self.arrivals else 0
        if len(attempt) > furthest:
            self.arrivals = [attempt]
        elif len(attempt) == furthest:
            self.arrivals.append(attempt)


class StrictWalk(OrderedWalk):
    """No event may lie between two steps: all between the first and the last instant fill a step.

    `windows` has for every step the longest time since the step before; empty for steps without.
    """

    def __init__(self, steps: int, window: int, windows: Way = ()) -> None:
        super().__init__(steps, window)
        self.windows = windows or (FOREVER,) * steps

    def take_one(self, at: int, mask: int) -> None:
        """One event, alone in its instant: it goes on with attempts that the event before it ended."""
        going_on: list[Way] = [()] * len(self.latest)
        while mask:
            filled = mask.bit_length()
            mask ^= 1 << (filled - 1)
            before = self.latest[filled - 1]
            if filled == 1 or (before and self._goes_on(before, at)):
                going_on[filled] = (*before, at)
                self._arrive(going_on[filled])
        self.latest = going_on

    def take_tied(self, at: int, masks: Sequence[int]) -> None:
        """Events of one instant; those that fill no step may stand before an attempt or after it."""
        reach = reaches(masks, len(self.latest) - 1)
        going_on: list[Way] = [()] * len(self.latest)
        for filled in range(len(self.latest) - 1, 0, -1):
            best = self._longest_to(filled, at, reach)
            if not best:
                continue
            self._arrive(best)
            before = filled - len(masks)
            if best[0] == at:
                going_on[filled] = best
            elif before > 0 and reach[before] >= filled and self.latest[before]:
                way = self.latest[before]
                if self._goes_on(way, at):
                    going_on[filled] = way + (at,) * len(masks)
        self.latest = going_on

    def _goes_on(self, way: Way, at: int) -> bool:
        return at - way[0] <= self.window and at - way[-1] <= self.windows[len(way)]
