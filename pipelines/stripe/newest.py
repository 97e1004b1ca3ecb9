"""The newest version of each object, in a table per kind; and the lines of invoices and credit notes.

Newest is by version time; in one instant a deletion wins, then the greater payload hash, so the
order of loading never matters. A deletion keeps the last payload that told something.
"""

from __future__ import annotations

from pipelines.stripe.catalogue import CHILD_KINDS, TABLES, ChildKind
from pipelines.stripe.versions import COLUMNS
from pipelines.warehouse.writer import Connection


def prepare_tables(connection: Connection) -> None:
    """Create the table of each kind, empty."""
    children = {child.table for child in CHILD_KINDS}
    for table in TABLES.values():
        parent = ", parent_id varchar" if table in children else ""
        connection.execute(f"create table if not exists raw_stripe.{table} ({COLUMNS}{parent})")


def refresh_newest(connection: Connection) -> None:
    """Put the newest versions of the objects in the temp table `new_versions` into their tables."""
    touched = {row[0] for row in connection.execute("select distinct object from new_versions").fetchall()}
    for kind in sorted(touched & (TABLES.keys() - {child.name for child in CHILD_KINDS})):
        table = TABLES[kind]
        connection.execute("create or replace temp table newest as " + _NEWEST, {"kind": kind})
        connection.execute(f"""
            delete from raw_stripe.{table} where (account, livemode, id) in (select (account, livemode, id) from newest)
        """)
        connection.execute(f"insert into raw_stripe.{table} by name from newest")
    for child in CHILD_KINDS:
        if touched & {child.owner, child.name}:
            _refresh_children(connection, child)


_NEWEST = """
with touched as (
    select distinct account, livemode, id from new_versions where object = $kind
),
versions as (
    select stored.* exclude (sequence, parent_id),
        -- A stub {id, object, deleted} says that the object is gone and nothing else.
        is_deleted and json_extract(payload, '/created') is null as is_stub
    from raw_stripe.object_versions as stored
    semi join touched using (account, livemode, id)
    where object = $kind
),
ranked as (
    select *, row_number() over (
        partition by account, livemode, id order by version_at desc, is_deleted desc, payload_hash desc
    ) as newest
    from versions
),
told as (
    select account, livemode, id, arg_max(payload, (version_at, payload_hash)) as payload
    from versions where not is_stub group by all
)
select ranked.* exclude (payload, is_stub, newest), coalesce(told.payload, ranked.payload) as payload
from ranked left join told using (account, livemode, id)
where newest = 1
"""


def _refresh_children(connection: Connection, child: ChildKind) -> None:
    """Children come inside their owner (the first ten) and from the owner's own list (the rest).

    One that names no owner stands alone; nothing that was handed in is missing from its table.
    """
    named = f"json_extract_string(payload, '{child.pointer}')" if child.pointer else "null"
    connection.execute(f"""
        create or replace temp table touched_owners as
        select distinct account, livemode,
            case when object = '{child.owner}' then id else coalesce(parent_id, {named}) end as parent_id
        from new_versions where object in ('{child.owner}', '{child.name}')
    """)
    connection.execute(f"""
        create or replace temp table children as
        with embedded as (
            select owners.* exclude (payload, id, object, payload_hash), owners.id as parent_id,
                unnest(json_extract(owners.payload, '{child.place}')) as payload
            from raw_stripe.{TABLES[child.owner]} as owners
            semi join touched_owners as touched
                on owners.account = touched.account and owners.livemode = touched.livemode
                and owners.id = touched.parent_id
        ),
        listed as (
            select versions.* exclude (sequence, id, object, payload_hash, payload, parent_id),
                coalesce(versions.parent_id, {named}) as parent_id, versions.payload
            from raw_stripe.object_versions as versions
            semi join touched_owners as touched
                on versions.account = touched.account and versions.livemode = touched.livemode
                and coalesce(versions.parent_id, {named}) is not distinct from touched.parent_id
            where versions.object = '{child.name}'
        )
        select *, json_extract_string(payload, '/id') as id, '{child.name}' as object,
            sha256(payload::varchar) as payload_hash
        from (from embedded union all by name from listed)
        qualify row_number() over (
            partition by account, livemode, parent_id, json_extract_string(payload, '/id')
            order by version_at desc, sha256(payload::varchar) desc
        ) = 1
    """)
    connection.execute(f"""
        delete from raw_stripe.{child.table} as known using touched_owners as touched
        where known.account = touched.account and known.livemode = touched.livemode
            and known.parent_id is not distinct from touched.parent_id
    """)
    connection.execute(f"insert into raw_stripe.{child.table} by name from children")
