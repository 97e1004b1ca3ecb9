"""From landed Stripe JSON to `raw_stripe`: every version kept, the newest of each object on top.

Loading a segment twice changes nothing: a version is known by account, mode, kind, id and payload
hash. Each input is one transaction; what the manifest lists and `raw_stripe.loads` does not is
loaded next time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from pipelines.faults import fault_point
from pipelines.files import write_whole
from pipelines.landing import Landing, Segment, load_new_inputs
from pipelines.landing.lines import reading, register_lines, register_unreadable
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.state import reading as reading_state
from pipelines.state.tables import cursors
from pipelines.stripe.catalogue import OF_VERSIONS, TABLES
from pipelines.stripe.items import mark_children_gone
from pipelines.stripe.moments import order_moments
from pipelines.stripe.newest import prepare_tables, refresh_newest
from pipelines.stripe.versions import COLUMNS, read_versions
from pipelines.warehouse.writer import Connection, transaction

_PREPARE = f"""
create sequence if not exists raw_stripe.version_numbers;
create table if not exists raw_stripe.object_versions (
    {COLUMNS}, sequence bigint default nextval('raw_stripe.version_numbers'), parent_id varchar, moment_order integer
);
create table if not exists raw_stripe.loads (
    load_number integer primary key, input_id varchar unique, input_name varchar, source varchar,
    received_at timestamp, loaded_at timestamp, read bigint, loaded bigint, duplicates bigint,
    unchanged bigint, quarantined bigint
);
create table if not exists raw_stripe.fields (
    object varchar, field varchar, version_count bigint, primary key (object, field)
);
create table if not exists raw_stripe.syncs (account varchar, mode varchar, complete_until timestamp);
create or replace macro raw_stripe.objects_as_of(moment) as table (
    from raw_stripe.object_versions where version_at <= moment
    qualify row_number() over (
        partition by account, livemode, object, id
        order by version_at desc, coalesce(moment_order, 0) desc, is_deleted desc, payload_hash desc
    ) = 1
);
"""


def prepare_stripe(connection: Connection) -> None:
    """Create what Stripe's objects need in the warehouse, empty."""
    connection.execute(_PREPARE)
    prepare_tables(connection)


def load_landed(connection: Connection, settings: Settings, *, now: datetime) -> LoadSummary:
    """Load every landed input that the warehouse does not know yet, oldest first."""
    prepare_stripe(connection)
    landing = Landing(settings.landing_dir)
    known = {row[0] for row in connection.execute("select input_id from raw_stripe.loads").fetchall()}
    begin_call(connection)

    def load(segments: list[Segment], unreadable: dict[Path, str]) -> LoadSummary:
        with transaction(connection):
            loaded = _load_input(connection, settings, landing, segments, now=now, unreadable=unreadable)
            fault_point("stripe.before_commit")
        fault_point("stripe.after_commit")
        return loaded

    summary = load_new_inputs(landing, "stripe", known=known, load=load)
    _note_syncs(connection, settings)
    return summary


def _note_syncs(connection: Connection, settings: Settings) -> None:
    """Up to when each account is complete: everything that its cursor passed over is landed, and so loaded now."""
    known: list[list[object]] = []
    with reading_state(open_state(settings)) as state:
        for name, value in state.execute(select(cursors.c.name, cursors.c.value)):
            source, _, rest = str(name).partition("/")
            if source == "stripe" and rest.endswith("/events"):
                account, mode, _ = rest.rsplit("/", 2)
                known.append([account, mode, datetime.fromtimestamp(int(str(value)), UTC).replace(tzinfo=None)])
    with transaction(connection):
        connection.execute("delete from raw_stripe.syncs")
        if known:
            connection.executemany("insert into raw_stripe.syncs values (?, ?, ?)", known)


def _load_input(
    connection: Connection,
    settings: Settings,
    landing: Landing,
    segments: list[Segment],
    *,
    now: datetime,
    unreadable: dict[Path, str],
) -> LoadSummary:
    summary = LoadSummary(files=1)
    bad: list[bytes] = []
    for segment in segments:
        path = landing.path(segment)
        with reading(path, segment.format):
            if path in unreadable:
                register_unreadable(connection, unreadable[path])
            else:
                register_lines(connection, path, segment.format, first_line=segment.first_line)
            wrong, counted = load_incoming(connection, segment)
        bad += wrong
        landing.index_people(
            connection,
            segment,
            "select case when object = 'customer' then id else json_extract_string(payload, '/customer') end "
            "from incoming_versions",
        )
        summary.add(counted)
    if bad:
        folder = settings.quarantine_dir / "stripe"
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{segments[0].input_id[:32]}.jsonl", b"\n".join(bad) + b"\n")
    connection.execute(
        "insert into raw_stripe.loads select coalesce(max(load_number), 0) + 1, $input_id, $name, $source, $received, "
        "$now, $read, $loaded, $duplicates, $unchanged, $quarantined from raw_stripe.loads",
        {
            "input_id": segments[0].input_id,
            "name": segments[0].input_name,
            "source": segments[0].options.get("source", "file"),
            "received": segments[0].received_at.replace(tzinfo=None),
            "now": now.replace(tzinfo=None),
            **{name: getattr(summary, name) for name in ("read", "loaded", "duplicates", "unchanged", "quarantined")},
        },
    )
    return summary


def begin_call(connection: Connection) -> None:
    """Forget what was seen: the counts of a call tell repeated objects from those that were stored before it."""
    connection.execute(
        "create or replace temp table seen_in_call (account varchar, object varchar, id varchar, payload_hash varchar)"
    )


