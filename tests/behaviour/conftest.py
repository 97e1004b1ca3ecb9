"""Small event logs as a relation: `events(person_id, event, event_at, properties, ...)` in a DuckDB of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

Log = Callable[..., duckdb.DuckDBPyConnection]
_EVENTS = """
    create table events (
        person_id varchar, event varchar, event_at timestamp, properties json,
        event_id varchar, type varchar default 'track', user_id varchar, anonymous_id varchar, context json
    )
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose relation `brute_force.load` fills anew for each example."""
    with duckdb.connect(":memory:") as connection:
        # The logs are tiny: a second thread costs more than it does.
        connection.execute("set threads = 1")
        connection.execute(_EVENTS)
        # The same as a snapshot has it: a person is two visitors, and the events know only these. Of the two the
        # second came with no user id.
        connection.execute("""
            create schema raw_events;
            create view raw_events.lake_events as
            select * exclude (person_id), 2 * person_id::integer + 1 + ascii(event) % 2 as visitor_key from events;
            create table raw_events.identity_map as
            select n + 1 as visitor_key, n - n % 2 + 1 as person_key, (n // 2)::varchar as person_id
            from range(40) as t(n);
            create table raw_events.visitors as
            select n + 1 as visitor_key, case when n % 2 = 0 then 'user ' || n // 2 end as user_id, 'visitor ' || n + 1 as anonymous_id
            from range(40) as t(n);
            create schema marts;
            create view marts.fct_events as
            select *, 2 * person_id::integer + 1 + ascii(event) % 2 as visitor_key,
                2 * person_id::integer + 1 as person_key from events;
            create table marts.fct_stripe_facts (
                fact_id varchar, event varchar, person_id varchar, event_at timestamp, amount_minor bigint,
                currency varchar, customer_id varchar, invoice_id varchar, subscription_id varchar
            );
            create table marts.fct_email_events (
                event_id varchar, outcome varchar, person_id varchar, event_at timestamp, campaign varchar, url varchar,
                reason varchar, bounce_type varchar, is_machine_open boolean
            );
            create table marts.dim_customers (person_id varchar, plan varchar, country varchar);
        """)
        yield connection


@pytest.fixture
def log() -> Iterator[Log]:
    """Make the relation from (person, event, UTC time[, properties]) tuples."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(_EVENTS)

        def fill(*rows: tuple[Any, ...]) -> duckdb.DuckDBPyConnection:
            for number, (person, event, moment, *properties) in enumerate(rows):
                connection.execute(
                    "insert into events (person_id, event, event_at, properties, event_id, type) "
                    "values (?, ?, ?, ?, ?, ?)",
                    [
                        person,
                        event,
                        moment,
                        json.dumps(properties[0] if properties else {}),
                        f"{number:04}",
                        event if event in ("identify", "group") else "track",
                    ],
                )
            return connection

        yield fill
