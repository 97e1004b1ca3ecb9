"""The attempt of one person that counts, by a scan: right for every query, whatever its events share.

It is the one that first reaches the furthest step, with its latest start inside the window, each
step between filled as early as can be. Where exclusions void it, the next arrival at the same step
is looked at; when none is clean, the person is out of every step.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import polars as pl

from pipelines.behaviour.detours import DetourWalk, StrictDetourWalk
from pipelines.behaviour.fitting import masks_sql
from pipelines.behaviour.query import FunnelQuery, Order
from pipelines.behaviour.unordered import arrivals_in_any_order, with_optional_steps
from pipelines.behaviour.walks import FOREVER, OrderedWalk, StrictWalk, Times
from pipelines.conditions import Bindings
from pipelines.warehouse.writer import Connection


class Seen(NamedTuple):
    """One event: its time in microseconds, the steps it could fill and the exclusions it meets, as bits."""

    at: int
    steps: int
    exclusions: int = 0


class Plan(NamedTuple):
    """What the scan needs to know of a query; an exclusion is its first and its last step.

    `windows` has for every step the longest time since the step before; `optional` the steps that may be left out.
    """

    steps: int
    window: int
    order: Order
    exclusions: tuple[tuple[int, int], ...] = ()
    windows: tuple[int, ...] = ()
    optional: frozenset[int] = frozenset()

    @property
    def needed(self) -> list[int]:
        """The steps that may not be left out."""
        return [step for step in range(self.steps) if step not in self.optional]

    @property
    def beginning(self) -> int:
        """The steps that can begin an attempt, as bits: in any order each that is not optional."""
        return sum(1 << step for step in self.needed) if self.order == "unordered" else 1


def plan_of(query: FunnelQuery) -> Plan:
    """The plan of a query."""
    window = FOREVER if query.window_microseconds is None else query.window_microseconds
    spans = tuple((exclusion.from_step, exclusion.to_step) for exclusion in query.exclusions)
    windows = tuple(FOREVER if step.window is None else step.window.seconds * 1_000_000 for step in query.steps)
    optional = frozenset(number for number, step in enumerate(query.steps) if step.optional)
    return Plan(len(query.steps), window, query.order, spans, windows if query.has_detours else (), optional)


def furthest_attempt(events: Sequence[Seen], plan: Plan, *, begun_by: int = FOREVER) -> Times:
    """The attempt that counts of one person, whose events come in order of time; empty without one.

    A step that was left out has no time. Only attempts that began at the moment `begun_by` or before are looked at.
    """
    if plan.order == "unordered" and plan.optional:
        return _with_optional_steps(events, plan, begun_by)
    arrivals = _arrivals(events, plan, begun_by)
    if not plan.exclusions:
        return arrivals[0] if arrivals else ()
    moments = [
        [event.at for event in events if event.exclusions >> number & 1] for number in range(len(plan.exclusions))
    ]
    return next((attempt for attempt in arrivals if not _is_void(attempt, plan, moments)), ())


def _with_optional_steps(events: Sequence[Seen], plan: Plan, begun_by: int) -> Times:
    """In any order: optional steps decide nothing, and are looked for around the attempt that counts."""
    needed = plan.needed
    spans = ((0, len(needed) - 1),) * len(plan.exclusions)
    without = [event._replace(steps=event.steps & plan.beginning) for event in events]
    numbers = {mask: sum(1 << new for new, old in enumerate(needed) if mask >> old & 1) for _, mask, _ in without}
    renumbered = [event._replace(steps=numbers[event.steps]) for event in without]
    few = Plan(len(needed), plan.window, plan.order, spans)
    way = [at for at in furthest_attempt(renumbered, few, begun_by=begun_by) if at is not None]
    return with_optional_steps(tuple(way), needed, plan.optional, [event[:2] for event in events], plan.window)


def _arrivals(events: Sequence[Seen], plan: Plan, begun_by: int) -> Sequence[Times]:
    """The attempts that got to the furthest step, in order of time."""
    if plan.order == "unordered":
        first_only = not plan.exclusions
        pairs = [event[:2] for event in events]
        return arrivals_in_any_order(pairs, plan.window, begun_by=begun_by, first_only=first_only)
    walk: OrderedWalk | DetourWalk
    if plan.optional and plan.order == "strict":
        walk = StrictDetourWalk(plan.window, plan.windows, plan.optional)
    elif plan.order == "strict":
        walk = StrictWalk(plan.steps, plan.window, plan.windows)
    elif plan.windows:
        walk = DetourWalk(plan.window, plan.windows, plan.optional)
    else:
        walk = OrderedWalk(plan.steps, plan.window)
    for at, tied in groupby(events, key=itemgetter(0)):
        begins = -1 if at <= begun_by else ~1
        masks = [event[1] & begins for event in tied]
        if len(masks) == 1:
            walk.take_one(at, masks[0])
        else:
            walk.take_tied(at, masks)
    return walk.arrivals


def _is_void(attempt: Times, plan: Plan, moments: list[list[int]]) -> bool:
    """Whether an excluded event lies between an exclusion's steps, or before the window ends."""
    for (first, last), excluded in zip(plan.exclusions, moments, strict=True):
        if len(attempt) > first:
            begin = bisect_right(excluded, _time(attempt[first]))
            ends_before = len(attempt) <= last
            end = (
                bisect_right(excluded, _time(attempt[0]) + plan.window)
                if ends_before
                else bisect_left(excluded, _time(attempt[last]))
            )
            if begin < end:
                return True
    return False


def _time(at: int | None) -> int:
    # Exclusions end at steps that are not optional.
    assert at is not None
    return at


def seen_events(connection: Connection, relation: str, query: FunnelQuery) -> pl.DataFrame:
    """What the scan looks at (`fitting.masks_sql`), in order of person and time."""
    bindings = Bindings()
    sql = masks_sql(connection, relation, query, bindings)
    return connection.execute(sql, bindings.values).pl()


def by_person(
    seen: pl.DataFrame, *, by: Sequence[str] = ("person_id",)
) -> Iterator[tuple[tuple[str | None, ...], list[Seen]]]:
    """Everybody with their events, in order of time; with more in `by`, once for each."""
    rows = seen.select(*by, "moment", "steps", "exclusions")
    for key, events in groupby(rows.iter_rows(buffer_size=100_000), key=lambda row: row[: len(by)]):
        yield key, [Seen(*row[len(by) :]) for row in events]
