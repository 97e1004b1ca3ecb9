"""A snapshot of a few people and their events, published the way a build publishes its marts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = {
    "person_id": "varchar",
    "user_id": "varchar",
    "stripe_customer_ids": "varchar[]",
    "email": "varchar",
    "first_name": "varchar",
    "name": "varchar",
    "country": "varchar",
    "timezone": "varchar",
    "subscription_status": "varchar",
    "plan": "varchar",
    "mrr_currency": "varchar",
    "currency": "varchar",
    "mrr_minor": "bigint",
    "lifetime_value_minor": "bigint",
    "payments_count": "bigint",
    "event_count": "bigint",
    "has_consent": "boolean",
    "is_guest": "boolean",
    "is_canceling": "boolean",
    "first_seen_at": "timestamp",
    "last_seen_at": "timestamp",
    "customer_since": "timestamp",
    "trial_ends_at": "timestamp",
}


def naive(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A moment in UTC as the warehouse stores it: without a zone."""
    return datetime(year, month, day, hour, tzinfo=UTC).replace(tzinfo=None)


def person(number: int, **traits: Any) -> dict[str, Any]:
    """One person with an address of their own; what is not told is missing."""
    known = {
        "person_id": f"p{number:04d}",
        "email": f"p{number}@example.com",
        "payments_count": 0,
        "mrr_minor": 0,
    }
    return {**dict.fromkeys(COLUMNS), **known, **traits}


def publish_people(
    settings: Settings,
    people: Iterable[Mapping[str, Any]],
    events: Iterable[tuple[str, str, datetime]] = (),
    *,
    emails: Iterable[tuple[str, str, str, datetime]] | None = None,
    as_of: datetime = NOW,
) -> Snapshot:
    """Publish `dim_customers`, `fct_events` (person, event, moment), and where there are e-mail events
    (person, outcome, campaign, moment) `fct_email_events`; open the snapshot."""
    with Warehouse(settings).write("test") as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create or replace table marts.dim_customers ({columns})")
        # One statement with all rows: row by row costs a millisecond each.
        rows = [[row[name] for name in COLUMNS] for row in people]
        if rows:
            line = f"({', '.join('?' for _ in COLUMNS)})"
            values = [value for row in rows for value in row]
            connection.execute(f"insert into marts.dim_customers values {', '.join([line] * len(rows))}", values)
        connection.execute(
            "create or replace table marts.fct_events"
            " (person_id varchar, event varchar, event_at timestamp, properties json)"
        )
        happened = [[who, what, _utc(at)] for who, what, at in events]
        if happened:
            connection.executemany("insert into marts.fct_events values (?, ?, ?, '{}')", happened)
        if emails is not None:
            connection.execute(
                "create or replace table marts.fct_email_events"
                " (person_id varchar, outcome varchar, campaign varchar, event_at timestamp, is_machine_open boolean)"
            )
            told = [
                [who, outcome.removesuffix(" by a machine"), campaign, _utc(at), outcome.endswith(" by a machine")]
                for who, outcome, campaign, at in emails
            ]
            connection.executemany("insert into marts.fct_email_events values (?, ?, ?, ?, ?)", told)
        publish(connection, settings, as_of=as_of, now=as_of)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    return snapshot


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
