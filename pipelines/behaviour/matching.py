"""Which events of a relation a funnel looks at, and which steps each of them could fill.

A relation has the columns `person_id VARCHAR, event VARCHAR, event_at TIMESTAMP (UTC), properties
JSON`: `marts.fct_events` of a snapshot, `events` of opened files. Its name comes from code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.behaviour.conditions import Bindings, Where, where_sql
from pipelines.behaviour.documents import end_of, start_of
from pipelines.behaviour.query import Exclusion, FunnelQuery, Step


class Parts(NamedTuple):
    """A relation that joins events to their people, by what it joins.

    `events` has the relation's columns but `visitor_key` for the person; `people` has `visitor_key, person_key,
    person_id`.
    """

    events: str
    people: str


JOINED = {"marts.fct_events": Parts("raw_events.lake_events", "raw_events.identity_map")}
"""Relations whose join a question over millions of events does better by itself: a number is looked up in a tenth
of the time."""
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def relation_sql(relation: str) -> str:
    """The relation's name, checked to be one: it is the only thing of a caller that is pasted into SQL."""
    if not _NAME.fullmatch(relation):
        raise ValueError(f"{relation!r} is no name of a relation")
    return relation


def events_sql(relation: str, query: FunnelQuery, bindings: Bindings, *, person: str = "person_id") -> str:
    """SQL of the rows that count at all: of a person, inside the dates, under the query's own `where`."""
    tests = [f"{person} is not null", where_sql(query.where, bindings)]
    if query.date_from is not None:
        tests.append(f"event_at >= {bindings.add(start_of(query.date_from, query.timezone))}")
    if query.date_to is not None:
        tests.append(f"event_at < {bindings.add(end_of(query.date_to, query.timezone))}")
    source = relation_sql(relation)
    return f"select {person}, event, event_at, properties from {source} where {' and '.join(tests)}"


def match_sql(event: str | None, where: Where, bindings: Bindings) -> str:
    """SQL that is true for the events which fit a name and a `where`."""
    name = "true" if event is None else f"coalesce(event = {bindings.add(event)}, false)"
    return f"({name} and {where_sql(where, bindings)})"


def masks_sql(relation: str, query: FunnelQuery, bindings: Bindings) -> str:
    """SQL of `person_id, moment, steps, exclusions`, in order of person and time.

    `moment` is in microseconds; `steps` has bit n set where the event could fill step n, and so has
    `exclusions`. A strict funnel looks at every event, the others at those with a bit.
    """
    kept = "true" if query.order == "strict" else "steps > 0 or exclusions > 0"
    return f"""
        select
            person_id, epoch_us(event_at) as moment,
            {_bits_sql(query.steps, bindings)} as steps, {_bits_sql(query.exclusions, bindings)} as exclusions
        from ({events_sql(relation, query, bindings)})
        where {kept}
        order by person_id, moment
    """


def _bits_sql(parts: Sequence[Step | Exclusion], bindings: Bindings) -> str:
    bits = [
        f"case when {match_sql(part.event, part.where, bindings)} then {1 << number} else 0 end"
        for number, part in enumerate(parts)
    ]
    return f"cast({' + '.join(bits) or '0'} as bigint)"


def chain_is_right(query: FunnelQuery) -> bool:
    """Whether the chain of joins answers the query: ordered, nothing excluded, no event fills two steps."""
    names = [step.event for step in query.steps]
    return query.order == "ordered" and not query.exclusions and None not in names and len(set(names)) == len(names)
