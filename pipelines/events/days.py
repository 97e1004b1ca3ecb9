"""The lake's days: new rows become new files, and the list of files that count changes with them.

What a crash leaves behind is a file that no list names. Decision record 0027.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from pipelines.faults import fault_point
from pipelines.files import sync_file, sync_folder
from pipelines.settings import Settings
from pipelines.warehouse.lake import LAKE_COLUMNS, lake_select, refresh_lake_view
from pipelines.warehouse.writer import Connection

FILES_OF_A_DAY = 8
"""Files that a day may have before a load that adds to it makes one of them."""


def write_days(connection: Connection, settings: Settings, *, received_at: datetime) -> None:
    """Write the rows of the view `fresh` as files of their days; `received_at` is for rows that do not tell it.

    A day keeps the files that it has and gains one; only when it would have too many of them, they
    are written anew as one, under a new name.
    """
    fault_point("events.before_lake")
    crowded = connection.execute(
        "select day, list(file) from raw_events.lake_files group by day having count(*) >= $most",
        {"most": FILES_OF_A_DAY},
    ).fetchall()
    if crowded:
        days = {day for (day,) in connection.execute("select distinct cast(event_at as date) from fresh").fetchall()}
        crowded = [(day, names) for day, names in crowded if day in days]
    joined = [str(settings.lake_dir / file) for _, names in crowded for file in names]
    folder = settings.lake_dir / "events"
    folder.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(LAKE_COLUMNS)
    again = f"union all {lake_select(joined)}" if joined else ""
    written = connection.execute(
        f"""
        copy (
            select {columns} from (
                select fresh.* exclude (received_at), visitor_key, cast(event_at as date) as day,
                    coalesce(received_at, '{received_at.replace(tzinfo=None).isoformat()}') as received_at
                from fresh join raw_events.visitors as visitors
                    on visitors.user_id is not distinct from fresh.user_id
                    and visitors.anonymous_id is not distinct from fresh.anonymous_id
            )
            {again}
            order by day, visitor_key, event_at
        ) to '{str(folder).replace(chr(39), chr(39) * 2)}' (
            format parquet, compression zstd, compression_level 1, partition_by (day), write_partition_columns true,
            filename_pattern '{uuid.uuid4().hex}_{{i}}', overwrite_or_ignore true, return_files true
        )"""
    ).fetchone()
    files = [str(path) for path in (written[1] if written else [])]
    if not files:
        return
    for path in files:
        sync_file(settings.lake_dir / path)
    for parent in {(settings.lake_dir / path).parent for path in files}:
        sync_folder(parent)
    connection.execute(
        "delete from raw_events.lake_files where list_contains($days, day)", {"days": [day for day, _ in crowded]}
    )
    connection.execute(
        """
        insert into raw_events.lake_files
        select regexp_extract(file_name, 'day=([0-9-]+)', 1)::date, file_name[length($lake) + 2:], num_rows
        from parquet_file_metadata($files)
        """,
        {"files": files, "lake": str(settings.lake_dir)},
    )
    refresh_lake_view(connection, settings)
