"""Where Dagster keeps the events of runs: its own SQLite storage, with one engine for each file instead of one a call.

A run writes some 900 events (each model and each check is planned and told of). Dagster makes a new
SQLAlchemy engine for every statement and so compiles every statement anew: a quarter of a run's time.
Files, tables and transactions are Dagster's; a home that was made with its plain storage is read as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, NullPool, create_engine

_BUSY_SECONDS = 20


class OneEngineEventLog(SqliteEventLogStorage):
    """Named in our `dagster.yaml`; lies in Dagster's home, where the plain storage would."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
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
        """A transaction on one file, as Dagster's own; the connection is closed after it, the engine is kept."""
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                engine = create_engine(
                    self.conn_string_for_shard(shard), poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS}
                )
                self._initdb(engine)
                self._engines[shard] = engine
            with engine.begin() as connection:
                yield connection
