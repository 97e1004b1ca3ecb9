"""The one implementation of funnels, behind the page, the command and the segments alike.

Which attempt of a person counts is the same in both forms: a chain of look-ups in sorted columns where no
event can fill two steps, else a scan in Python. Tests hold both to a brute force.
"""

from __future__ import annotations

import polars as pl

from pipelines.behaviour.answer import FunnelAnswer, steps_answer
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.matching import chain_is_right
from pipelines.behaviour.query import FunnelQuery
from pipelines.behaviour.scan import furthest_attempt, people_with_events, plan_of
from pipelines.warehouse.writer import Connection


def funnel(connection: Connection, relation: str, query: FunnelQuery, *, users: bool = False) -> FunnelAnswer:
    """Answer a funnel over a relation of events (its shape: see `matching`).

    With `users` every step lists the ids of its people. The connection is only read. A query of
    kind `funnel_trends` is `trends.funnel_trends`'s.
    """
    return steps_answer(query, attempts(connection, relation, query, ids=users), users=users)


def people_at_step(
    connection: Connection, relation: str, query: FunnelQuery, step: int, *, dropped: bool = False
) -> list[str]:
    """Ids of the people who reached a step (from 0), sorted.

    With `dropped`, of those who got to the step before it and no further.

    Raises:
        ValueError: there is no such step.
    """
    if not (1 if dropped else 0) <= step < len(query.steps):
        raise ValueError(f"there is no step {step} to ask for")
    reached = attempts(connection, relation, query)
    there = pl.col("reached") == step if dropped else pl.col("reached") > step
    people: list[str] = reached.filter(there)["person_id"].sort().to_list()
    return people


def attempts(connection: Connection, relation: str, query: FunnelQuery, *, ids: bool = True) -> pl.DataFrame:
    """The attempt that counts of everybody who started: `person_id, reached, at_0, at_1, ...`.

    `reached` is the number of filled steps, `at_n` the time of step n in microseconds or null.
    Without `ids` there may be no `person_id`.
    """
    if chain_is_right(query):
        return chain_attempts(connection, relation, query, ids=ids)
    return scan_attempts(connection, relation, query)


def scan_attempts(connection: Connection, relation: str, query: FunnelQuery) -> pl.DataFrame:
    """The same as `attempts`, by the scan, which is right for every query."""
    plan = plan_of(query)
    people: list[str] = []
    ways: list[tuple[int, ...]] = []
    for person, events in people_with_events(connection, relation, query):
        if way := furthest_attempt(events, plan):
            people.append(person)
            ways.append(way)
    columns = {f"at_{n}": [way[n] if n < len(way) else None for way in ways] for n in range(plan.steps)}
    return pl.DataFrame(
        {"person_id": people, "reached": [len(way) for way in ways], **columns},
        schema={"person_id": pl.String, "reached": pl.Int32, **dict.fromkeys(columns, pl.Int64)},
    )