def load_incoming(connection: Connection, segment: Segment) -> tuple[list[bytes], LoadSummary]:
    """Load the relation `incoming`, the lines of a segment; answers the quarantine's lines and the counts."""
    wrong = read_versions(connection, segment)
    counted = _count(connection)
    mark_children_gone(connection)
    _insert_new(connection)
    order_moments(connection)
    refresh_newest(connection)
    connection.execute(_COUNT_FIELDS)
    counted.add(LoadSummary(read=len(wrong), quarantined=len(wrong)))
    return wrong, counted


def _count(connection: Connection) -> LoadSummary:
    """Count the objects that were handed in (an event counts once, not also its object)."""
    connection.execute("""
        create or replace temp table judged as
        select incoming.account, incoming.object, incoming.id, incoming.payload_hash,
            exists (
                select 1 from raw_stripe.object_versions as stored
                where stored.account = incoming.account and stored.livemode is not distinct from incoming.livemode
                    and stored.object = incoming.object and stored.id = incoming.id
                    and stored.payload_hash = incoming.payload_hash
            ) as is_stored,
            row_number() over (partition by account, object, id, payload_hash order by line, position) > 1
            or exists (
                select 1 from seen_in_call as seen where seen.account = incoming.account
                    and seen.object = incoming.object and seen.id = incoming.id
                    and seen.payload_hash = incoming.payload_hash
            ) as is_repeated
        from incoming_versions as incoming where is_handed_in
    """)
    connection.execute("insert into seen_in_call select account, object, id, payload_hash from judged")
    rows = connection.execute("""
        select object, count(*), count(*) filter (where is_repeated),
            count(*) filter (where is_stored and not is_repeated)
        from judged group by object order by object
    """).fetchall()
    summary = LoadSummary()
    for kind, read, duplicates, unchanged in rows:
        loaded = read - duplicates - unchanged
        summary.add(LoadSummary(read=read, duplicates=duplicates, unchanged=unchanged, loaded=loaded))
        if loaded:
            summary.by_object[kind] = loaded
        if kind not in TABLES and kind not in OF_VERSIONS:
            summary.unknown += loaded
    return summary


def _insert_new(connection: Connection) -> None:
    """Append the versions that tell something new.

    A version from an event or a file is known by its payload and time; of several events that tell it
    the one with the least id stands beside it, whichever came first. One that a list or a refetch
    shows is new only if it differs from the version that held at that time: each sync sees most
    objects unchanged.
    """
    connection.execute(_NEW_VERSIONS)
    connection.execute(_FORGET_RETOLD)
    connection.execute(
        "insert into raw_stripe.object_versions by name select * from new_versions order by version_at, id"
    )


_NEW_VERSIONS = """
create or replace temp table new_versions as
with fresh as (
    select * exclude (line, position, is_handed_in) from incoming_versions
    qualify row_number() over (
        partition by account, livemode, object, id, payload_hash, version_at
        order by is_deleted desc, event_id nulls last, line, position
    ) = 1
),
together as (
    select stored.account, stored.livemode, stored.object, stored.id, stored.payload_hash, stored.version_at,
        stored.event_id, stored.is_deleted, false as is_fresh
    from raw_stripe.object_versions as stored
    semi join fresh on stored.account = fresh.account and stored.livemode is not distinct from fresh.livemode
        and stored.object = fresh.object and stored.id = fresh.id
    union all
    select account, livemode, object, id, payload_hash, version_at, event_id, is_deleted, true from fresh
),
compared as (
    select *,
        lag(payload_hash) over (
            partition by account, livemode, object, id order by version_at, is_fresh, payload_hash
        ) as held
    from together
)
select fresh.* from fresh
join compared on fresh.account = compared.account and fresh.livemode is not distinct from compared.livemode
    and fresh.object = compared.object and fresh.id = compared.id
    and fresh.payload_hash = compared.payload_hash and fresh.version_at = compared.version_at
where compared.is_fresh
    and (fresh.source in ('event', 'file') or compared.held is distinct from fresh.payload_hash)
    and not exists (
        select 1 from together as stored
        where not stored.is_fresh and stored.account = fresh.account
            and stored.livemode is not distinct from fresh.livemode and stored.object = fresh.object
            and stored.id = fresh.id and stored.payload_hash = fresh.payload_hash
            and stored.version_at = fresh.version_at
            -- What was made and deleted within a second shows one payload twice: the deletion stays.
            and stored.is_deleted >= fresh.is_deleted
            and (
                stored.is_deleted > fresh.is_deleted
                or fresh.event_id is null or stored.event_id <= fresh.event_id
            )
    )
"""

# By what is new alone: to look at every payload whenever a build asks would cost as much as all of them.
_COUNT_FIELDS = """
insert into raw_stripe.fields
select object, field, count(*) from (select object, unnest(json_keys(payload)) as field from new_versions) group by all
on conflict do update set version_count = version_count + excluded.version_count
"""

_FORGET_RETOLD = """
delete from raw_stripe.object_versions where rowid in (
    select stored.rowid from raw_stripe.object_versions as stored
    semi join new_versions as fresh
        on stored.account = fresh.account and stored.livemode is not distinct from fresh.livemode
        and stored.object = fresh.object and stored.id = fresh.id
        and stored.payload_hash = fresh.payload_hash and stored.version_at = fresh.version_at
)
"""
