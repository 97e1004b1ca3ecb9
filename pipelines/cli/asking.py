"""What the questions about behaviour share: reading a query document, and opening what it asks.

`funnel` and `retention` parse their options and print their answers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.ingest import parse_maps
from pipelines.cli.output import note
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.behaviour import Asked
    from pipelines.settings import Settings
    from pipelines.warehouse.writer import Connection

Timezone = Annotated[
    str | None,
    typer.Option(help="Zone of the days, and of times without a zone in event files.", show_default=False),
]
Events = Annotated[
    list[str] | None, typer.Option(help="Answer from event files; no snapshot is needed.", show_default=False)
]
MoreEvents = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Further files for --events.", show_default=False),
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="What the files call a field.", show_default=False),
]


def read_document(path: Path) -> dict[str, Any]:
    """A query document from its file.

    Raises:
        UsageError: there is no such file, or it holds no JSON object.
    """
    from pipelines.behaviour import read_query

    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"--query {path}: {problem.strerror}") from None
    return read_query(raw, f"--query {path}")


@contextmanager
def opened(
    settings: Settings,
    *,
    events: list[str] | None,
    more: list[str] | None,
    maps: list[str] | None,
    timezone: str | None,
) -> Iterator[Asked]:
    """The events to ask: these files, else the snapshot.

    Raises:
        UsageError: a path or a mapping that can not be meant.
        NotPublishedError: there are no files and no snapshot.
    """
    if not events and (more or maps):
        raise UsageError("files and --map belong to --events: millstream funnel --step A --step B --events FILE...")
    from pipelines.behaviour import Asked, published_events

    if events:
        from pipelines.events import open_files

        paths, mapping = [*events, *(more or [])], parse_maps(maps)
        with open_files(paths, mapping=mapping, timezone=timezone or "UTC") as connection:
            _tell_set_aside(connection)
            yield Asked(connection, "events", None)
        return
    from pipelines.warehouse import SnapshotReader

    with published_events(SnapshotReader(settings.published_dir).current()) as asked:
        yield asked


def _tell_set_aside(connection: Connection) -> None:
    rows = connection.execute("select file, line, reason from set_aside order by file, line").fetchall()
    if rows:
        file, line, reason = rows[0]
        note(f"{len(rows):,} line(s) are no events and do not count; the first: {file} line {line}: {reason}.")
