"""A tiny warehouse to build upon: the raw tables as the loaders make them, and the objects to fill them.

The cases themselves stand in the modules beside this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.operations.address_keys import key_addresses
from pipelines.settings import Settings
from pipelines.stripe.versions import COLUMNS
from pipelines.transform import BuildResult, figure_environment
from pipelines.transform.build import ask_dbt
from pipelines.warehouse import Snapshot

KINDS = {
    "customer": "customers",
    "product": "products",
    "price": "prices",
    "coupon": "coupons",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "charge": "charges",
    "refund": "refunds",
    "balance_transaction": "balance_transactions",
    "dispute": "disputes",
    "plan": "plans",
    "promotion_code": "promotion_codes",
    "subscription_schedule": "subscription_schedules",
    "invoice_payment": "invoice_payments",
    "invoiceitem": "invoiceitems",
    "credit_note": "credit_notes",
    "payment_intent": "payment_intents",
    "payout": "payouts",
    "checkout.session": "checkout_sessions",
    "event": "events",
}
OTHER_TABLES = f"""
create table if not exists raw_stripe.object_versions (
    {COLUMNS}, sequence bigint, parent_id varchar, moment_order integer
);
create table if not exists raw_stripe.invoice_lines ({COLUMNS}, parent_id varchar);
create table if not exists raw_stripe.credit_note_lines ({COLUMNS}, parent_id varchar);
create table raw_events.lake_events (
    event_id varchar, is_synthetic_id boolean, type varchar, event varchar, visitor_key integer,
    event_at timestamp, received_at timestamp, properties json, context json, day date
);
create table raw_events.identity_map (
    visitor_key integer, person_key integer, user_id varchar, anonymous_id varchar, person_id varchar
);
create table raw_events.owners (anonymous_id varchar, user_id varchar);
create table raw_events.identities (
    user_id varchar, email varchar, first_name varchar, country varchar, traits json,
    first_identified_at timestamp, last_identified_at timestamp
);
create table raw_state.consents (
    address_key varchar, purpose varchar, granted_at timestamp, source varchar, proof varchar, withdrawn_at timestamp
);
create table raw_state.consent_events (
    address_key varchar, channel varchar, purpose varchar, action varchar, told_at timestamp, source varchar,
    recorded_at timestamp
);
create table raw_state.suppressions (
    address_key varchar, scope varchar, reason varchar, source varchar, created_at timestamp
);
create table raw_state.campaign_recipients (
    dedupe_key varchar, campaign varchar, occurrence varchar, person_id varchar, address_key varchar, variant varchar,
    state varchar, reason varchar, attempt bigint, owner varchar, not_before timestamp, content_hash varchar,
    message_id varchar, planned_at timestamp, in_flight_at timestamp, done_at timestamp
);
create table raw_rates.rates (
    rate_date date, currency varchar, units_per_eur decimal(18, 9), input_id varchar, line bigint
);
create table raw_email.events (
    event_id varchar, event varchar, campaign varchar, occurrence varchar, person_id varchar,
    message_id varchar, address_key varchar, url varchar, reason varchar, bounce_type varchar,
    event_at timestamp, received_at timestamp, payload varchar, dedupe_key varchar, is_machine boolean
);
"""
JSONDict = dict[str, Any]


def unix(moment: str | datetime) -> int:
    """Epoch seconds of an ISO text in UTC."""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


@dataclass(frozen=True)
class Built:
    """A warehouse that was built, and what dbt said."""

    settings: Settings
    result: BuildResult
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a question."""
        return self.connection.execute(sql, list(values)).fetchall()


@dataclass(frozen=True)
class Published(Built):
    """The one of the golden cases: readers may open it as well."""

    snapshot: Snapshot
    """With the rates that the cases speak of."""
    next_day: Snapshot
    """The same, but the profile `stripe` takes the rate of the next day."""


def settings_in(folder: Path) -> Settings:
    """Settings of a data folder, whatever the environment says."""
    return Settings(_env_file=None, MILLSTREAM_DATA_DIR=folder, MILLSTREAM_REPORTING_TIMEZONE="UTC")


def run_unit_tests(settings: Settings, *, now: datetime) -> BuildResult:
    """The models' own unit tests, which a build leaves out; they need the tables that it made."""
    return ask_dbt(settings, ["test", "--select", "test_type:unit"], figure_environment(settings, now=now))


def run_models(settings: Settings, selection: str, *, now: datetime) -> BuildResult:
    """Some of the models alone, without their tests."""
    figures = figure_environment(settings, now=now)
    return ask_dbt(settings, ["run", "--select", selection], figures)


class Sample:
    """Objects gathered in memory and written into a new warehouse file at once."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._newest: dict[tuple[str, str, str], tuple[datetime, tuple[Any, ...]]] = {}
        # Above the numbers of versions that a loader put in before.
        self._sequence = 1_000_000

    def add(self, payload: JSONDict, *, at: str, account: str = "default", source: str = "list") -> JSONDict:
        """One version of an object, valid from `at`; invoices bring their lines along."""
        kind, moment = str(payload["object"]), datetime.fromisoformat(at)
        row = self._row(payload, moment, account, source)
        self._sequence += 1
        self._rows.setdefault("raw_stripe.object_versions", []).append((*row, self._sequence))
        key = (account, kind, str(payload["id"]))
        if kind in KINDS and (key not in self._newest or self._newest[key][0] <= moment):
            self._newest[key] = (moment, row)
        if kind == "invoice":
            for line in payload["lines"]["data"]:
                self._rows.setdefault("raw_stripe.invoice_lines", []).append(
                    (*self._row(line, moment, account, source), payload["id"])
                )
        return payload

    def insert(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Rows of any other raw table, in the order of its columns."""
        self._rows.setdefault(table, []).extend(rows)

    def write(self, path: Path) -> Path:
        """Make the warehouse file, or add to one that objects were loaded into."""
        for (_, kind, _), (_, row) in self._newest.items():
            self.insert(f"raw_stripe.{KINDS[kind]}", row)
        with duckdb.connect(str(path)) as connection:
            for schema in ("raw_stripe", "raw_events", "raw_state", "raw_email", "raw_rates"):
                connection.execute(f"create schema if not exists {schema}")
            for table in KINDS.values():
                connection.execute(f"create table if not exists raw_stripe.{table} ({COLUMNS})")
            connection.execute(OTHER_TABLES)
            for table, rows in self._rows.items():
                _insert(connection, table, rows)
            key_addresses(connection)
        return path

    @staticmethod
    def _row(payload: JSONDict, moment: datetime, account: str, source: str) -> tuple[Any, ...]:
        text = json.dumps(payload, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        deleted = bool(payload.get("deleted"))
        kind = payload.get("object", "line_item")
        event = f"evt_{digest[:12]}" if source == "event" else None
        mode = payload.get("livemode")
        return (account, mode, payload["id"], kind, "", moment, moment, source, event, deleted, digest, text)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    batch = list(rows)
    # A loader's table may have columns that no sample tells.
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()][: len(batch[0])]
    marks = ", ".join("?" for _ in columns)
    connection.execute("begin")
    connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", batch)
    connection.execute("commit")
