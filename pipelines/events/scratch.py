"""A log file and a question: the events of some files as a relation, without the data folder.

The same parsing, ids, deduplication and identity rules as a load, in a DuckDB in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.events import identity
from pipelines.events.identify import start_input
from pipelines.events.ingest import file_format, find_files
from pipelines.events.message import check_mapping
from pipelines.events.read import Part, forget_parts, read_part
from pipelines.events.typed import TypedReadError
from pipelines.landing.manifest import Format
from pipelines.warehouse import connect
from pipelines.warehouse.writer import Connection


@contextmanager
def open_files(paths: Iterable[str], *, mapping: dict[str, str], timezone: str) -> Iterator[Connection]:
    """A connection with the view `events(event_id, person_id, event, event_at, properties, ...)`.

    The table `set_aside(file, line, reason)` holds the lines that are no events.

    Raises:
        UsageError: a path or a mapping that can not be meant.
    """
    files = find_files(paths)
    check_mapping(mapping)
    connection = connect()
    scratch = tempfile.TemporaryDirectory(prefix="millstream-")
    try:
        connection.execute("create schema raw_events")
        connection.execute(identity.PREPARE)
        connection.execute("create table set_aside (file varchar, line bigint, reason varchar)")
        for position, path in enumerate(files):
            kind = file_format(path)
            assert kind is not None
            start_input(connection)
            part = _read(connection, path, kind, mapping=mapping, timezone=timezone, scratch=Path(scratch.name))
            connection.execute(
                f"insert into set_aside select $name, line, problem from {part.bad}",
                {"name": path.name},
            )
            verb = "create table read_events as" if position == 0 else "insert into read_events by name"
            connection.execute(f"{verb} select *, {position} as file from {part.events}")
            forget_parts(connection, [part])
        connection.execute("""
            create table accepted as select * from read_events
            qualify row_number() over (partition by event_id order by file, line) = 1
        """)
        identity.add_visitors(connection, "accepted")
        identity.refresh_identity_map(connection)
        connection.execute("""
            create view events as
            select accepted.*, identity_map.person_id
            from accepted
            join raw_events.visitors as visitors
                on visitors.user_id is not distinct from accepted.user_id
                and visitors.anonymous_id is not distinct from accepted.anonymous_id
            join raw_events.identity_map as identity_map using (visitor_key)
        """)
        yield connection
    finally:
        connection.close()
        scratch.cleanup()


def _read(
    connection: Connection, path: Path, kind: Format, *, mapping: dict[str, str], timezone: str, scratch: Path
) -> Part:
    try:
        return read_part(connection, path, kind, mapping=mapping, timezone=timezone, scratch=scratch)
    except TypedReadError:
        return read_part(connection, path, kind, mapping=mapping, timezone=timezone, scratch=scratch, typed=False)
