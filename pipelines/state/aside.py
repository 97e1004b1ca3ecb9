"""Rows that are put aside before the transaction which writes them, so that nobody waits for whoever makes them.

They lie in a table of the very connection that will write, which copies them within the engine: of a million rows
that takes half the time of handing them over one by one. SQLite's table is in a database of its own, whose file loses
its name before a row is in it; PostgreSQL's is a temporary one. Either goes with its process, wherever that ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, insert
from sqlalchemy.schema import CreateTable, DropTable

from pipelines.state.engine import ASIDE, MANY_PAGES, PAGES

_SCHEMA = "aside"
Row = tuple[Any, ...]


class Aside:
    """Where the rows wait; `table` has them in the order in which they came."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self.table = table
        self._connection = connection
        statement = insert(table).compile(dialect=connection.dialect)
        self._sql, self._is_named = str(statement), statement.positiontup is None
        self._names = [column.name for column in table.columns]

    def add(self, rows: Sequence[Row]) -> None:
        """Put rows aside, as the driver takes them; the values stand in the order of the columns."""
        told: Any = rows
        if self._is_named:
            told = [dict(zip(self._names, row, strict=True)) for row in rows]
        self._connection.exec_driver_sql(self._sql, told)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one transaction that writes, `pipelines.state.writing` with the table at hand.

        SQLite keeps both indexes of a million keys in memory meanwhile: keys are hashes, so each new row comes to any
        page of them, and what is not kept is read again, and written.
        """
        connection = self._connection
        connection.commit()
        connection.execution_options(**{ASIDE: False})
        with connection.begin():
            if _is_sqlite(connection):
                connection.exec_driver_sql(f"PRAGMA {MANY_PAGES}")
            try:
                yield connection
            finally:
                if _is_sqlite(connection):
                    connection.exec_driver_sql(f"PRAGMA {PAGES}")


@contextmanager
def putting_aside(engine: Engine, columns: Sequence[Column[Any]]) -> Iterator[Aside]:
    """A table with columns like these for the rows of one caller."""
    with engine.connect().execution_options(**{ASIDE: True}) as connection:
        sqlite = _is_sqlite(connection)
        table = Table(
            "rows_aside",
            MetaData(schema=_SCHEMA if sqlite else None),
            *(Column(column.name, column.type) for column in columns),
            prefixes=[] if sqlite else ["temporary"],
        )
        with (_database_without_a_name if sqlite else _temporary)(connection, table):
            yield Aside(connection, table)


@contextmanager
def _database_without_a_name(connection: Connection, table: Table) -> Iterator[None]:
    # Before any transaction begins: within one no database can be attached.
    driver = connection.connection.driver_connection
    assert driver is not None
    handle, path = mkstemp(prefix="aside-", suffix=".sqlite", dir=Path(connection.engine.url.database or "").parent)
    os.close(handle)
    try:
        driver.execute(f"attach database ? as {_SCHEMA}", (path,))
        # Nobody else reads it, and nobody needs it after a crash.
        for pragma in ("journal_mode=off", "synchronous=off", "locking_mode=exclusive"):
            driver.execute(f"pragma {_SCHEMA}.{pragma}")
        driver.execute(str(CreateTable(table).compile(dialect=connection.dialect)))
    finally:
        os.unlink(path)
    try:
        yield
    finally:
        connection.rollback()
        driver.execute(f"detach database {_SCHEMA}")


@contextmanager
def _temporary(connection: Connection, table: Table) -> Iterator[None]:
    connection.execute(CreateTable(table))
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execution_options(**{ASIDE: True})
        connection.execute(DropTable(table))
        connection.commit()


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
