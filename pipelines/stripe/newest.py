"""The newest version of each object, in a table per kind; and the lines of invoices.

Newest is by version time; in one instant a deletion wins, then the greater payload hash, so the
order of loading never matters. A deletion keeps the last payload that told something.
"""

from __future__ import annotations

from pipelines.stripe.catalogue import CHILD_TABLES, TABLES
from pipelines.stripe.versions import COLUMNS
from pipelines.warehouse.writer import Connection


def prepare_tables(connection: Connection) -> None:
    """Create the table of each kind, empty."""
    for table in TABLES.values():
        parent = ", parent_id varchar" if table in CHILD_TABLES.values() else ""
        connection.execute(f"create table if not exists raw_stripe.{table} ({COLUMNS}{parent})")


def refresh_newest(connection: Connection) -> None:
    """Put the newest versions of the objects in the temp table `new_versions` into their tables."""
    touched = {row[0] for row in connection.execute("select distinct object from new_versions").fetchall()}
    for kind in sorted(touched & (TABLES.keys() - CHILD_TABLES.keys())):
        table = TABLES[kind]
        connection.execute("create or replace temp table newest as " + _NEWEST, {"kind": kind})
        connection.execute(f"""
            delete from raw_stripe.{table} where (account, livemode, id) in (select (account, livemode, id) from newest)
        """)
        connection.execute(f"insert into raw_stripe.{table} by name from newest")
    if touched & {"invoice", "line_item"}:
        _refresh_invoice_lines(connection)


_NEWEST = """
with touched as (
    select distinct account, livemode, id from new_versions where object = $kind
),
versions as (
    select stored.* exclude (sequence),
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


def _refresh_invoice_lines(connection: Connection) -> None:
    """Lines come inside their invoice (the first ten) and from the invoice's own list (the rest)."""
    connection.execute("""
        create or replace temp table touched_invoices as
        select distinct account, livemode,
            case when object = 'invoice' then id else json_extract_string(payload, '/invoice') end as parent_id
        from new_versions where object in ('invoice', 'line_item')
    """)
    connection.execute("""
        create or replace temp table lines as
        with embedded as (
            select invoices.* exclude (payload, id, object, payload_hash), invoices.id as parent_id,
                unnest(json_extract(invoices.payload, '$.lines.data[*]')) as payload
            from raw_stripe.invoices as invoices
            semi join touched_invoices
                on invoices.account = touched_invoices.account and invoices.livemode = touched_invoices.livemode
                and invoices.id = touched_invoices.parent_id
        ),
        listed as (
            select versions.* exclude (sequence, id, object, payload_hash, payload),
                json_extract_string(versions.payload, '/invoice') as parent_id, versions.payload
            from raw_stripe.object_versions as versions
            semi join touched_invoices
                on versions.account = touched_invoices.account and versions.livemode = touched_invoices.livemode
                and json_extract_string(versions.payload, '/invoice') = touched_invoices.parent_id
            where versions.object = 'line_item'
        )
        select *, json_extract_string(payload, '/id') as id, 'line_item' as object,
            sha256(payload::varchar) as payload_hash
        from (from embedded union all by name from listed)
        qualify row_number() over (
            partition by account, livemode, parent_id, json_extract_string(payload, '/id')
            order by version_at desc, sha256(payload::varchar) desc
        ) = 1
    """)
    connection.execute("""
        delete from raw_stripe.invoice_lines
        where (account, livemode, parent_id) in (select (account, livemode, parent_id) from touched_invoices)
    """)
    connection.execute("insert into raw_stripe.invoice_lines by name from lines")
