"""The one implementation of funnels, behind the page, the command and the segments alike.

Which attempt of a person counts is the same in both forms: a chain of look-ups in sorted columns where no
event can fill two steps, else a scan in Python. Tests hold both to a brute force.
"""

from __future__ import annotations

import polars as pl

from pipelines.behaviour.answer import FunnelAnswer, parts_of, steps_of
from pipelines.behaviour.attribution import attributed, with_revenue
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.fitting import chain_is_right
from pipelines.behaviour.query import FunnelQuery
from pipelines.behaviour.scan import by_person, furthest_attempt, plan_of, seen_events
from pipelines.warehouse.writer import Connection


def funnel(connection: Connection, relation: str, query: FunnelQuery, *, users: bool = False) -> FunnelAnswer:
    """Answer a funnel over a relation of events (its shape: see `matching`).

    With `users` every step lists the ids of its people. The connection is only read. A query of
    kind `funnel_trends` is `trends.funnel_trends`'s, one of `funnel_time_to_convert` `conversion.time_to_convert`'s.
    """
    whole = attempts(connection, relation, query.unsplit() if query.splits_events else query, ids=users)
    split = attempts(connection, relation, query, ids=users) if query.splits_events else whole
    return FunnelAnswer(query, steps_of(query, whole, users=users), parts_of(query, split, users=users))


def people_at_step(
    connection: Connection, relation: str, query: FunnelQuery, step: int, *, dropped: bool = False
) -> list[str]:
    """Ids of the people who reached a step (from 0), sorted.

    With `dropped`, of those who got to the step before it that is not optional, and not to it.

    Raises:
        ValueError: there is no such step.
    """
    if not (1 if dropped else 0) <= step < len(query.steps):
        raise ValueError(f"there is no step {step} to ask for")
    found = attempts(connection, relation, query.unsplit())
    there = pl.col(f"at_{step}").is_not_null()
    if dropped:
        there = ~there & pl.col(f"at_{query.base_of(step)}").is_not_null()
    people: list[str] = found.filter(there)["person_id"].sort().to_list()
    return people


def attempts(connection: Connection, relation: str, query: FunnelQuery, *, ids: bool = True) -> pl.DataFrame:
    """The attempt that counts of everybody who started: `person_id, reached, at_0, at_1, ...`.

    `reached` is the number of the last filled step, from 1; `at_n` the time of step n in microseconds or null.
    With a breakdown also `value`; with steps of money `amount_n, currency_n`. Without `ids` there may be no
    `person_id`.
    """
    if chain_is_right(query):
        return chain_attempts(connection, relation, query, ids=ids)
    return scan_attempts(connection, relation, query)


def scan_attempts(connection: Connection, relation: str, query: FunnelQuery) -> pl.DataFrame:
    """The same as `attempts`, by the scan, which is right for every query."""
    plan = plan_of(query)
    by = ["person_id", "value"] if query.splits_events else ["person_id"]
    seen = seen_events(connection, relation, query)
    keys: list[tuple[str | None, ...]] = []
    ways: list[tuple[int | None, ...]] = []
    for key, events in by_person(seen, by=by):
        if way := furthest_attempt(events, plan):
            keys.append(key)
            ways.append(way)
    columns = {f"at_{n}": [way[n] if n < len(way) else None for way in ways] for n in range(plan.steps)}
    found = pl.DataFrame(
        {**{name: [key[n] for key in keys] for n, name in enumerate(by)}, "reached": list(map(len, ways)), **columns},
        schema={**dict.fromkeys(by, pl.String), "reached": pl.Int32, **dict.fromkeys(columns, pl.Int64)},
    )
    return with_revenue(attributed(found, seen, query, by=by), seen, query, by=by)
