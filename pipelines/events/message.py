"""What a line means: Segment-spec messages and flat lines to one shape of row, or a reason why not.

`parse_incoming` turns the relation `incoming` into the temp table `parsed`; it neither knows files
nor what was loaded before. `meaning` is the same meaning as SQL over fields that somebody else took
out of the JSON (`typed`). Source of the message fields: the Segment spec
(https://segment.com/docs/connections/spec/common/).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipelines.errors import UsageError

FIELDS: dict[str, tuple[str, ...]] = {
    "event_id": ("messageId", "event_id"),
    "user_id": ("userId", "user_id", "user"),
    "anonymous_id": ("anonymousId", "anonymous_id"),
    "type": ("type",),
    "event": ("event",),
    "timestamp": ("timestamp", "originalTimestamp"),
    "received_at": ("receivedAt",),
}
"""Our field and the keys that may carry it, the first present one wins."""

TYPES = ("track", "identify", "page", "screen", "group", "alias")
_FLAT_KEYS = [
    "event_id",
    "user_id",
    "user",
    "anonymous_id",
    "event",
    "timestamp",
    "properties",
    "messageId",
    "userId",
    "anonymousId",
]


def check_mapping(mapping: dict[str, str]) -> None:
    """Refuse a `--map` whose field is none of ours.

    Raises:
        UsageError: with the fields that there are.
    """
    for field in mapping:
        if field not in FIELDS:
            raise UsageError(f"--map {field}=...: there is no field {field}. Fields: {', '.join(FIELDS)}.")


def field_keys(mapping: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys that may carry each field, under a `--map` of the caller's."""
    check_mapping(mapping)
    return {field: ((mapping[field],) if field in mapping else names) for field, names in FIELDS.items()}


def flat_keys(mapping: dict[str, str]) -> list[str]:
    """The top-level keys of a flat line that do not become properties."""
    return sorted({*_FLAT_KEYS, *(name for names in field_keys(mapping).values() for name in names)})


@contextmanager
def times_in(connection: duckdb.DuckDBPyConnection, timezone: str) -> Iterator[None]:
    """Within the block, times that carry no zone are of this one."""
    # Connections are in UTC already, and the first setting by a bound name costs a third of a second.
    if timezone != "UTC":
        connection.execute("set TimeZone = $zone", {"zone": timezone})
    try:
        yield
    finally:
        connection.execute("set TimeZone = 'UTC'")


def parse_incoming(connection: duckdb.DuckDBPyConnection, *, mapping: dict[str, str], timezone: str) -> None:
    """Create the temp table `parsed` from `incoming`.

    Columns: line, text, problem (null for a good row), event_id (null where the line has none), type,
    event, user_id, anonymous_id, event_at (UTC), received_at (UTC, may be null), properties, context.
    `timezone` is the zone of times that carry none.
    """
    bound: dict[str, object] = {
        f"path_{field}": ["/" + name.replace("~", "~0").replace("/", "~1") for name in names]
        for field, names in field_keys(mapping).items()
    }
    with times_in(connection, timezone):
        connection.execute("drop table if exists parsed")
        connection.execute(_PARSE, {**bound, "types": list(TYPES), "flat_keys": flat_keys(mapping)})


