"""Unwrap what was landed (objects, events, arrays, list pages) into versions of objects.

An event's object is a version effective at the event's time; a bare object's version time is the
time it was fetched at, or `--as-of`, or the file's own time.

`livemode` is what the object says, else its event, else the key that it was fetched with. Where nobody
says it (a refund in a file) it is NULL: see `pipelines.stripe.newest`. An event of a connected account
names that account; it holds unless the caller gave the account a name of their own.
"""

from __future__ import annotations

import orjson

from pipelines.landing import Segment
from pipelines.stripe.catalogue import POINTERS
from pipelines.warehouse.writer import Connection

COLUMNS = """
    account varchar, livemode boolean, id varchar, object varchar, api_version varchar, version_at timestamp,
    fetched_at timestamp, source varchar, event_id varchar, is_deleted boolean, payload_hash varchar, payload json
"""


def read_versions(connection: Connection, segment: Segment) -> list[bytes]:
    """Make the temp table `incoming_versions` from the relation `incoming`; return the quarantine's lines.

    Beside the columns of `object_versions` it has line, position and `is_handed_in` (false for the object
    inside an event, and for a refund inside a charge, which the caller did not hand in by themselves).
    """
    connection.execute(_ELEMENTS)
    connection.execute(
        _VERSIONS,
        {
            "account": segment.options.get("account", "default"),
            "livemode": {"live": True, "test": False}.get(segment.options.get("mode", "")),
            "fetched_at": segment.options.get("fetched_at", segment.received_at.isoformat()),
            "source": segment.options.get("source", "file"),
        },
    )
    bad = connection.execute(
        "select line, problem, coalesce(text, element::varchar) from elements where problem is not null order by line"
    ).fetchall()
    return [
        orjson.dumps({"file": segment.input_name, "line": line, "reason": reason, "text": text})
        for line, reason, text in bad
    ]


def created(name: str) -> str:
    """SQL: an object's `created` (seconds since 1970), null where it is no time before the year 10000."""
    seconds = f"try_cast(json_extract_string({name}, '/created') as bigint)"
    return f"case when {seconds} between 0 and 253402300799 then to_timestamp({seconds}) end"


_ELEMENTS = f"""
create or replace temp table elements as
with documents as (
    select
        line, text, problem, case when problem is null and json_valid(text) then json(text) end as document,
        -- Here and not below: there the whole page would be parsed again for each of its objects.
        case when problem is null and json_valid(text) then json_extract_string(text, ['/object', '/url']) end as told
    from incoming
),
unwrapped as (
    -- The page's own text is dropped here: carried along, it would be copied for each of its objects.
    select
        line,
        case when document is null then text end as text,
        case when document is null then coalesce(problem, 'no valid JSON') end as problem,
        -- A credit note's line tells its credit note by nothing but the address of its list.
        case when told[1] = 'list' then nullif(regexp_extract(told[2], '^/v1/[a-z_]+/([^/?]+)/[a-z_]+$', 1), '') end
            as parent_id,
        unnest(case
            when document is null then [null]
            when json_type(document) = 'ARRAY' then json_extract(document, '$[*]')
            when json_extract_string(document, '/object') = 'list' then json_extract(document, '$.data[*]')
            else [document]
        end) as element
    from documents
)
select
    line, row_number() over () as position, element, text, parent_id,
    case
        when problem is not null then problem
        when json_type(element) <> 'OBJECT' then 'no Stripe object'
        when json_extract_string(element, '/object') is null then 'an object that does not say its kind (`object`)'
        when json_extract_string(element, '/object') = 'event' and {created("element")} is null
            then 'an event whose `created` is no time'
    end as problem
from unwrapped
"""

_OWNER = "".join(f" when '{kind}' then json_extract_string(element, '{pointer}')" for kind, pointer in POINTERS.items())

_VERSIONS = f"""
create or replace temp table incoming_versions as
with told as (
    select line, position, element, true as is_handed_in, null::json as event, parent_id
    from elements where problem is null
    union all
    select line, position, json_extract(element, '/data/object'), false, element, null from elements
    where problem is null and json_extract_string(element, '/object') = 'event'
        and json_type(json_extract(element, '/data/object')) = 'OBJECT'
        and json_extract_string(element, '/data/object/object') is not null
),
-- Before 2022-11-15 a charge carried its refunds, and an event about it may be all that a file tells of them.
carried as (
    select line, position, event, unnest(json_extract(element, '$.refunds.data[*]')) as element,
        json_extract_string(element, '/livemode') as carrier_mode
    from told
    where json_extract_string(element, '/object') = 'charge' and json_type(element, '/refunds/data') = 'ARRAY'
),
handed_in as (
    select *, false as is_carried, null::varchar as carrier_mode from told
    union all
    select line, position, element, false as is_handed_in, event, null as parent_id, true as is_carried, carrier_mode
    from carried where json_extract_string(element, '/object') = 'refund'
),
described as (
    select
        *, sha256(element::varchar) as payload_hash,
        case
            when event is not null then {created("event")}
            when json_extract_string(element, '/object') = 'event' then {created("element")}
            else $fetched_at::timestamptz
        end as moment,
        json_extract_string(event, '/type') as event_type,
        json_extract_string(
            coalesce(event, case when json_extract_string(element, '/object') = 'event' then element end), '/account'
        ) as event_account
    from handed_in
)
select
    line, position, is_handed_in,
    case
        when event_account is not null and ($account = 'default' or starts_with($account, 'acct_')) then event_account
        else $account
    end as account,
    coalesce(
        try_cast(json_extract_string(element, '/livemode') as boolean),
        try_cast(coalesce(carrier_mode, json_extract_string(event, '/livemode')) as boolean),
        $livemode
    ) as livemode,
    coalesce(json_extract_string(element, '/id'), 'sha256:' || payload_hash) as id,
    json_extract_string(element, '/object') as object,
    coalesce(json_extract_string(event, '/api_version'), json_extract_string(element, '/api_version')) as api_version,
    moment at time zone 'UTC' as version_at,
    $fetched_at::timestamptz at time zone 'UTC' as fetched_at,
    case when event is not null then 'event' else $source end as source,
    -- What an event says it replaced is of its own object, not of one that this carries.
    case when not is_carried then json_extract_string(event, '/id') end as event_id,
    coalesce(try_cast(json_extract_string(element, '/deleted') as boolean), false)
    -- An ended subscription is still an object at Stripe; every other `.deleted` means that it is gone.
    or coalesce(event_type like '%.deleted' and event_type <> 'customer.subscription.deleted', false) as is_deleted,
    payload_hash, element as payload,
    coalesce(parent_id, case json_extract_string(element, '/object'){_OWNER} end) as parent_id
from described
"""
