"""What the data health page shows, as tables of the snapshot.

Checks with some of the rows that failed, loads, sources, and values that we keep and do not know.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import duckdb
import polars as pl

from pipelines.quality import SHOWN, CheckResult, FailingRow, masked_row
from pipelines.stripe.known_values import KINDS, STATUSES, known_fields
from pipelines.transform import NodeResult
from pipelines.warehouse import transaction
from pipelines.warehouse.writer import Connection

_PREPARE = """
create table if not exists health.checks (
    name varchar, table_name varchar, engine varchar, severity varchar, is_passed boolean, failing_rows bigint,
    message varchar, checked_at timestamp
);
create table if not exists health.failing_rows (
    name varchar, table_name varchar, engine varchar, position integer, row_key varchar, row_values varchar
)
"""

_UNKNOWN = (
    (
        "select 'raw_stripe.object_versions' as table_name, 'object' as field, object as value, "
        "count(distinct (account, livemode, id)) as row_count "
        "from raw_stripe.object_versions where not list_contains($1, object) group by object"
    )
    + "".join(
        f" union all select 'raw_stripe.{table}', 'status', status, count(*) from "
        f"(select json_extract_string(payload, '/status') as status from raw_stripe.{table}) "
        f"where status not in ({', '.join(repr(value) for value in values)}) group by status"
        for table, values in STATUSES.items()
    )
    + (
        " union all select 'raw_stripe.object_versions', 'field of ' || object, field, version_count "
        "from raw_stripe.fields where list_contains($1, object) and not list_contains($2, object || '.' || field)"
    )
)


def stored_failures(connection: Connection) -> list[CheckResult]:
    """The stored results that forbid to publish."""
    connection.execute(_PREPARE)
    rows = connection.execute("""
        select name, table_name, engine, severity, is_passed, failing_rows, message from health.checks
        where severity = 'error' and not is_passed order by table_name, name
    """).fetchall()
    return [CheckResult(*row) for row in rows]


def store_checks(
    connection: Connection, results: Sequence[CheckResult], *, now: datetime, is_whole: bool = False
) -> None:
    """Replace the stored results of the tables that `results` speak of, or all of their engine's (`is_whole`)."""
    connection.execute(_PREPARE)
    if not results:
        return
    fresh = pl.DataFrame(
        [
            {
                "name": one.name,
                "table_name": one.table,
                "engine": one.engine,
                "severity": one.severity,
                "is_passed": one.is_passed,
                "failing_rows": one.failing_rows,
                "message": one.message,
                "checked_at": now.replace(tzinfo=None),
            }
            for one in results
        ]
    )  # DuckDB finds it by this name.
    shown = [
        (one.name, one.table, one.engine, position, row.key, json.dumps(row.values, ensure_ascii=False))
        for one in results
        for position, row in enumerate(one.examples, 1)
    ]
    with transaction(connection):
        by = "engine" if is_whole else "(engine, table_name)"
        for table in ("checks", "failing_rows"):
            connection.execute(f"delete from health.{table} where {by} in (select {by} from fresh)")
        connection.execute("insert into health.checks by name from fresh")
        if shown:
            connection.executemany("insert into health.failing_rows values (?, ?, ?, ?, ?, ?)", shown)
    del fresh


def failing_rows_of(connection: Connection, node: NodeResult) -> tuple[FailingRow, ...]:
    """Rows that a model's test found, asked for again; none where it passed."""
    if node.kind != "test" or node.failures in (None, 0) or not node.sql:
        return ()
    try:
        found = connection.execute(f"select * from ({node.sql}) limit {SHOWN}")
    except duckdb.Error:
        # The failure itself is told either way; what it looked at may be gone.
        return ()
    columns = [str(column[0]) for column in found.description or ()]
    return tuple(masked_row("", dict(zip(columns, row, strict=True))) for row in found.fetchall())


def store_loads(connection: Connection) -> None:
    """Make `health.loads` (one row per loaded input), `health.sources` (one per source) and `health.syncs` anew.

    `health.syncs` tells up to which moment an account of a source is complete in these data,
    `health.unknown_values` counts what we keep and do not know, `health.plan_violations` what breaks the tracking plan.
    """
    connection.execute(_PREPARE)
    connection.execute(f"create or replace table health.unknown_values as {_UNKNOWN}", [list(KINDS), known_fields()])
    connection.execute("""
        create or replace table health.loads as
        select 'stripe' as source, * exclude (load_number, source) from raw_stripe.loads
        union all by name
        select 'events' as source, * exclude (load_number) from raw_events.loads
        union all by name
        select 'email' as source, * exclude (load_number) from raw_email.loads
        union all by name
        select 'rates' as source, * exclude (load_number) from raw_rates.loads
    """)
    connection.execute("create or replace table health.rates as from raw_rates.fetches")
    connection.execute("""
        create or replace table health.plan_violations as
        select event, property, problem, count(*) as event_count, min(event_at) as first_at, max(event_at) as last_at,
            arg_max(event_id, (event_at, event_id)) as last_event_id
        from raw_events.violations group by event, property, problem
    """)
    connection.execute("create or replace table health.syncs as select 'stripe' as source, * from raw_stripe.syncs")
    connection.execute("""
        create or replace table health.sources as
        with newest as (
            select 'stripe' as source, max(version_at) as newest_row_at, count(*) as row_count
            from raw_stripe.object_versions
            union all
            select 'events', max(event_at), count(*) from raw_events.lake_events
            union all
            select 'email', max(event_at), count(*) from raw_email.events
        ),
        loaded as (
            select source, max(loaded_at) as last_loaded_at, sum(quarantined)::bigint as quarantined
            from health.loads group by source
        )
        select newest.*, loaded.last_loaded_at, coalesce(loaded.quarantined, 0) as quarantined
        from newest left join loaded using (source)
    """)
