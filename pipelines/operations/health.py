"""What the data health page shows: checks, loads and sources, as tables of the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from pipelines.quality import CheckResult
from pipelines.warehouse import transaction
from pipelines.warehouse.writer import Connection

_PREPARE = """
create table if not exists health.checks (
    name varchar, table_name varchar, engine varchar, severity varchar, is_passed boolean, failing_rows bigint,
    message varchar, checked_at timestamp
)
"""


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
    with transaction(connection):
        by = "engine" if is_whole else "(engine, table_name)"
        connection.execute(f"delete from health.checks where {by} in (select {by} from fresh)")
        connection.execute("insert into health.checks by name from fresh")
    del fresh


def store_loads(connection: Connection) -> None:
    """Make `health.loads` (one row per loaded input), `health.sources` (one per source) and `health.syncs` anew.

    `health.syncs` tells up to which moment an account of a source is complete in these data.
    """
    connection.execute(_PREPARE)
    connection.execute("""
        create or replace table health.loads as
        select 'stripe' as source, * exclude (load_number, input_id, source), from raw_stripe.loads
        union all by name
        select 'events' as source, * exclude (load_number, input_id) from raw_events.loads
    """)
    connection.execute("create or replace table health.syncs as select 'stripe' as source, * from raw_stripe.syncs")
    connection.execute("""
        create or replace table health.sources as
        with newest as (
            select 'stripe' as source, max(version_at) as newest_row_at, count(*) as row_count
            from raw_stripe.object_versions
            union all
            select 'events', max(event_at), count(*) from raw_events.lake_events
        ),
        loaded as (
            select source, max(loaded_at) as last_loaded_at, sum(quarantined)::bigint as quarantined
            from health.loads group by source
        )
        select newest.*, loaded.last_loaded_at, coalesce(loaded.quarantined, 0) as quarantined
        from newest left join loaded using (source)
    """)
