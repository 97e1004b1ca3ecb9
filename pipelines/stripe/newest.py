"""The newest version of each object, in a table per kind; and the lines of invoices and credit notes.

Newest is by version time, in one instant as `pipelines.stripe.moments` has it, so the order of loading
never matters. A deletion keeps the last payload that told something.

Live and test objects of one id are two rows. A version that does not say its mode (`livemode` is NULL)
belongs to every mode that the object is known in; where none is known, the row's `livemode` is NULL.

The cost follows what is new: of the whole history only columns of keys are looked through, and payloads
are fetched by row for the objects that changed.
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
    for statement in (_TOUCHED_ROWS, _DELETED, _NEWEST_ROWS, _TOLD, _NEWEST):
        connection.execute(statement)
    touched = {row[0] for row in connection.execute("select distinct object from new_versions").fetchall()}
    for kind in sorted(touched & _WHOLE_KINDS):
        table = TABLES[kind]
        # By row: a delete with a join of its own reads every column of the table.
        connection.execute(
            f"delete from raw_stripe.{table} where rowid in (select known.rowid from raw_stripe.{table} as known "
            "semi join (from newest where object = $kind) as newest using (account, id))",
            {"kind": kind},
        )
        connection.execute(
            f"insert into raw_stripe.{table} by name from newest where object = $kind order by version_at, id",
            {"kind": kind},
        )
    for child in CHILD_KINDS:
        if touched & {child.owner, child.name}:
            _refresh_children(connection, child)


_WHOLE_KINDS = TABLES.keys() - {child.name for child in CHILD_KINDS}

_TOUCHED_ROWS = """
create or replace temp table touched_rows as
with touched as (
    select distinct account, object, id from new_versions
)
select stored.rowid as row, account, object, id, livemode, version_at, coalesce(moment_order, 0) as moment_order,
    is_deleted, payload_hash
from raw_stripe.object_versions as stored semi join touched using (account, object, id)
"""

# Payloads in tables of their own before anything is asked of them: a condition on them would be put to every row.
_DELETED = """
create or replace temp table deleted_rows as
select rowid as row, payload from raw_stripe.object_versions
where rowid in (select row from touched_rows where is_deleted)
"""

_NEWEST_ROWS = """
create or replace temp table newest_rows as
with stubs as (
    -- A stub {id, object, deleted} says that the object is gone and nothing else.
    select row from deleted_rows where json_extract(payload, '/created') is null
),
modes as (
    select distinct account, object, id, livemode from touched_rows where livemode is not null
),
versions as (
    select * from touched_rows where livemode is not null
    union all by name
    select unsaid.* exclude (livemode), modes.livemode
    from (from touched_rows where livemode is null) as unsaid left join modes using (account, object, id)
),
ranked as (
    select account, object, id, livemode, row, stubs.row is not null as is_stub,
        row_number() over (
            partition by account, object, id, livemode
            order by version_at desc, moment_order desc, is_deleted desc, payload_hash desc
        ) as newest,
        row_number() over (
            partition by account, object, id, livemode, stubs.row is not null
            order by version_at desc, moment_order desc, payload_hash desc
        ) as newest_of_its_kind
    from versions left join stubs using (row)
),
picked as (
    select livemode, max(row) filter (newest = 1) as newest_row,
        max(row) filter (newest_of_its_kind = 1 and not is_stub) as told_row
    from ranked group by account, object, id, livemode
)
select livemode, newest_row, coalesce(told_row, newest_row) as told_row from picked
"""

_TOLD = """
create or replace temp table told_rows as
select rowid as row, payload from raw_stripe.object_versions where rowid in (select told_row from newest_rows)
"""

_NEWEST = """
create or replace temp table newest as
select versions.* exclude (sequence, parent_id, moment_order, payload, livemode, row), newest_rows.livemode,
    told_rows.payload
from newest_rows
join (
    select *, rowid as row from raw_stripe.object_versions where rowid in (select newest_row from newest_rows)
) as versions on versions.row = newest_rows.newest_row
join told_rows on told_rows.row = newest_rows.told_row
"""


def _refresh_children(connection: Connection, child: ChildKind) -> None:
    """Children come inside their owner (the first ten) and from the owner's own list (the rest).

    One that names no owner stands alone; nothing that was handed in is missing from its table, but
    what `pipelines.stripe.items` found to be gone.
    """
    connection.execute(f"""
        create or replace temp table touched_owners as
        select distinct account, case when object = '{child.owner}' then id else parent_id end as parent_id
        from new_versions where object in ('{child.owner}', '{child.name}')
    """)
    connection.execute(f"""
        create or replace temp table owners as
        from newest where object = '{child.owner}'
        union all by name
        from raw_stripe.{TABLES[child.owner]} where rowid in (
            select known.rowid from raw_stripe.{TABLES[child.owner]} as known
            join touched_owners as touched on known.account = touched.account and known.id = touched.parent_id
            where not exists (
                from newest where newest.object = '{child.owner}'
                    and newest.account = touched.account and newest.id = touched.parent_id
            )
        )
    """)
    connection.execute(f"""
        create or replace temp table children as
        with embedded as (
            select * exclude (payload, id, object, payload_hash), id as parent_id,
                unnest(json_extract(payload, '{child.place}')) as payload
            from owners
        ),
        listed_rows as (
            select versions.rowid as row from raw_stripe.object_versions as versions
            semi join touched_owners as touched
                on versions.account = touched.account and versions.parent_id is not distinct from touched.parent_id
            where versions.object = '{child.name}'
        ),
        named as materialized (
            select *, rowid as row from raw_stripe.object_versions where rowid in (select row from listed_rows)
        ),
        -- Of the mode that its owner is known in. A left join with such a condition would compare all with all.
        owned as (
            select named.* exclude (livemode), coalesce(owners.livemode, named.livemode) as livemode
            from named join owners on named.account = owners.account and named.parent_id = owners.id
            where coalesce(named.livemode = owners.livemode, true)
        ),
        listed as (
            select * exclude (row, sequence, moment_order, id, object, payload_hash)
            from (from owned union all by name from named anti join owned using (row))
        ),
        hashed as (
            select *, json_extract_string(payload, '/id') as id, '{child.name}' as object,
                sha256(payload::varchar) as payload_hash
            from (from embedded union all by name from listed)
        ),
        newest_child as (
            from hashed qualify row_number() over (
                partition by account, livemode, parent_id, id order by version_at desc, payload_hash desc
            ) = 1
        )
        from newest_child where json_extract_string(payload, '/deleted') is distinct from 'true'
    """)
    connection.execute(f"""
        delete from raw_stripe.{child.table} where rowid in (
            select known.rowid from raw_stripe.{child.table} as known semi join touched_owners as touched
                on known.account = touched.account and known.parent_id is not distinct from touched.parent_id
        )
    """)
    connection.execute(f"insert into raw_stripe.{child.table} by name from children")
