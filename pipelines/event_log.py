"""Where Dagster keeps the events of runs: its own SQLite storage, with connections that stay open.

A run writes some 900 events (each model and each check is planned and told of). Dagster makes a new
SQLAlchemy engine for every statement, so it compiles every statement anew, and a file that is closed
is brought to disk each time: together half of a small run. Files, tables and transactions are
Dagster's; a home that was made with its plain storage is read as it is.

A commit is in the file before the next statement, so a killed process loses nothing; it is brought to disk
with SQLite's next checkpoint. When the power fails, the last events of a run may be missing from
its history. Our own data do not hang on it: their record is the warehouse and the state store.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event

_BUSY_SECONDS = 20
_OPEN = 8
"""Files kept open: the index and the runs looked at last. A webserver would else hold each run's file for ever."""


class OneEngineEventLog(SqliteEventLogStorage):
    """Named in our `dagster.yaml`; lies in Dagster's home, where the plain storage would."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to configure: a folder named in the file would go wrong when the data folder moves."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> OneEngineEventLog:
        """The storage of the home that this process works with."""
        return cls(str(Path(os.environ["DAGSTER_HOME"]) / "history" / "runs"), inst_data)

    def has_table(self, table_name: str) -> bool:
        """Asked for every event, and once there a table stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction on one file, as Dagster's own."""
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        """The file's engine; the caller holds the lock, so one connection is enough, whichever thread asks."""
        known = self._engines.pop(shard, None)
        if known is not None and not os.path.exists(self.path_for_shard(shard)):
            known.dispose()
            known = None
        self._engines[shard] = known or self._opened(shard)
        while len(self._engines) > _OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def _opened(self, shard: str) -> Engine:
        address = self.conn_string_for_shard(shard)
        # Dagster sets up the file with statements of its own, each as it likes.
        first = create_engine(address, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})
        self._initdb(first)
        engine = create_engine(
            address,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
        return engine

    def dispose(self) -> None:
        """Close the files."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()
