"""Small event logs as a relation: `events(person_id, event, event_at, properties)` in a DuckDB of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

Log = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose relation `brute_force.load` fills anew for each example."""
    with duckdb.connect(":memory:") as connection:
        # The logs are tiny: a second thread costs more than it does.
        connection.execute("set threads = 1")
        connection.execute(
            "create table events (person_id varchar, event varchar, event_at timestamp, properties json)"
        )
        yield connection


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
