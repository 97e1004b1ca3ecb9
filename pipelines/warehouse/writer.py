"""The one way to write the DuckDB file.

DuckDB lets a single process write and lets nobody else read meanwhile, so a connection lives
exactly as long as one piece of work. Never open or copy the file by another means in the process
that writes it: closing that second handle drops DuckDB's own lock without a word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TypeAlias

import duckdb

from pipelines.errors import BusyError, MillstreamError
from pipelines.settings import Settings
from pipelines.warehouse.engine import connect
from pipelines.warehouse.lock import exclusive

Connection: TypeAlias = duckdb.DuckDBPyConnection

SCHEMAS = (
    "raw_stripe",
    "raw_events",
    "raw_email",
    "raw_rates",
    "raw_state",
    "health",
    "staging",
    "intermediate",
    "marts",
    "segments",
)


MEMORY_BYTES = 3_000_000_000
"""What DuckDB may hold while it writes. Left alone it keeps whatever it has read until 80 % of the machine are full."""


class Warehouse:
    """The warehouse of one data folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def hold(self, purpose: str, *, wait: timedelta = timedelta(0)) -> AbstractContextManager[None]:
        """Be the only writer without having the file open: around a child (dbt) that opens it."""
        lock = self.settings.data_dir / "warehouse.lock"
        return exclusive(lock, what="warehouse", purpose=purpose, wait=wait)

    @contextmanager
    def write(self, purpose: str, *, wait: timedelta = timedelta(0)) -> Iterator[Connection]:
        """A connection on the warehouse file, the schemas in place; closed when the block ends.

        Raises:
            BusyError: another process writes; the message names it.
        """
        with self.hold(purpose, wait=wait):
            connection = _connect(self.settings)
            try:
                for schema in SCHEMAS:
                    connection.execute(f"create schema if not exists {schema}")
                yield connection
            finally:
                connection.close()


def _connect(settings: Settings) -> Connection:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        connection = connect(str(settings.warehouse_path))
    except duckdb.IOException as problem:
        holder = re.search(r"PID (\d+)", str(problem))
        if holder is None:
            raise MillstreamError(
                f"the warehouse could not be opened: {problem}. It is derived data: free disk space or "
                "delete warehouse.duckdb and run `millstream rebuild`; the landing zone is untouched."
            ) from None
        raise BusyError(
            f"the warehouse is in use by process {holder.group(1)}. Nothing was changed. "
            "Wait until it ends, or end it; dashboards are not affected."
        ) from None
    # What does not fit goes to disk beside the file; a small machine keeps DuckDB's own part of it.
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 4 // 5
    connection.execute(f"set memory_limit = '{min(own, MEMORY_BYTES):d}B'")
    return connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All of the block or nothing of it."""
    connection.execute("begin transaction")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
