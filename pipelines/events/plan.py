"""The tracking plan: which events are meant to come, and what each of them has to tell.

An event that breaks the plan is loaded like any other; what is wrong with it is kept beside it, by its id, and
counted. It is judged when it is loaded, by the plan of that moment: a new plan speaks of what comes from then on,
and of everything after a rebuild.
"""

from __future__ import annotations

from typing import Literal

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.documents import load_mapping, problems
from pipelines.settings import Settings

PREPARE = """
create table if not exists raw_events.violations (
    event_id varchar, event varchar, property varchar, problem varchar, event_at timestamp
);
"""
_END = "No event was loaded; what was landed waits."

Type = Literal["string", "number", "integer", "boolean", "time", "object", "array"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedProperty(_Strict):
    """What a property has to be; without a type it may be anything."""

    type: Type | None = None
    required: bool = False
    description: str = ""


class PlannedEvent(_Strict):
    """An event that is meant to come, with the properties that the plan speaks of; others may come as well."""

    description: str = ""
    properties: dict[str, PlannedProperty] = {}


class TrackingPlan(_Strict):
    """The whole plan; `others` says whether a tracked event that it does not name breaks it."""

    events: dict[str, PlannedEvent]
    others: Literal["allowed", "counted"] = "allowed"


def parse_plan(text: str) -> TrackingPlan:
    """Read a plan (YAML or JSON).

    Raises:
        UsageError: it can not be meant; with the path of each problem.
    """
    try:
        return TrackingPlan.model_validate(load_mapping(text, "tracking plan", end=_END))
    except ValidationError as error:
        raise problems(error, "tracking plan", end=_END) from None


def read_plan(settings: Settings) -> TrackingPlan | None:
    """The plan of this installation; None where there is no such file.

    Raises:
        UsageError: it can not be meant.
    """
    try:
        return parse_plan(settings.tracking_plan.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def place_plan(connection: duckdb.DuckDBPyConnection, plan: TrackingPlan | None) -> None:
    """Lay the plan beside the rows that will be judged, as temp tables."""
    connection.execute("create or replace temp table planned_events (event varchar)")
    connection.execute(
        "create or replace temp table planned_properties (event varchar, property varchar, pointer varchar, "
        "expected varchar, is_required boolean)"
    )
    connection.execute("create or replace temp table plan_others (is_counted boolean)")
    if plan is None:
        return
    connection.execute("insert into plan_others values ($counted)", {"counted": plan.others == "counted"})
    connection.execute("insert into planned_events select unnest($names)", {"names": list(plan.events)})
    rows = [
        (event, name, "/" + name.replace("~", "~0").replace("/", "~1"), planned.type, planned.required)
        for event, told in plan.events.items()
        for name, planned in told.properties.items()
    ]
    if rows:
        connection.executemany("insert into planned_properties values (?, ?, ?, ?, ?)", rows)


def note_violations(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Keep what is wrong with the events of the relation `rows`, by the plan that was placed."""
    if connection.execute("select 1 from plan_others").fetchone() is not None:
        connection.execute(_NOTE.format(rows=rows))


_NOTE = """
insert into raw_events.violations
with judged as (
    select event_id, event, property, expected, is_required, event_at,
        json_type(properties, pointer) as found, json_extract_string(properties, pointer) as text
    from {rows} join planned_properties using (event)
),
problems as (
    select event_id, event, property, event_at, case
        when coalesce(found, 'NULL') = 'NULL' then case when is_required then 'is missing' end
        when not case expected
            when 'string' then found = 'VARCHAR'
            when 'number' then found in ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')
            when 'integer' then found in ('BIGINT', 'UBIGINT', 'HUGEINT')
            when 'boolean' then found = 'BOOLEAN'
            when 'object' then found = 'OBJECT'
            when 'array' then found = 'ARRAY'
            when 'time' then found = 'VARCHAR' and try_cast(text as timestamptz) is not null
            else true
        end then 'is no ' || expected
    end as problem
    from judged
    union all
    select event_id, event, null, event_at, 'is not in the plan'
    from {rows} where type = 'track' and (select bool_or(is_counted) from plan_others)
        and event not in (from planned_events)
)
select event_id, event, property, problem, event_at from problems where problem is not null
"""
