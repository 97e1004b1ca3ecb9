"""Small event logs as a relation: `events(person_id, event, event_at, properties)` in a DuckDB of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

Log = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture
def log() -> Iterator[Log]:
    """Make the relation from (person, event, UTC time[, properties]) tuples."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "create table events (person_id varchar, event varchar, event_at timestamp, properties json)"
        )

        def fill(*rows: tuple[Any, ...]) -> duckdb.DuckDBPyConnection:
            for person, event, moment, *properties in rows:
                connection.execute(
                    "insert into events values (?, ?, ?, ?)",
                    [person, event, moment, json.dumps(properties[0] if properties else {})],
                )
            return connection

        yield fill
