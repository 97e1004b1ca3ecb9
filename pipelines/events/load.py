"""From landed segments to the lake: each event exactly once, each input in one transaction.

Nothing is remembered outside the transaction: what the landing manifest lists and `raw_events.loads`
does not is loaded next time. A crash before the commit leaves lake files that nobody lists; they
are pruned. A crash after it loses nothing: the input is known.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

from pipelines.events import identity
from pipelines.events.identify import give_ids, start_input
from pipelines.events.message import parse_incoming
from pipelines.events.quarantine import write_quarantine
from pipelines.faults import fault_point
from pipelines.files import sync_file, sync_folder
from pipelines.landing import Landing, Segment
from pipelines.landing.lines import UnreadableSegmentError, reading, register_lines, register_unreadable
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.warehouse.lake import LAKE_COLUMNS, prepare_lake, refresh_lake_view
from pipelines.warehouse.writer import Connection, transaction

# The view's names carry the database, because a snapshot's reader puts its own in that place.
_PREPARE = """
create table if not exists raw_events.loads (
    load_number integer primary key, input_id varchar unique, input_name varchar, received_at timestamp,
    loaded_at timestamp, read bigint, loaded bigint, duplicates bigint, unchanged bigint, quarantined bigint
);
create table if not exists raw_events.event_ids (id uhugeint, load_number integer);
create or replace view raw_events.events as
select lake.*, visitors.user_id, visitors.anonymous_id
from warehouse.raw_events.lake_events as lake join warehouse.raw_events.visitors as visitors using (visitor_key);
"""


def prepare_events(connection: Connection, settings: Settings) -> None:
    """Create what the events need in the warehouse, empty; the views point at this machine's paths."""
    prepare_lake(connection)
    refresh_lake_view(connection, settings)
    connection.execute(identity.PREPARE)
    connection.execute(_PREPARE)


def load_landed(connection: Connection, settings: Settings, *, now: datetime) -> LoadSummary:
    """Load every landed input that the warehouse does not know yet, oldest first."""
    prepare_events(connection, settings)
    landing = Landing(settings.landing_dir)
    known = {row[0] for row in connection.execute("select input_id from raw_events.loads").fetchall()}
    inputs: dict[str, list[Segment]] = {}
    for segment in landing.segments("events"):
        if segment.input_id not in known:
            inputs.setdefault(segment.input_id, []).append(segment)
    summary = LoadSummary()
    start = _next_number(connection)
    for segments in inputs.values():
        unreadable: dict[Path, str] = {}
        while True:
            try:
                with transaction(connection):
                    loaded = _load_input(
                        connection, settings, landing, segments, call_start=start, now=now, unreadable=unreadable
                    )
                    fault_point("events.before_commit")
                break
            except UnreadableSegmentError as found:
                # Once more without the segment that can not be read: the other parts stay.
                unreadable[found.path] = found.reason
        summary.add(loaded)
        fault_point("events.after_commit")
    return summary


def _next_number(connection: Connection) -> int:
    row = connection.execute("select coalesce(max(load_number), 0) + 1 from raw_events.loads").fetchone()
    assert row is not None
    return int(row[0])


def _load_input(
    connection: Connection,
    settings: Settings,
    landing: Landing,
    segments: list[Segment],
    *,
    call_start: int,
    now: datetime,
    unreadable: dict[Path, str],
) -> LoadSummary:
    number = _next_number(connection)
    summary = LoadSummary(files=1)
    start_input(connection)
    connection.execute("create or replace temp table quarantined (line bigint, problem varchar, text varchar)")
    for segment in segments:
        _read_segment(connection, landing, segment, unreadable)
        summary.add(_load_segment(connection, settings, landing, segment, number=number, call_start=call_start))
    write_quarantine(connection, settings, segments[0])
    connection.execute(
        "insert into raw_events.loads values ($number, $input_id, $name, $received, $now, $read, $loaded, "
        "$duplicates, $unchanged, $quarantined)",
        {
            "number": number,
            "input_id": segments[0].input_id,
            "name": segments[0].input_name,
            "received": segments[0].received_at.replace(tzinfo=None),
            "now": now.replace(tzinfo=None),
            **{name: getattr(summary, name) for name in ("read", "loaded", "duplicates", "unchanged", "quarantined")},
        },
    )
    return summary


