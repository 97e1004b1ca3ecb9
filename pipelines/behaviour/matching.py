"""A relation of events, and which of them a question looks at.

A relation has the columns `person_id VARCHAR, event VARCHAR, event_at TIMESTAMP (UTC), properties
JSON`: `marts.fct_events` of a snapshot, `events` of opened files. Its name comes from code. Where a
query asks for it, it also needs `event_id`, `type` (properties of the user are told by `identify`),
`user_id` and `anonymous_id` (a query by identity).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelines.behaviour.documents import end_of, start_of
from pipelines.behaviour.query import FunnelQuery
from pipelines.conditions import Bindings, Where, where_sql


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
PEOPLE = {"marts.fct_events": "person_key"}
"""Relations that know a person by a number as well: numbers are counted faster than ids."""
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def relation_sql(relation: str) -> str:
    """The relation's name, checked to be one: it is the only thing of a caller that is pasted into SQL."""
    if not _NAME.fullmatch(relation):
        raise ValueError(f"{relation!r} is no name of a relation")
    return relation


def person_sql(relation: str) -> str:
    """The column that tells people apart."""
    return PEOPLE.get(relation, "person_id")


def events_sql(relation: str, query: FunnelQuery, bindings: Bindings, *, person: str = "person_id") -> str:
    """SQL of the rows that count at all: of a person, inside the dates, under the query's own `where`."""
    tests = [f"{person} is not null", *counting_tests(query, bindings)]
    source = relation_sql(relation)
    return f"select {person}, event, event_at, properties from {source} where {' and '.join(tests)}"


def counting_tests(query: FunnelQuery, bindings: Bindings) -> list[str]:
    """SQL of what a row has to pass: the query's own `where` and its dates."""
    tests = [where_sql(query.where, bindings)]
    if query.date_from is not None:
        tests.append(f"event_at >= {bindings.add(start_of(query.date_from, query.timezone))}")
    if query.date_to is not None:
        tests.append(f"event_at < {bindings.add(end_of(query.date_to, query.timezone))}")
    return tests


def match_sql(event: str | None, where: Where, bindings: Bindings) -> str:
    """SQL that is true for the events which fit a name and a `where`."""
    name = "true" if event is None else f"coalesce(event = {bindings.add(event)}, false)"
    return f"({name} and {where_sql(where, bindings)})"
