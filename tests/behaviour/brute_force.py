"""Funnels by trying every way to give events to steps: slow, short and independent of the product.

The logs are small and dense: many ties, repeated steps, events that fit several steps, windows that
end exactly on an event.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from pipelines.behaviour import FunnelQuery, parse_funnel

if TYPE_CHECKING:
    import duckdb
    import polars as pl

START = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
EPOCH = 1_772_323_200 * 1_000_000
"""START in microseconds since 1970."""
Attempt = tuple[int, ...]


class Logged(NamedTuple):
    second: int
    name: str
    colour: str


class Wanted(NamedTuple):
    name: str | None
    colour: str | None


LOGS = st.lists(
    st.builds(Logged, st.integers(0, 6), st.sampled_from("ABCX"), st.sampled_from(("red", "blue"))),
    max_size=8,
)
WINDOWS = st.none() | st.integers(1, 6)
OVERLAPPING = st.lists(
    st.builds(Wanted, st.sampled_from(("A", "B", None)), st.sampled_from(("red", None))),
    min_size=2,
    max_size=4,
)
DISJOINT = st.permutations("ABC").flatmap(
    lambda names: st.tuples(*(st.builds(Wanted, st.just(name), st.sampled_from(("red", None))) for name in names))
)


def fits(event: Logged, wanted: Wanted) -> bool:
    return wanted.name in (None, event.name) and wanted.colour in (None, event.colour)


def all_attempts(log: list[Logged], steps: list[Wanted], window: int | None, order: str) -> list[Attempt]:
    """The times of every way to give the first steps (in any order: any steps) an event each."""
    found: list[Attempt] = []

    def go_on(filled: tuple[tuple[int, int], ...]) -> None:
        used = [index for index, _ in filled]
        times = sorted(log[index].second for index in used)
        if times and window is not None and times[-1] - times[0] > window:
            return
        between = [index for index, event in enumerate(log) if times and times[0] < event.second < times[-1]]
        if order == "strict" and not set(between) <= set(used):
            return
        found.append(tuple(times))
        for index, event in enumerate(log):
            for number, wanted in enumerate(steps):
                if order == "unordered":
                    next_one = all(number > other for _, other in filled)  # steps in one sequence, events in any
                else:
                    next_one = number == len(filled) and (not times or event.second >= times[-1])
                if next_one and index not in used and fits(event, wanted):
                    go_on((*filled, (index, number)))

    go_on(())
    return [attempt for attempt in found if attempt]


def preference(attempt: Attempt) -> tuple[object, ...]:
    """The furthest; of these the first to get there; then the latest start; then each step early."""
    return (-len(attempt), attempt[-1], -attempt[0], attempt)


def best_by_trying_all(log: list[Logged], steps: list[Wanted], window: int | None, order: str = "ordered") -> Attempt:
    return min(all_attempts(log, steps, window, order), key=preference, default=())


def best_clean_by_trying_all(
    log: list[Logged],
    steps: list[Wanted],
    window: int | None,
    order: str,
    spans: list[tuple[Wanted, int, int]],
) -> Attempt:
    """Every start goes its own way; at the furthest step the arrivals are looked at one after the other."""
    tried = all_attempts(log, steps, window, order)
    furthest = max(map(len, tried), default=0)
    arrivals: dict[int, Attempt] = {}
    for end in sorted({attempt[-1] for attempt in tried if len(attempt) == furthest}):
        there = [attempt for attempt in tried if len(attempt) == furthest and attempt[-1] == end]
        # A start that was there before goes no second way, unless nothing may lie between.
        new = [a for a in there if order == "strict" or all(a[0] != known[0] for known in arrivals.values())]
        if new:
            arrivals[end] = min(new, key=preference)

    def void(attempt: Attempt) -> bool:
        for wanted, first, last in spans:
            for event in log:
                if fits(event, wanted) and len(attempt) > first and event.second > attempt[first]:
                    inside = window is None or event.second <= attempt[0] + window
                    if event.second < attempt[last] if len(attempt) > last else inside:
                        return True
        return False

    return next((attempt for attempt in arrivals.values() if not void(attempt)), ())


def question(
    steps: list[Wanted],
    window: int | None,
    order: str = "ordered",
    spans: list[tuple[Wanted, int, int]] | None = None,
    *,
    unit: int = 1,
    **more: Any,
) -> FunnelQuery:
    """The query of these steps and exclusions; a second of the window lasts `unit` seconds."""

    def part(wanted: Wanted) -> dict[str, Any]:
        colour = [{"property": "colour", "op": "eq", "value": wanted.colour}] if wanted.colour else []
        return {"event": wanted.name, "where": colour}

    return parse_funnel(
        {
            "steps": [part(wanted) for wanted in steps],
            "order": order,
            "exclusions": [part(wanted) | {"from_step": first, "to_step": last} for wanted, first, last in spans or []],
            "window": None if window is None else {"value": window * unit, "unit": "second"},
            **more,
        }
    )


def load(connection: duckdb.DuckDBPyConnection, logs: list[list[Logged]], unit: int = 1) -> None:
    """Fill the relation `events`: person n has the n-th log, a second of it lasts `unit` seconds."""
    connection.execute("delete from events")
    rows = [
        (
            str(person),
            event.name,
            START + timedelta(seconds=event.second * unit),
            f'{{"colour": "{event.colour}"}}',
        )
        for person, log in enumerate(logs)
        for event in log
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    connection.execute("insert into events select unnest(?), unnest(?), unnest(?), unnest(?)", columns)


def as_attempts(frame: pl.DataFrame) -> dict[int, Attempt]:
    """What the product found, in seconds since START, by person."""
    return {
        int(person): tuple((time - EPOCH) // 1_000_000 for time in times[:reached])
        for person, reached, *times in frame.iter_rows()
    }


def people(found: list[Attempt]) -> dict[int, Attempt]:
    return {person: attempt for person, attempt in enumerate(found) if attempt}