def meaning(fields: str, *, keep: str, flat_properties: str) -> str:
    """SQL: rows from a relation of fields, with what to keep of each and the properties of a flat line.

    `fields` has event_id, user_id, anonymous_id, event_name, time_text, received_at, type_name,
    is_message, page_name, previous_id, group_id, own_properties, traits, own_context and problem.
    """
    return f"""
    with shaped as (
        select
            * exclude (own_properties, own_context, received_at),
            case when is_message then type_name else 'track' end as type,
            case
                when not is_message or type_name = 'track' then event_name
                when type_name in ('page', 'screen') then coalesce(page_name, event_name, type_name)
                else type_name
            end as event,
            coalesce(try_cast(time_text as timestamptz), to_timestamp(case
                when try_cast(time_text as double) between 1e8 and 1e11 then try_cast(time_text as double)
                when try_cast(time_text as double) between 1e11 and 1e14 then try_cast(time_text as double) / 1000
            end)) as moment,
            try_cast(received_at as timestamptz) as received_at,
            case when {_is_object("own_properties")} then own_properties else '{{}}'::json end as own_properties,
            case when is_message and {_is_object("own_context")} then own_context else '{{}}'::json end as context
        from {fields}
    ),
    timed as (
        select
            * exclude (received_at),
            case when isfinite(moment) then {_utc("moment")} end as event_at,
            case when isfinite(received_at) then {_utc("received_at")}
                else received_at at time zone 'UTC' end as received_at
        from shaped
    )
    select
        {keep}, event_id, type, event, user_id, anonymous_id, context, event_at, received_at,
        coalesce(problem, case
            when time_text is null then 'no timestamp'
            when event_at is null or event_at not between '0001-01-01' and '9999-12-31 23:59:59.999999'
                then 'a timestamp that is no time'
            when event is null then 'no event name'
            when user_id is null and anonymous_id is null then 'nobody: neither a user nor an anonymous id'
        end) as problem,
        case
            when problem is not null then '{{}}'::json
            when is_message and type_name = 'group' then json_merge_patch(
                case when {_is_object("traits")} then traits else '{{}}'::json end, json_object('groupId', group_id))
            when is_message and type_name = 'identify' and {_is_object("traits")} then traits
            when is_message and type_name = 'alias' then json_object('previousId', previous_id)
            when is_message then own_properties
            else {flat_properties}
        end as properties
    from timed
    """


def _utc(moment: str) -> str:
    # The instant itself; `at time zone` asks the calendar library for the same at ten times the cost.
    return f"make_timestamp(epoch_us({moment}))"


def _is_object(value: str) -> str:
    # A value taken out of a document is written anew, without a space before it.
    return f"coalesce(starts_with({value}, '{{'), false)"


def _first(field: str) -> str:
    """SQL: the first of the field's keys that holds a non-empty value, as text."""
    return f"list_filter(json_extract_string(document, $path_{field}), lambda found: found <> '')[1]"


REST = """
'{' || coalesce(array_to_string(list_transform(
    list_filter(json_keys(document), lambda key: not list_contains($flat_keys, key)
        and json_type(document, '/' || replace(replace(key, '~', '~0'), '/', '~1')) <> 'NULL'),
    lambda key: to_json(key) || ':' || json_extract(document, '/' || replace(replace(key, '~', '~0'), '/', '~1'))
), ','), '') || '}'
"""
"""SQL: the entries of `document` whose key is no field of a flat line, as a JSON object; nulls are dropped."""

_MEANING = meaning("fields", keep="line, text", flat_properties=f"json_merge_patch(own_properties, ({REST})::json)")
_PARSE = f"""
create temp table parsed as
with documents as (
    select line, text, problem, case when problem is null and json_valid(text) then text::json end as document
    from incoming
),
typed as (
    select
        line, text, document,
        case
            when problem is not null then problem
            when document is null then 'no valid JSON'
            when json_type(document) <> 'OBJECT' then 'no JSON object'
        end as problem
    from documents
),
fields as (
    select
        line, text, document, problem,
        {_first("event_id")} as event_id,
        {_first("user_id")} as user_id,
        {_first("anonymous_id")} as anonymous_id,
        {_first("event")} as event_name,
        {_first("timestamp")} as time_text,
        {_first("received_at")} as received_at,
        lower({_first("type")}) as type_name,
        coalesce(list_contains($types, lower({_first("type")})), false) as is_message,
        json_extract_string(document, '/name') as page_name,
        json_extract_string(document, '/previousId') as previous_id,
        json_extract_string(document, '/groupId') as group_id,
        json_extract(document, '/properties') as own_properties,
        json_extract(document, '/traits') as traits,
        json_extract(document, '/context') as own_context
    from typed
)
select * from ({_MEANING})
"""
