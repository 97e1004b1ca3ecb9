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
        # The same as a snapshot has it: a person is two visitors, and the events know only these.
        connection.execute("""
            create schema raw_events;
            create view raw_events.lake_events as
            select * exclude (person_id), 2 * person_id::integer + 1 + (hash(event) % 2)::integer as visitor_key
            from events;
            create table raw_events.identity_map as
            select n + 1 as visitor_key, n - n % 2 + 1 as person_key, (n // 2)::varchar as person_id
            from range(20) as t(n);
        """)
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
