"""An ordered funnel as a chain of look-ups in sorted columns: fast, and right only where no event can fill two steps.

The engine finds the events that fill a step; sorted by person, time and step, the row before an
event is the latest one that came so far. The latest start is the best one for the window, so each
step keeps, for every start that came so far, the first event that took it there, and the next step
looks for the latest of these. One person with a hundred thousand events costs no more than many with few.
Many events are walked in as many parts as there are cores, each with people of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.behaviour.attribution import attributed, with_revenue
from pipelines.behaviour.fitting import chain_sql
from pipelines.behaviour.matching import JOINED, Parts
from pipelines.behaviour.query import FunnelQuery
from pipelines.behaviour.rows import is_plain
from pipelines.behaviour.walks import FOREVER
from pipelines.conditions import Bindings
from pipelines.warehouse.writer import Connection

Numbers: TypeAlias = npt.NDArray[np.int64]
KEY = "person_key"
WORTH_A_THREAD = 250_000
"""Events: below it, starting a thread costs more than it spares."""


class Rows(NamedTuple):
    """The events that fill a step, in order of person, time and step. A place is where one stands in that order."""

    person: Numbers
    at: Numbers
    step: Numbers

    def of_step(self, number: int) -> Numbers:
        """Where the events of a step stand."""
        return np.flatnonzero(self.step == number)

    def places(self, here: Numbers) -> Numbers:
        """What `people` and `times` are told of an event."""
        return here

    def people(self, places: Numbers) -> Numbers:
        """Whose events these are."""
        return self.person[places]

    def times(self, places: Numbers) -> Numbers:
        """When they were, in microseconds."""
        return self.at[places]


class PackedRows(NamedTuple):
    """The same in one number each, `person | time | step`; a place is the number without its step.

    Most events are looked at by their step only, so what else a number holds is read where it is asked for.
    """

    numbers: Numbers
    step: npt.NDArray[np.uint8]
    step_bits: int
    time_bits: int
    first: int
    low: int
    unit: int

    def of_step(self, number: int) -> Numbers:
        """Where the events of a step stand."""
        return np.flatnonzero(self.step == number)

    def places(self, here: Numbers) -> Numbers:
        """What `people` and `times` are told of an event."""
        places = self.numbers[here]
        places >>= self.step_bits
        return places

    def people(self, places: Numbers) -> Numbers:
        """Whose events these are."""
        people = places >> self.time_bits
        people += self.first
        return people

    def times(self, places: Numbers) -> Numbers:
        """When they were, in microseconds."""
        times = places & ((1 << self.time_bits) - 1)
        times *= self.unit
        times += self.low
        return times


def chain_attempts(connection: Connection, relation: str, query: FunnelQuery, *, ids: bool = True) -> pl.DataFrame:
    """The attempt that counts of everybody who started: `person_id, reached, at_0, at_1, ...`.

    `reached` is the number of filled steps, `at_n` the time of step n in microseconds or null.
    Without `ids` there may be no `person_id`.
    """
    found, people = _matched(connection, relation, query, ids=ids)
    window = FOREVER if query.window_microseconds is None else query.window_microseconds

    def walked(part: pl.DataFrame) -> pl.DataFrame:
        columns = (part[name].to_numpy().astype(np.int64, copy=False) for name in (KEY, "moment", "step"))
        rows = sorted_rows(*columns)
        return attempts_of(rows, len(query.steps), window)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        attempts = pl.concat(threads.map(walked, _parts(found)))
    if query.breakdown is not None or query.revenue_steps:
        seen = found.with_columns(steps=pl.lit(1, pl.Int64) * 2 ** pl.col("step").cast(pl.Int64))
        attempts = with_revenue(attributed(attempts, seen, query, by=[KEY]), seen, query, by=[KEY])
    if people is None:
        return attempts.drop(KEY)
    named = attempts.join(people.cast({KEY: pl.Int64}), on=KEY, how="left")
    return named.select("person_id", pl.exclude("person_id", KEY))


def _matched(
    connection: Connection, relation: str, query: FunnelQuery, *, ids: bool
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """`person_key, moment, step` and what the query splits and sums by, in no order; with `ids` who the keys are."""
    if is_plain(query) and (parts := JOINED.get(relation)) is not None and _is_there(connection, parts):
        found = _events(connection, parts.events, query, "visitor_key")
        names = ", person_id" if ids else ""
        people = connection.execute(f"select visitor_key, person_key{names} from {parts.people}").pl()
        named = people.select(KEY, "person_id").unique() if ids else None
        if people["visitor_key"].equals(people[KEY]):
            return found.rename({"who": KEY}), named
        person_of = np.zeros(1 + int(people["visitor_key"].max() or 0), dtype=np.int64)  # type: ignore[arg-type]
        person_of[people["visitor_key"].to_numpy()] = people[KEY].to_numpy()
        keys = pl.Series(KEY, person_of[found["who"].to_numpy()])
        return found.drop("who").with_columns(keys), named
    found = _events(connection, relation, query, "person_id")
    if query.splits_events:
        # Each value is a funnel of its own: a person counts once in each.
        people = found.select("who", "value").unique().with_row_index(KEY)
        keyed = found.join(people, on=["who", "value"], nulls_equal=True).drop("value")
    else:
        people = found.select("who").unique().with_row_index(KEY)
        keyed = found.join(people, on="who")
    return keyed.drop("who"), people.rename({"who": "person_id"})


def _is_there(connection: Connection, parts: Parts) -> bool:
    names = [name.split(".") for name in parts]
    found = connection.execute(
        "select count(*) from information_schema.tables where [table_schema, table_name] in (select unnest($names))",
        {"names": names},
    ).fetchone()
    return found is not None and found[0] == len(names)


def _events(connection: Connection, relation: str, query: FunnelQuery, person: str) -> pl.DataFrame:
    """The events that fill a step: `who` did it, `moment` in microseconds, `step` from 0; in no order."""
    bindings = Bindings()
    sql = chain_sql(connection, relation, query, bindings, person=person)
    found = connection.execute(sql, bindings.values).pl()
    moment = pl.col("event_at").cast(pl.Int64).alias("moment")
    return found.select(pl.exclude("event_at", "step"), moment, pl.col("step") - 1)


def _parts(found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The events in about equal parts, all of a person in one of them."""
    wanted = min(os.cpu_count() or 1, 1 + found.height // WORTH_A_THREAD)
    some = found[KEY].gather_every(max(1, found.height // 10_000)).sort()
    ends = sorted({int(some[number * some.len() // wanted]) for number in range(1, wanted)})
    for low, high in zip([None, *ends], [*ends, None], strict=True):
        tests = [*([] if low is None else [pl.col(KEY) >= low]), *([] if high is None else [pl.col(KEY) < high])]
        yield found.filter(*tests)


def sorted_rows(person: Numbers, at: Numbers, step: Numbers) -> Rows | PackedRows:
    """The rows in order of person, time and step; packed into one number each where they fit, which sorts faster."""
    if len(at) == 0:
        return Rows(person, at, step)
    low, first = int(at.min()), int(person.min())
    since = at - low
    unit = next(unit for unit in (1_000_000, 1_000, 1) if unit == 1 or not (since % unit).any())
    since //= unit
    step_bits, time_bits = int(step.max()).bit_length(), int(since.max()).bit_length()
    if step_bits + time_bits + (int(person.max()) - first).bit_length() > 63:
        order = np.lexsort((step, at, person))
        return Rows(person[order], at[order], step[order])
    # Memory that is taken anew costs more than the sums themselves.
    packed = person - first
    packed <<= time_bits
    packed |= since
    packed <<= step_bits
    packed |= step
    # The lake's files are in order of person and time, day by day: merging such runs takes a third of sorting them.
    packed.sort(kind="stable")
    steps = np.empty(len(packed), dtype=np.uint8)
    np.bitwise_and(packed, (1 << step_bits) - 1, out=steps, casting="unsafe")
    return PackedRows(packed, steps, step_bits, time_bits, first, low, unit)


def attempts_of(rows: Rows | PackedRows, steps: int, window: int) -> pl.DataFrame:
    """The attempt that counts of everybody in the rows: `person_key, reached, at_0, at_1, ...`."""
    here = rows.of_step(0)
    way = [rows.places(here)]
    owners = rows.people(way[0])
    firsts = _first_of_each(owners)
    people = owners[firsts]
    reached = np.ones(len(people), dtype=np.int32)
    times = np.full((steps, len(people)), -1, dtype=np.int64)
    times[0] = rows.times(way[0][firsts])
    for number in range(1, steps):
        here, way = _next_step(rows, number, here, way, window)
        owners = rows.people(way[-1])
        firsts = _first_of_each(owners)
        who = np.searchsorted(people, owners[firsts])
        reached[who] = number + 1
        for column, places in enumerate(way):
            times[column, who] = rows.times(places[firsts])
    filled = {
        f"at_{number}": pl.select(pl.when(pl.Series(reached > number)).then(pl.Series(times[number]))).to_series()
        for number in range(steps)
    }
    return pl.DataFrame({KEY: people, "reached": reached, **filled})


def _next_step(
    rows: Rows | PackedRows, number: int, before: Numbers, way: list[Numbers], window: int
) -> tuple[Numbers, list[Numbers]]:
    """The events that first take a way to this step, and the places of these ways, one array per step."""
    here = rows.of_step(number)
    latest = np.searchsorted(before, here) - 1
    here, latest = here[latest >= 0], latest[latest >= 0]
    places, starts = rows.places(here), way[0][latest]
    fits = (rows.people(starts) == rows.people(places)) & (rows.times(places) - rows.times(starts) <= window)
    here, places, latest = here[fits], places[fits], latest[fits]
    first = _first_of_each(latest)
    here, places, latest = here[first], places[first], latest[first]
    return here, [*(step[latest] for step in way), places]


def _first_of_each(values: Numbers) -> Numbers:
    """Where each stretch of equal values begins."""
    if len(values) == 0:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
