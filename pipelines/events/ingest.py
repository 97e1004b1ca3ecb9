"""`ingest events`: find the files, land them, load them. Each file once."""

from __future__ import annotations

import glob
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.events.load import load_landed, prepare_events
from pipelines.events.message import check_mapping
from pipelines.landing import Landing
from pipelines.landing.manifest import Format
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}


def file_format(path: Path) -> Format | None:
    """The format by the file's name (without .gz or .zst), or None for a name we do not read."""
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst")]
    return _FORMATS.get(suffixes[-1].lower()) if suffixes else None


def find_files(paths: Iterable[str]) -> list[Path]:
    """Event files behind paths, folders (searched through) and globs, sorted, each once.

    Raises:
        UsageError: a path that leads to nothing, or to a file of an unknown kind.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            matches = sorted(file for file in path.rglob("*") if file.is_file() and file_format(file))
        elif path.is_file():
            matches = [path]
        else:
            matches = sorted(Path(match) for match in glob.glob(given, recursive=True))
        if not matches:
            raise UsageError(f"there is no event file at {given}. Nothing was loaded.")
        for match in matches:
            if file_format(match) is None:
                raise UsageError(
                    f"{match.name} is of no known kind. Event files end in .jsonl, .ndjson, .json, .csv or .parquet "
                    "(also .gz, .zst). Nothing was loaded."
                )
            found[match] = None
    return list(found)


def ingest_files(
    settings: Settings,
    paths: Iterable[str],
    *,
    mapping: dict[str, str] | None = None,
    timezone: str = "UTC",
    now: datetime,
) -> LoadSummary:
    """Land and load event files; what was landed before and not loaded yet is loaded as well.

    Raises:
        UsageError: a path or a mapping that can not be meant; nothing was loaded.
        BusyError: another process writes; what was landed stays and the next load takes it.
    """
    begin = time.monotonic()
    files = find_files(paths)
    check_mapping(mapping or {})
    options = {"timezone": timezone, **{f"map.{field}": column for field, column in (mapping or {}).items()}}
    landing = Landing(settings.landing_dir)
    with Warehouse(settings).write("millstream ingest events") as connection:
        prepare_events(connection, settings)
        already = {
            str(input_id): int(read)
            for input_id, read in connection.execute("select input_id, read from raw_events.loads").fetchall()
        }
        summary = LoadSummary()
        for path in files:
            kind = file_format(path)
            assert kind is not None
            segments = landing.add_file(path, source="events", file_format=kind, options=options, now=now)
            if segments and segments[0].input_id in already:
                read = already[segments[0].input_id]
                summary.add(LoadSummary(files=1, read=read, unchanged=read))
        summary.add(load_landed(connection, settings, now=now))
    summary.by_object = {"event": summary.loaded}
    summary.seconds = time.monotonic() - begin
    return summary
