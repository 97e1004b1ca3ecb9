"""Publish a snapshot: the audited marts as immutable files, then one pointer moved by rename.

A table's pieces whose rows did not change are listed again; finding that out reads them once and writes nothing.
A file is named by its content, so rows that come back cost no disk.
After a crash: before the pointer moves, readers still see the snapshot before, and the files and
the manifest written so far are either reused (same content, same name) or pruned later.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from pipelines.faults import fault_point
from pipelines.files import content_hash, sync_file, sync_folder, write_whole
from pipelines.settings import Settings
from pipelines.warehouse.lake import lake_files
from pipelines.warehouse.manifest import POINTER, Manifest, PublishedTable, current_manifest, manifest_path, numbers
from pipelines.warehouse.prune import prune
from pipelines.warehouse.writer import Connection

PUBLISHED_SCHEMAS = ("marts", "segments", "health")
LAKE_VIEW = "raw_events.lake_events"
_MANY_VISITORS = "visitor_key // 262144"
PIECES = {
    "raw_events.visitors": _MANY_VISITORS,
    "raw_events.identity_map": _MANY_VISITORS,
    "marts.fct_sessions": "date_trunc('month', started_at)",
}
"""SQL: which piece a row of a table is in that grows with the events; every piece is a file, new rows are in few."""
_REFERENCE = re.compile(r'\bwarehouse\.(\w+)\.("?)(\w+)\2')


def publish(connection: Connection, settings: Settings, *, as_of: datetime, now: datetime, rules: str = "") -> int:
    """Publish what the warehouse holds now and return the snapshot's number.

    `as_of` is the moment the data stand for, `now` the moment of publishing, `rules` says which models made them.
    Run again without a change it gives a new number that lists the same files.
    """
    folder = settings.published_dir
    (folder / "files").mkdir(parents=True, exist_ok=True)
    fault_point("publish.before_files")
    views = _views_to_publish(connection)
    known = _known_files(folder)
    tables = {
        name: _lake_table(connection, settings)
        if name == LAKE_VIEW
        else _publish_table(connection, folder, name, known.get(name, {}))
        for name in _tables_to_publish(connection, views)
    }
    number = max([0, *numbers(folder)]) + 1
    manifest = Manifest(number=number, published_at=now, as_of=as_of, rules=rules, tables=tables, views=views)
    fault_point("publish.before_manifest")
    write_whole(manifest_path(folder, number), manifest.model_dump_json(indent=1).encode())
    fault_point("publish.before_pointer")
    write_whole(folder / POINTER, str(number).encode())
    fault_point("publish.after_pointer")
    prune(settings, lake_in_use=set(lake_files(connection)))
    return number


def _views_to_publish(connection: Connection) -> dict[str, str]:
    """Views of the published schemas and the views below them, each with its SQL, in order of need."""
    rows = connection.execute(
        "select schema_name || '.' || view_name, sql from duckdb_views() where not internal order by view_oid"
    ).fetchall()
    known = {str(name): str(sql).split(" AS ", 1)[1].rstrip(";\n ") for name, sql in rows}
    wanted: dict[str, str] = {}

    def want(name: str) -> None:
        if name in wanted or name not in known or name == LAKE_VIEW:
            return
        for below in _references(known[name]):
            want(below)
        wanted[name] = known[name]

    for name in known:
        if name.split(".")[0] in PUBLISHED_SCHEMAS:
            want(name)
    return wanted


def _references(sql: str) -> list[str]:
    return sorted({f"{schema}.{name}" for schema, _, name in _REFERENCE.findall(sql)})


def _tables_to_publish(connection: Connection, views: dict[str, str]) -> list[str]:
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where not internal"
    ).fetchall()
    known = {str(name) for (name,) in rows}
    own = {name for name in known if name.split(".")[0] in PUBLISHED_SCHEMAS}
    below = {name for sql in views.values() for name in _references(sql) if name in known or name == LAKE_VIEW}
    return sorted(own | below)


def _columns(connection: Connection, name: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in connection.execute(f"describe {name}").fetchall()}


def _known_files(folder: Path) -> dict[str, dict[str, str]]:
    """By table of the snapshot before: the files that are there, by the fingerprint of their rows."""
    before = current_manifest(folder)
    tables = before.tables if before else {}
    return {
        name: {told: file for file, told in table.fingerprints.items() if (folder / file).exists()}
        for name, table in tables.items()
    }


def _publish_table(connection: Connection, folder: Path, name: str, known: dict[str, str]) -> PublishedTable:
    """List the table's pieces again as far as their rows did not change, and write the others."""
    columns = _columns(connection, name)
    piece = PIECES.get(name, "0")
    # The engine's hashes may be others in another version. An empty table has one piece, which is empty.
    found = connection.execute(
        f"select {piece} as piece, count(*), sum(hash(hash(rows))), sum(hash(hash(rows, 1))), version() "
        f"from {name} as rows group by piece order by piece"
    ).fetchall() or [(None, 0)]
    fingerprints: dict[str, str] = {}
    for row in found:
        fingerprint = " ".join(map(str, [*row, *columns.items()]))
        file = known.get(fingerprint) or _write_piece(
            connection, folder, name, f"{piece} is not distinct from $piece", row[0]
        )
        fingerprints[file] = fingerprint
    return PublishedTable(
        files=list(fingerprints), rows=sum(row[1] for row in found), columns=columns, fingerprints=fingerprints
    )


def _write_piece(connection: Connection, folder: Path, name: str, condition: str, piece: object) -> str:
    target = folder / "files" / name
    target.mkdir(exist_ok=True)
    aside = target / f"{os.getpid()}.part"
    # Equal rows must give equal bytes, else rows that come back would be kept twice.
    connection.execute(
        f"copy (select * from {name} where {condition} order by all) to $path (format parquet, compression zstd)",
        {"path": str(aside), "piece": piece},
    )
    final = target / f"{content_hash(aside)[:24]}.parquet"
    if final.exists():
        aside.unlink()
    else:
        sync_file(aside)
        os.rename(aside, final)
        sync_folder(target)
    return str(final.relative_to(folder))


def _lake_table(connection: Connection, settings: Settings) -> PublishedTable:
    files = lake_files(connection)
    relative = [os.path.relpath(settings.lake_dir / file, settings.published_dir) for file in files]
    return PublishedTable(files=relative, rows=sum(files.values()), columns=_columns(connection, LAKE_VIEW))
