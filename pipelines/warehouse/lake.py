"""The event lake: `lake/events/day=YYYY-MM-DD/*.parquet`, immutable, listed in the warehouse.

A file counts only when `raw_events.lake_files` lists it; a day that gains rows is written anew
under another name and the list changes in the caller's transaction. What no list and no kept
snapshot names is left over from a crash and is pruned.
"""

from __future__ import annotations

from pipelines.settings import Settings
from pipelines.warehouse.writer import Connection

LAKE_COLUMNS = {
    "event_id": "VARCHAR",
    "is_synthetic_id": "BOOLEAN",
    "type": "VARCHAR",
    "event": "VARCHAR",
    "visitor_key": "INTEGER",
    "event_at": "TIMESTAMP",
    "received_at": "TIMESTAMP",
    "properties": "JSON",
    "context": "JSON",
    "day": "DATE",
}
"""One row per event, as it lies in the lake; times are UTC."""


def prepare_lake(connection: Connection) -> None:
    """Create the list of lake files where it is missing."""
    connection.execute(
        "create table if not exists raw_events.lake_files (day date, file varchar primary key, row_count bigint)"
    )


def lake_files(connection: Connection) -> dict[str, int]:
    """The files that count, relative to the lake folder, with their rows, in order of day."""
    exists = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'raw_events' and table_name = 'lake_files'"
    ).fetchone()
    if not exists or not exists[0]:
        return {}
    rows = connection.execute("select file, row_count from raw_events.lake_files order by day, file").fetchall()
    return {str(file): int(count) for file, count in rows}


def refresh_lake_view(connection: Connection, settings: Settings) -> None:
    """Let `raw_events.lake_events` show exactly the listed files (paths are this machine's)."""
    files = [str(settings.lake_dir / file) for file in lake_files(connection)]
    connection.execute(f"create or replace view raw_events.lake_events as {lake_select(files)}")


def lake_select(files: list[str]) -> str:
    """SQL that reads these files as lake rows; an empty, typed relation where there are none."""
    if not files:
        columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in LAKE_COLUMNS.items())
        return f"select {columns} where false"
    names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"select {', '.join(LAKE_COLUMNS)} from read_parquet([{names}], hive_partitioning = false)"
