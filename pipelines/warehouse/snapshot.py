"""Read a published snapshot: the only way in for dashboards, questions, segments and the API.

A process holds one in-memory DuckDB and attaches one empty database per snapshot number, whose
views point at that snapshot's files. A caller keeps the `Snapshot` it got for as long as it
answers one question, so its numbers never mix two publishes; the next call sees the newest one.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.errors import NotPublishedError, UsageError
from pipelines.warehouse.engine import connect
from pipelines.warehouse.manifest import Manifest, current_number, numbers, read_manifest
from pipelines.warehouse.writer import SCHEMAS, Connection

KEPT_OPEN = 3


class Snapshot:
    """One published state of all marts; safe to use from several threads."""

    def __init__(self, connection: Connection, manifest: Manifest, database: str) -> None:
        self._connection = connection
        self._database = database
        self.manifest = manifest

    @property
    def number(self) -> int:
        """The snapshot's number."""
        return self.manifest.number

    @property
    def as_of(self) -> datetime:
        """The moment that the data stand for (UTC)."""
        return self.manifest.as_of

    @property
    def published_at(self) -> datetime:
        """The moment of publishing (UTC)."""
        return self.manifest.published_at

    def has(self, table: str) -> bool:
        """Whether `schema.table` is in this snapshot."""
        return table in self.manifest.tables or table in self.manifest.views

    def cursor(self) -> Connection:
        """A connection of its own on which `marts.fct_payments` means this snapshot's."""
        cursor = self._connection.cursor()
        cursor.execute(f"use {self._database}")
        cursor.execute("set TimeZone = 'UTC'")
        return cursor

    def query(self, sql: str, **parameters: object) -> pl.DataFrame:
        """Run one statement; values are bound as `$name`."""
        cursor = self.cursor()
        try:
            # Not `sql(...)`: with values bound it keeps the answer row by row before it hands it out.
            return cursor.execute(sql, parameters or None).pl()
        finally:
            cursor.close()


class SnapshotReader:
    """Follows the pointer of one `published/` folder; keeps three snapshots open, drops older ones."""

    def __init__(self, published: Path, *, memory_bytes: int | None = None) -> None:
        """Read `published`; with `memory_bytes` questions that need more go to disk, or fail."""
        self._published = published
        self._connection = connect()
        if memory_bytes is not None:
            self._connection.execute(f"set memory_limit = '{memory_bytes:d}B'")
        self._open: OrderedDict[int, Snapshot] = OrderedDict()
        self._lock = threading.Lock()

    def current(self) -> Snapshot | None:
        """The newest snapshot, or None before the first publish."""
        with self._lock:
            number = current_number(self._published)
            return None if number is None else self._opened(number)

    def numbers(self) -> list[int]:
        """The numbers of the snapshots that are kept, the newest last."""
        newest = current_number(self._published) or 0
        return [one for one in numbers(self._published) if one <= newest]

    def manifest(self, number: int) -> Manifest:
        """What a kept snapshot is made of, without opening it."""
        return read_manifest(self._published, number)

    def kept(self, number: int) -> Snapshot:
        """A snapshot of before, as long as it is kept.

        Raises:
            UsageError: naming those that are.
        """
        with self._lock:
            known = self.numbers()
            if number not in known:
                there = f"Kept are {', '.join(map(str, known))}" if known else "Nothing is published yet"
                raise UsageError(f"there is no snapshot {number}. {there}.")
            return self._opened(number)

    def _opened(self, number: int) -> Snapshot:
        if number not in self._open:
            self._open[number] = self._attach(read_manifest(self._published, number))
            while len(self._open) > KEPT_OPEN:
                old, _ = self._open.popitem(last=False)
                self._connection.execute(f"detach database if exists {_database(old)}")
        return self._open[number]

    def newest(self) -> Snapshot:
        """The newest snapshot.

        Raises:
            NotPublishedError: nothing was published yet.
        """
        found = self.current()
        if found is None:
            raise NotPublishedError(
                "nothing is published yet. Run `millstream run` (or `millstream build` after `millstream ingest`)."
            )
        return found

    def _attach(self, manifest: Manifest) -> Snapshot:
        database = _database(manifest.number)
        cursor = self._connection.cursor()
        try:
            cursor.execute(f"attach if not exists ':memory:' as {database}")
            for schema in SCHEMAS:
                cursor.execute(f"create schema if not exists {database}.{schema}")
            for name, table in manifest.tables.items():
                files = [str((self._published / file).resolve()) for file in table.files]
                cursor.execute(f"create or replace view {database}.{name} as {_select(files, table.columns)}")
            for name, sql in manifest.views.items():
                own = re.sub(r"\bwarehouse\.", f"{database}.", sql)
                cursor.execute(f"create or replace view {database}.{name} as {own}")
        finally:
            cursor.close()
        return Snapshot(self._connection, manifest, database)


def _database(number: int) -> str:
    return f"snapshot_{number}"


def _select(files: list[str], columns: dict[str, str]) -> str:
    if not files:
        empty = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in columns.items())
        return f"select {empty} where false"
    names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    # The contract's types, whatever Parquet made of them (JSON comes back as text).
    typed = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in columns.items())
    return f"select {typed} from read_parquet([{names}], hive_partitioning = false)"
