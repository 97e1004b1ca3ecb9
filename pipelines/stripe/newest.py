"""The newest version of each object, in a table per kind; and the lines of invoices and credit notes.

Newest is by version time, in one instant as `pipelines.stripe.moments` has it, so the order of loading
never matters. A deletion keeps the last payload that told something.

Live and test objects of one id are two rows. A version that does not say its mode (`livemode` is NULL)
belongs to every mode that the object is known in; where none is known, the row's `livemode` is NULL.
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
        connection.execute(
            f"delete from raw_stripe.{table} where (account, id) in (select (account, id) from newest)"
        )
        connection.execute(f"insert into raw_stripe.{table} by name from newest")
    for child in CHILD_KINDS:
        if touched & {child.owner, child.name}:
            _refresh_children(connection, child)


_NEWEST = """
with touched as (
    select distinct account, id from new_versions where object = $kind
),
stored as (
    select * exclude (sequence, parent_id),
        -- A stub {id, object, deleted} says that the object is gone and nothing else.
        is_deleted and json_extract(payload, '/created') is null as is_stub
    from raw_stripe.object_versions
    semi join touched using (account, id)
    where object = $kind
),
modes as (
    select distinct account, id, livemode from stored where livemode is not null
),
versions as (
    select stored.* exclude (livemode), coalesce(stored.livemode, modes.livemode) as livemode
    from stored left join modes
        on stored.account = modes.account and stored.id = modes.id and stored.livemode is null
),
ranked as (
    select *, row_number() over (
        partition by account, livemode, id
        order by version_at desc, coalesce(moment_order, 0) desc, is_deleted desc, payload_hash desc
    ) as newest
    from versions
),
told as (
    select account, livemode, id,
        arg_max(payload, (version_at, coalesce(moment_order, 0), payload_hash)) as payload
    from versions where not is_stub group by all
)
select ranked.* exclude (payload, is_stub, newest, moment_order), coalesce(told.payload, ranked.payload) as payload
from ranked left join told
    on ranked.account = told.account and ranked.livemode is not distinct from told.livemode and ranked.id = told.id
where newest = 1
"""


def _refresh_children(connection: Connection, child: ChildKind) -> None:
    """Children come inside their owner (the first ten) and from the owner's own list (the rest).

    One that names no owner stands alone; nothing that was handed in is missing from its table.
    """
    connection.execute(f"""
        create or replace temp table touched_owners as
        select distinct account, case when object = '{child.owner}' then id else parent_id end as parent_id
        from new_versions where object in ('{child.owner}', '{child.name}')
    """)
    connection.execute(f"""
        create or replace temp table children as
        with owners as (
            select owners.* from raw_stripe.{TABLES[child.owner]} as owners
            semi join touched_owners as touched
                on owners.account = touched.account and owners.id = touched.parent_id
        ),
        embedded as (
            select * exclude (payload, id, object, payload_hash), id as parent_id,
                unnest(json_extract(payload, '{child.place}')) as payload
            from owners
        ),
        listed as (
            select versions.* exclude (sequence, moment_order, livemode, id, object, payload_hash, payload),
                -- Of the mode that its owner is known in.
                coalesce(owners.livemode, versions.livemode) as livemode, versions.payload
            from raw_stripe.object_versions as versions
            semi join touched_owners as touched
                on versions.account = touched.account and versions.parent_id is not distinct from touched.parent_id
            left join owners
                on versions.account = owners.account and versions.parent_id = owners.id
                and coalesce(versions.livemode = owners.livemode, true)
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
        where known.account = touched.account and known.parent_id is not distinct from touched.parent_id
    """)
    connection.execute(f"insert into raw_stripe.{child.table} by name from children")