def _read_segment(connection: Connection, landing: Landing, segment: Segment, unreadable: dict[Path, str]) -> None:
    """Make the tables `parsed` and `identified` from one segment; nothing is written yet."""
    path = landing.path(segment)
    mapping = {key.removeprefix("map."): value for key, value in segment.options.items() if key.startswith("map.")}
    with reading(path, segment.format):
        if path in unreadable:
            register_unreadable(connection, unreadable[path])
        else:
            register_lines(connection, path, segment.format, first_line=segment.first_line)
        parse_incoming(connection, mapping=mapping, timezone=segment.options.get("timezone", "UTC"))
        give_ids(connection)


def _load_segment(
    connection: Connection,
    settings: Settings,
    landing: Landing,
    segment: Segment,
    *,
    number: int,
    call_start: int,
) -> LoadSummary:
    """Write what the tables `parsed` and `identified` hold of one segment."""
    connection.execute("insert into quarantined select line, problem, text from parsed where problem is not null")
    landing.index_people(
        connection, segment, "select user_id from identified union select anonymous_id from identified"
    )
    counts = _keep_new(connection, number=number, call_start=call_start)
    identity.add_visitors(connection, "fresh")
    _write_days(connection, settings, segment)
    identity.refresh_identity_map(connection)
    identity.refresh_identities(connection, users_of="fresh", events="raw_events.lake_events")
    return counts


def _keep_new(connection: Connection, *, number: int, call_start: int) -> LoadSummary:
    """Leave in `fresh` the rows whose id was never loaded, and count the rest."""
    connection.execute("""
        create or replace temp table probed as
        select identified.*, md5_number(event_id) as id,
            row_number() over (partition by event_id order by line) as occurrence
        from identified
    """)
    connection.execute("""
        create or replace temp table known_ids as
        select id, min(load_number) as load_number from raw_events.event_ids
        where id in (select id from probed) group by id
    """)
    row = connection.execute(
        """
        select
            (select count(*) from parsed),
            (select count(*) from parsed where problem is not null),
            count(*) filter (where known.id is null and occurrence = 1),
            count(*) filter (where known.load_number < $start)
        from probed left join known_ids as known using (id)
        """,
        {"start": call_start},
    ).fetchone()
    assert row is not None
    read, quarantined, loaded, unchanged = (int(value) for value in row)
    connection.execute("""
        create or replace temp table fresh as
        select * exclude (id, occurrence) from probed
        where occurrence = 1 and id not in (select id from known_ids)
    """)
    connection.execute(
        "insert into raw_events.event_ids select md5_number(event_id), $number from fresh", {"number": number}
    )
    duplicates = read - quarantined - loaded - unchanged
    return LoadSummary(read=read, loaded=loaded, duplicates=duplicates, unchanged=unchanged, quarantined=quarantined)


def _write_days(connection: Connection, settings: Settings, segment: Segment) -> None:
    """Write the days that gain rows under new names, and list these instead of the old files."""
    fault_point("events.before_lake")
    connection.execute(
        f"""
        create or replace temp table gained as
        select {", ".join(LAKE_COLUMNS)} from (
            select fresh.* exclude (received_at), visitor_key, cast(event_at as date) as day,
                coalesce(received_at, $received) as received_at
            from fresh join raw_events.visitors as visitors
                on visitors.user_id is not distinct from fresh.user_id
                and visitors.anonymous_id is not distinct from fresh.anonymous_id
        )
        """,
        {"received": segment.received_at.replace(tzinfo=None)},
    )
    connection.execute("create or replace temp table gained_days as select distinct day from gained")
    folder = settings.lake_dir / "events"
    folder.mkdir(parents=True, exist_ok=True)
    written = connection.execute(
        "copy (select * from (from gained union all by name from raw_events.lake_events "
        "where day in (from gained_days)) order by day, visitor_key, event_at, event_id) "
        f"to '{str(folder).replace(chr(39), chr(39) * 2)}' (format parquet, compression zstd, partition_by (day), "
        f"write_partition_columns true, filename_pattern '{uuid.uuid4().hex}_{{i}}', overwrite_or_ignore true, "
        "return_files true)"
    ).fetchone()
    files = [str(path) for path in (written[1] if written else [])]
    if not files:
        return
    for path in files:
        sync_file(settings.lake_dir / path)
    for parent in {(settings.lake_dir / path).parent for path in files}:
        sync_folder(parent)
    connection.execute("delete from raw_events.lake_files where day in (from gained_days)")
    connection.execute(
        """
        insert into raw_events.lake_files
        select regexp_extract(file_name, 'day=([0-9-]+)', 1)::date, file_name[length($lake) + 2:], num_rows
        from parquet_file_metadata($files)
        """,
        {"files": files, "lake": str(settings.lake_dir)},
    )
    refresh_lake_view(connection, settings)
