"""Paths: what people did right after an event, or right before it, in the same session.

A step is a tracked event or an opened page or screen; what a sender tells of a person (identify, group,
alias) keeps a session alive and is no step. A link counts the sessions in which it happened, once each:
a session in which the event came twice may have two links. Decision record 0048.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, model_validator

from pipelines.behaviour.documents import Day, Document, Zone, end_of, parse, start_of
from pipelines.behaviour.matching import match_sql, person_sql, relation_sql
from pipelines.behaviour.query import Name
from pipelines.behaviour.rows import traits_sql
from pipelines.behaviour.sessions import IN_ORDER, sessions_sql
from pipelines.conditions import Bindings, Where
from pipelines.warehouse.writer import Connection

STEPS = ("track", "page", "screen")
"""Types of events that people did themselves."""


class PathsQuery(Document):
    """A paths question; dates and `where` are about the event itself, not about what came next or before."""

    kind: Literal["paths"] = "paths"
    event: Name
    direction: Literal["next", "previous"] = "next"
    limit: Annotated[StrictInt, Field(ge=1, le=100)] = 10
    where: Where = Field(default_factory=list)
    date_from: Day | None = None
    date_to: Day | None = None
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _can_be_meant(self) -> PathsQuery:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError("date_from: lies after date_to")
        return self


@dataclass(frozen=True)
class PathLink:
    """Sessions in which `target` came right after `source`; `from` and `to` of the answer."""

    source: str
    target: str
    sessions: int


@dataclass(frozen=True)
class PathRest:
    """What has no link of its own: so many other events, and the sessions in which any of them came."""

    events: int
    sessions: int


@dataclass(frozen=True)
class PathsAnswer:
    """The answer to one paths query.

    `sessions` are those with the event; `none` those in which once nothing came after it (or before it): it was
    the session's last step (or first).
    """

    query: PathsQuery
    links: list[PathLink]
    sessions: int
    none: int
    other: PathRest

    def document(self) -> dict[str, Any]:
        """The answer as `millstream paths --json` prints it."""
        return {
            "kind": "paths",
            "query": self.query.model_dump(mode="json", by_alias=True, exclude_none=True),
            "links": [{"from": one.source, "to": one.target, "sessions": one.sessions} for one in self.links],
            "sessions": self.sessions,
            "none": self.none,
            "other": asdict(self.other),
        }


def parse_paths(document: Mapping[str, Any], *, timezone: str = "UTC") -> PathsQuery:
    """A query document as a question that can be answered; `timezone` is used where it names none.

    Raises:
        UsageError: with the path of the field that can not be meant.
    """
    return parse(PathsQuery, {"timezone": timezone, **document})


def paths(connection: Connection, relation: str, query: PathsQuery) -> PathsAnswer:
    """Answer a paths question over a relation of events that also has `event_id` and `type`.

    The connection is only read; sessions are made of all events of the people who did the event.
    """
    bindings = Bindings()
    found = connection.execute(_sql(connection, relation, query, bindings), bindings.values).fetchall()
    figures = {what: (events, sessions) for what, _, events, sessions in found if what != "link"}
    links = sorted((-sessions, beside) for what, beside, _, sessions in found if what == "link")
    after = query.direction == "next"
    return PathsAnswer(
        query,
        [
            PathLink(query.event if after else beside, beside if after else query.event, -sessions)
            for sessions, beside in links
        ],
        sessions=figures["sessions"][1],
        none=figures["none"][1],
        other=PathRest(*figures["other"]),
    )


def _sql(connection: Connection, relation: str, query: PathsQuery, bindings: Bindings) -> str:
    """SQL of `what, beside, events, sessions`: the links, and one row for each figure beside them."""
    tests = [match_sql(query.event, query.where, bindings)]
    if query.date_from is not None:
        tests.append(f"event_at >= {bindings.add(start_of(query.date_from, query.timezone))}")
    if query.date_to is not None:
        tests.append(f"event_at < {bindings.add(end_of(query.date_to, query.timezone))}")
    steps = f"type in ({', '.join(map(bindings.add, STEPS))})"
    is_asked = " and ".join((*tests, steps))
    person = f"rows.{person_sql(relation)}"
    marked = f"""
        select {person} as person, event_id, event_at, event, {steps} as is_step,
            coalesce({is_asked}, false) as is_asked
        from {relation_sql(relation)} as rows {traits_sql(connection, relation, bindings)}
        where {person} is not null
    """
    events = "select * from marked where person in (select person from marked where is_asked)"
    beside = "lead" if query.direction == "next" else "lag"
    return f"""
        with marked as ({marked}),
        pairs as materialized (
            select distinct person, session, beside
            from (
                select person, session, is_asked,
                    {beside}(event) over (partition by person, session {IN_ORDER}) as beside
                from ({sessions_sql(events)})
                where is_step
            )
            where is_asked
        ),
        ranked as (
            select beside, count(*) as sessions from pairs where beside is not null group by beside
            order by sessions desc, beside limit {bindings.add(query.limit)}
        ),
        others as (select * from pairs where beside is not null and beside not in (select beside from ranked))
        select 'link', beside, 1, sessions from ranked
        union all
        select 'sessions', null, 1, count(*) from (select distinct person, session from pairs)
        union all
        select 'none', null, 0, count(*) from pairs where beside is null
        union all
        select 'other', null, count(distinct beside), count(distinct (person, session)) from others
    """
