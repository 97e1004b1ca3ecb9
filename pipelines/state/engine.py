"""Open the state store: the engine with its durability settings, brought to the newest migration.

Alembic is imported only when the store is behind, so that a light process (the sender) stays light.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.state.secret import secret_key

NEWEST = "0006"
"""The newest migration; a test keeps it equal to the folder `migrations/versions`."""

SECRET = "millstream_secret"
"""The option of every connection that gives the installation's secret when it is called."""

ASIDE = "millstream_aside"
"""The option of a connection that fills what only it can see (`aside`): it waits for no writer, and none for it."""
PAGES, MANY_PAGES = "cache_size=-131072", "cache_size=-262144"
"""Memory for pages of SQLite, in KB: usually, and while a million rows are written."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_WRITERS = 0x73746174
"""The advisory lock of PostgreSQL's writers: 'stat'."""


def open_state(settings: Settings) -> Engine:
    """The engine on the state store, with every table in place.

    Raises:
        MillstreamError: the store can not be opened or was written by a newer version.
    """
    engine = _engine(settings.state_url)
    # Asked for when an address has to be hidden, by whoever holds a connection.
    engine.update_execution_options(**{SECRET: partial(secret_key, settings)})
    try:
        if _version(engine) != NEWEST:
            with _one_at_a_time(settings):
                _upgrade(engine)
    except OperationalError as problem:
        raise MillstreamError(
            f"the state store could not be opened: {problem.orig}. Nothing was changed. "
            "Check MILLSTREAM_STATE_URL and that the data folder is writable and not full."
        ) from None
    return engine


@cache
def _engine(address: str) -> Engine:
    """One engine, and so one pool of connections, per store and process."""
    url = make_url(address)
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30} if is_sqlite else {})
    if is_sqlite:
        event.listen(engine, "connect", _make_durable)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _make_durable(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling would commit before DDL; ours starts in _begin_sqlite.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000", PAGES):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail with "database is locked" when two
    # processes do so at once; taking the write lock at the start makes the second one wait.
    options = connection.get_execution_options()
    wants_to_write = not options.get("reads_only", False) and not options.get(ASIDE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if wants_to_write else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    # The same promises as on SQLite: writers one after the other, a reader sees one moment.
    options = connection.get_execution_options()
    if options.get("reads_only", False):
        connection.exec_driver_sql("set transaction isolation level repeatable read read only")
    elif not options.get(ASIDE, False):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_WRITERS})")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads: it sees one moment of the store and makes no writer wait."""
    with engine.connect().execution_options(reads_only=True) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: committed, and on disk, when the block ends; undone on an error."""
    with engine.begin() as connection:
        yield connection


def _version(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("select version_num from alembic_version")).scalar()
        return None if found is None else str(found)


def _upgrade(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, NEWEST)
        except CommandError as problem:
            raise MillstreamError(
                f"the state store was written by a newer version of Millstream ({problem}). "
                "Nothing was changed. Install that version, or restore a backup."
            ) from None


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    handle = os.open(settings.data_dir / "state.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
