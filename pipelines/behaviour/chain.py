"""An ordered funnel as a chain of ASOF joins: fast, and right only where no event can fill two steps.

The latest start at or before an event is the best one for the window, so each step keeps, for every
start that came so far, the first event that took it there; the next step looks for the latest of
these. One person with a hundred thousand events costs no more than many with few.
"""

from __future__ import annotations

import polars as pl

from pipelines.behaviour.conditions import Bindings
from pipelines.behaviour.matching import events_sql, match_sql
from pipelines.behaviour.query import FunnelQuery
from pipelines.warehouse.writer import Connection


def chain_attempts(connection: Connection, relation: str, query: FunnelQuery) -> pl.DataFrame:
    """The attempt that counts of everybody who started: `person_id, reached, at_0, at_1, ...`.

    `reached` is the number of filled steps, `at_n` the time of step n in microseconds or null.
    """
    bindings = Bindings()
    sql = _chain_sql(relation, query, bindings)
    return connection.sql(sql, params=bindings.values).pl()


def _chain_sql(relation: str, query: FunnelQuery, bindings: Bindings) -> str:
    count = len(query.steps)
    cases = " ".join(
        f"when {match_sql(step.event, step.where, bindings)} then {number}" for number, step in enumerate(query.steps)
    )
    window = None if query.window_microseconds is None else bindings.add(query.window_microseconds)
    parts = [
        f"""matched as materialized (
            select person_id, epoch_us(event_at) as moment, case {cases} end as step
            from ({events_sql(relation, query, bindings)}) where step is not null
        )""",
        "step_0 as (select distinct person_id, moment as at_0 from matched where step = 0)",
        *(_step_sql(number, window) for number in range(1, count)),
        *(_first_sql(number) for number in range(count)),
    ]
    reached = " + ".join(f"cast(first_{n}.person_id is not null as integer)" for n in range(count))
    ways = [[f"first_{n}.way.at_{column}" for n in reversed(range(column, count))] for column in range(count)]
    times = [f"coalesce({', '.join(way)}) as at_{column}" for column, way in enumerate(ways)]
    joins = "".join(f" left join first_{n} on first_{n}.person_id = first_0.person_id" for n in range(1, count))
    return (
        f"with {', '.join(parts)} "
        f"select first_0.person_id, {reached} as reached, {', '.join(times)} from first_0{joins}"
    )


def _step_sql(number: int, window: str | None) -> str:
    """Every start that came to step `number`, with the first event that took it there."""
    way = ", ".join(f"before.at_{column}" for column in range(number))
    inside = "true" if window is None else f"event.moment - before.at_0 <= {window}"
    return f"""step_{number} as materialized (
        select before.person_id, {way}, min(event.moment) as at_{number}
        from (select person_id, moment from matched where step = {number}) as event
        asof join step_{number - 1} as before
            on event.person_id = before.person_id and event.moment >= before.at_{number - 1}
        where {inside}
        group by all
    )"""


def _first_sql(number: int) -> str:
    """Of everybody's ways to step `number`, the one that came there first."""
    way = ", ".join(f"at_{column} := at_{column}" for column in range(number + 1))
    return f"""first_{number} as (
        select person_id, arg_min(struct_pack({way}), at_{number}) as way
        from step_{number}
        group by person_id
    )"""
