"""Funnels by trying every way to give events to steps: slow, short and independent of the product.

The logs are small and dense: many ties, repeated steps, events that fit several steps, windows that
end exactly on an event. `reference` asks the same of whole query documents.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
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
Attempt = tuple[int | None, ...]
"""The times of the steps as far as the last filled one; None where an optional one was left out."""
NEVER = 10**9


class Logged(NamedTuple):
    second: int
    name: str
    colour: str


class Wanted(NamedTuple):
    name: str | None
    colour: str | None
    optional: bool = False
    wait: int | None = None
    """The longest time since the step before."""


Span = tuple[Wanted, int, int]
LOGS = st.lists(
    st.builds(Logged, st.integers(0, 6), st.sampled_from("ABCX"), st.sampled_from(("red", "blue"))),
    max_size=8,
)
WINDOWS = st.none() | st.integers(1, 6)


def wanted(names: Sequence[str | None]) -> st.SearchStrategy[Wanted]:
    """A step or an exclusion on an event of one of these names."""
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(("red", None)))
    return pairs.map(lambda pair: Wanted(*pair))


OVERLAPPING = st.lists(wanted(("A", "B", None)), min_size=2, max_size=4)
DISJOINT = st.permutations("ABC").flatmap(lambda names: st.tuples(*map(wanted, names)))


class Asked(NamedTuple):
    """A funnel as numbers: which events fit each step, which steps may be left out or have a window of their own.

    `spans` are exclusions: the events that are ruled out, after which step and before which.
    """

    seconds: list[int]
    fits: list[set[int]]
    order: str
    window: int | None
    optional: set[int]
    waits: list[int | None]
    spans: list[tuple[set[int], int, int]]


def fits(event: Logged, one: Wanted) -> bool:
    return one.name in (None, event.name) and one.colour in (None, event.colour)


def asked(
    log: Sequence[Logged],
    steps: Sequence[Wanted],
    window: int | None,
    order: str = "ordered",
    spans: Sequence[Span] = (),
) -> Asked:
    def fitting(one: Wanted) -> set[int]:
        return {index for index, event in enumerate(log) if fits(event, one)}

    return Asked(
        [event.second for event in log],
        [fitting(step) for step in steps],
        order,
        window,
        {number for number, step in enumerate(steps) if step.optional},
        [step.wait for step in steps],
        [(fitting(one), first, last) for one, first, last in spans],
    )


def all_attempts(asked: Asked) -> list[Attempt]:
    """The times of every way to give the first steps (in any order: any steps) an event each."""
    found: list[Attempt] = []
    everything = range(len(asked.seconds))

    def go_on(filled: tuple[tuple[int, int], ...]) -> None:
        used = [index for index, _ in filled]
        times = sorted(asked.seconds[index] for index in used)
        if times and asked.window is not None and times[-1] - times[0] > asked.window:
            return
        between = [index for index in everything if times and times[0] < asked.seconds[index] < times[-1]]
        if asked.order == "strict" and not set(between) <= set(used):
            return
        if asked.order == "unordered":
            found.append(tuple(times))
        else:
            at = {number: asked.seconds[index] for index, number in filled}
            found.append(tuple(at.get(number) for number in range(max(at, default=-1) + 1)))
        last = filled[-1][1] if filled else -1
        for number, fitting in enumerate(asked.fits):
            if asked.order == "unordered":
                if any(number <= other for _, other in filled):  # steps in one sequence, events in any
                    continue
            elif number <= last or not set(range(last + 1, number)) <= asked.optional:
                continue
            for index in fitting - set(used):
                since = asked.seconds[index] - asked.seconds[used[-1]] if used else 0
                wait = asked.waits[number]
                if asked.order == "unordered" or (since >= 0 and (wait is None or since <= wait)):
                    go_on((*filled, (index, number)))

    go_on(())
    return [attempt for attempt in found if attempt]


def preference(attempt: Attempt) -> tuple[object, ...]:
    """The furthest; of these the first to get there; then the fewest left out, the latest start, each step early."""
    early = tuple(NEVER if at is None else at for at in attempt)
    return (-len(attempt), early[-1], attempt.count(None), -early[0], early)


def best_by_trying_all(asked: Asked, begins: Container[int | None] | None = None) -> Attempt:
    """The attempt that counts, of those that begin at one of these seconds (None: at any).

    Empty without one, or where exclusions void all that get as far.
    """
    if asked.order == "unordered" and asked.optional:
        return with_what_is_optional(asked, begins)
    tried = [attempt for attempt in all_attempts(asked) if begins is None or attempt[0] in begins]
    if not asked.spans:
        return min(tried, key=preference, default=())
    furthest = max(map(len, tried), default=0)
    arrivals: list[Attempt] = []
    # Every number of steps left out is looked at by itself.
    for left_out in range(furthest):
        alike = [a for a in tried if len(a) == furthest and a.count(None) == left_out]
        began: set[int | None] = set()
        for end in sorted({a[-1] or 0 for a in alike}):
            there = [a for a in alike if a[-1] == end]
            # A start that was there before goes no second way, unless nothing may lie between.
            new = there if asked.order == "strict" else [a for a in there if a[0] not in began]
            if new:
                arrivals.append(min(new, key=preference))
            began |= {a[0] for a in there}
    return next((a for a in sorted(arrivals, key=preference) if not is_void(a, asked)), ())


def with_what_is_optional(asked: Asked, begins: Container[int | None] | None) -> Attempt:
    """In any order: the best attempt of the other steps, and the first event of each optional one that fits beside."""
    needed = [number for number in range(len(asked.fits)) if number not in asked.optional]
    fits = [asked.fits[number] for number in needed]
    spans = [(ruled_out, 0, len(needed) - 1) for ruled_out, _, _ in asked.spans]
    best = best_by_trying_all(asked._replace(fits=fits, optional=set(), spans=spans), begins)
    if not best:
        return ()
    times = dict(zip(needed, best, strict=False))
    for number in asked.optional:
        seconds = {asked.seconds[index] for index in asked.fits[number]}
        whole = [(second, [*(at or 0 for at in best), second]) for second in seconds]
        near = [at for at, all_of in whole if asked.window is None or max(all_of) - min(all_of) <= asked.window]
        times |= {number: min(near)} if near else {}
    return tuple(times.get(number) for number in range(max(times) + 1))


def is_void(attempt: Attempt, asked: Asked) -> bool:
    """Whether an excluded event lies after the first of its steps and before the last, or before the window ends."""
    for ruled_out, first, last in asked.spans:
        for second in (asked.seconds[index] for index in ruled_out):
            after = attempt[first] if len(attempt) > first else None
            if after is not None and second > after:
                before = attempt[last] if len(attempt) > last else None
                inside = asked.window is None or second <= (attempt[0] or 0) + asked.window
                if second < before if before is not None else inside:
                    return True
    return False


def question(
    steps: Sequence[Wanted],
    window: int | None,
    order: str = "ordered",
    spans: Sequence[Span] = (),
    *,
    unit: int = 1,
    **more: Any,
) -> FunnelQuery:
    """The query of these steps and exclusions; a second of the window lasts `unit` seconds."""

    def length(seconds: int | None) -> dict[str, Any] | None:
        return None if seconds is None else {"value": seconds * unit, "unit": "second"}

    def part(one: Wanted) -> dict[str, Any]:
        colour = [{"property": "colour", "op": "eq", "value": one.colour}] if one.colour else []
        return {"event": one.name, "where": colour}

    return parse_funnel(
        {
            "steps": [part(step) | {"optional": step.optional, "window": length(step.wait)} for step in steps],
            "order": order,
            "exclusions": [part(one) | {"from_step": first, "to_step": last} for one, first, last in spans],
            "window": length(window),
            **more,
        }
    )


def load(connection: duckdb.DuckDBPyConnection, logs: Sequence[Sequence[Logged]], unit: int = 1) -> None:
    """Fill the relation `events`: person n has the n-th log, a second of it lasts `unit` seconds."""
    rows = [
        (str(person), event.name, event.second * unit, f'{{"colour": "{event.colour}"}}', "track", "{}")
        for person, log in enumerate(logs)
        for event in log
    ]
    fill(connection, rows)


def fill(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, str, int, str, str, str]]) -> None:
    """Fill `events` from (person, event, second, properties, type, context)."""
    connection.execute("delete from events")
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], [], []]
    columns[2] = [START + timedelta(seconds=second) for second in columns[2]]
    columns.append([f"{number:04}" for number in range(len(rows))])
    connection.execute(
        "insert into events (person_id, event, event_at, properties, type, context, event_id) "
        "select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
        columns,
    )


def as_attempts(frame: pl.DataFrame) -> dict[int, Attempt]:
    """What the product found, in seconds since START, by person."""
    return {
        int(person): tuple(None if time is None else (time - EPOCH) // 1_000_000 for time in times[:reached])
        for person, reached, *times in frame.iter_rows()
    }


def people(found: Sequence[Attempt]) -> dict[int, Attempt]:
    return {person: attempt for person, attempt in enumerate(found) if attempt}
