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

from pipelines.behaviour.conditions import Bindings
from pipelines.behaviour.matching import masks_sql
from pipelines.behaviour.query import FunnelQuery, Order
from pipelines.behaviour.unordered import furthest_in_any_order
from pipelines.behaviour.walks import OrderedWalk, StrictWalk, Times
from pipelines.warehouse.writer import Connection

FOREVER = 2**62


class Seen(NamedTuple):
    """One event: its time in microseconds, the steps it could fill and the exclusions it meets, as bits."""

    at: int
    steps: int
    exclusions: int = 0


class Plan(NamedTuple):
    """What the scan needs to know of a query; an exclusion is its first and its last step."""

    steps: int
    window: int
    order: Order
    exclusions: tuple[tuple[int, int], ...]


def plan_of(query: FunnelQuery) -> Plan:
    """The plan of a query."""
    window = FOREVER if query.window_microseconds is None else query.window_microseconds
    spans = tuple((exclusion.from_step, exclusion.to_step) for exclusion in query.exclusions)
    return Plan(len(query.steps), window, query.order, spans)


def furthest_attempt(events: Sequence[Seen], plan: Plan) -> Times:
    """The attempt that counts of one person, whose events come in order of time; empty without one."""
    if plan.order == "unordered":
        return furthest_in_any_order([event[:2] for event in events], plan.window)
    walk = StrictWalk(plan.steps, plan.window) if plan.order == "strict" else OrderedWalk(plan.steps, plan.window)
    for at, tied in groupby(events, key=itemgetter(0)):
        masks = [event[1] for event in tied]
        if len(masks) == 1:
            walk.take_one(at, masks[0])
        else:
            walk.take_tied(at, masks)
    if not plan.exclusions:
        return walk.arrivals[0] if walk.arrivals else ()
    moments = [
        [event.at for event in events if event.exclusions >> number & 1] for number in range(len(plan.exclusions))
    ]
    return next((attempt for attempt in walk.arrivals if not _is_void(attempt, plan, moments)), ())


def _is_void(attempt: Times, plan: Plan, moments: list[list[int]]) -> bool:
    """Whether an excluded event lies between an exclusion's steps, or before the window ends."""
    for (first, last), excluded in zip(plan.exclusions, moments, strict=True):
        if len(attempt) > first:
            begin = bisect_right(excluded, attempt[first])
            ends_before = len(attempt) <= last
            end = (
                bisect_right(excluded, attempt[0] + plan.window)
                if ends_before
                else bisect_left(excluded, attempt[last])
            )
            if begin < end:
                return True
    return False


def people_with_events(connection: Connection, relation: str, query: FunnelQuery) -> Iterator[tuple[str, list[Seen]]]:
    """Everybody with what the scan looks at, in order of time."""
    bindings = Bindings()
    rows = connection.execute(masks_sql(relation, query, bindings), bindings.values).pl()
    for person, events in groupby(rows.iter_rows(buffer_size=100_000), key=itemgetter(0)):
        yield person, [Seen(*row[1:]) for row in events]
