"""Each expectation of each landed table passes over good rows and fails over the rows that break it."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from pipelines.delivery import feedback
from pipelines.events import prepare_events
from pipelines.quality import SUITES, CheckResult, check_landed
from pipelines.settings import Settings
from pipelines.stripe import prepare_stripe
from pipelines.stripe.catalogue import CHILD_KINDS, TABLES
from pipelines.stripe.known_values import STATUSES
from pipelines.warehouse import Warehouse
from pipelines.warehouse.writer import Connection

CREATED = 1_790_000_000
NEW, OLD = "2026-01-01", "1999-01-01"
Json = dict[str, Any]

GOOD: dict[str, Json] = {
    "customers": {"created": CREATED},
    "products": {"name": "Reports"},
    "prices": {"currency": "usd"},
    "plans": {"currency": "usd", "interval": "month"},
    "coupons": {"percent_off": 12.5, "duration": "once"},
    "promotion_codes": {"code": "SUMMER"},
    "subscriptions": {"customer": "cus_1", "status": "active"},
    "subscription_schedules": {"phases": [], "status": "active"},
    "invoices": {"currency": "usd", "amount_paid": 0, "status": "open"},
    "invoice_lines": {"currency": "usd", "amount": -5},
    "invoice_payments": {"invoice": "in_1", "status": "paid"},
    "invoiceitems": {"currency": "usd", "amount": -5},
    "credit_notes": {"currency": "usd", "amount": 5, "invoice": "in_1", "status": "issued"},
    "credit_note_lines": {"amount": 5},
    "charges": {"currency": "usd", "amount": 5, "created": CREATED, "status": "succeeded"},
    "payment_intents": {"currency": "usd", "amount": 5, "status": "processing"},
    "refunds": {"amount": 5, "payment_intent": "pi_1", "status": "pending"},
    "disputes": {"currency": "usd", "amount": 5, "charge": "ch_1", "status": "won"},
    "balance_transactions": {"currency": "usd", "net": -5},
    "payouts": {"currency": "usd", "amount": -5, "status": "paid"},
    "checkout_sessions": {"mode": "payment", "status": "open"},
    "events": {},
}
BAD: dict[str, Json] = {
    "customers": {"created": 5},
    "products": {},
    "prices": {"currency": "USD"},
    "plans": {"currency": "dollars", "interval": "decade"},
    "coupons": {"percent_off": 120, "duration": "sometimes"},
    "promotion_codes": {},
    "subscriptions": {"status": "dreaming"},
    "subscription_schedules": {"status": "dreaming"},
    "invoices": {"currency": "", "amount_paid": -1, "status": "dreaming"},
    "invoice_lines": {"currency": "us"},
    "invoice_payments": {"status": "dreaming"},
    "invoiceitems": {"currency": "us"},
    "credit_notes": {"currency": "us", "amount": -1, "status": "dreaming"},
    "credit_note_lines": {},
    "charges": {"currency": "us", "amount": -1, "created": 5, "status": "dreaming"},
    "payment_intents": {"currency": "us", "amount": -1, "status": "dreaming"},
    "refunds": {"amount": -1, "status": "dreaming"},
    "disputes": {"currency": "us", "amount": -1, "status": "dreaming"},
    "balance_transactions": {"currency": "us"},
    "payouts": {"currency": "us", "status": "dreaming"},
    "checkout_sessions": {"mode": "dreaming", "status": "dreaming"},
    "events": {},
}
"""Breaks every expectation of its table but those of id and key. Of coupons `off` needs one more row."""


def put(connection: Connection, table: str, identifier: str | None, payload: Json, **more: object) -> None:
    row: dict[str, object] = {
        "account": "a",
        "livemode": False,
        "id": identifier,
        "version_at": NEW,
        "is_deleted": False,
        "payload": json.dumps(payload),
        **more,
    }
    if table in {child.table for child in CHILD_KINDS}:
        row.setdefault("parent_id", "in_1")
    marks = ", ".join(f"${name}" for name in row)
    connection.execute(f"insert into raw_stripe.{table} ({', '.join(row)}) values ({marks})", row)


def lake(connection: Connection, *rows: str) -> None:
    """Make the event lake of these rows of SQL."""
    connection.execute(
        "create or replace view raw_events.lake_events as select * from (values "
        f"{', '.join(rows)}) as rows (event_id, event, visitor_key, event_at, received_at)"
    )


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Connection]:
    with Warehouse(settings).write("test") as connection:
        prepare_stripe(connection)
        prepare_events(connection, settings)
        feedback.prepare_email(connection)
        yield connection


def failed(results: list[CheckResult]) -> dict[tuple[str, str], CheckResult]:
    return {(one.table, one.name): one for one in results if not one.is_passed}


def test_every_landed_table_has_a_suite() -> None:
    assert {suite.table for suite in SUITES} == {f"raw_stripe.{table}" for table in TABLES.values()} | {
        "raw_events.events",
        "raw_email.events",
    }
    assert len({(suite.table, one.name) for suite in SUITES for one in suite.expectations}) == sum(
        len(suite.expectations) for suite in SUITES
    )


def test_nothing_landed_yet_is_nothing_wrong(warehouse: Connection) -> None:
    results = check_landed(warehouse)
    assert failed(results) == {}
    assert {one.message for one in results} == {"no rows yet"}
    warehouse.execute("drop table raw_email.events")
    assert {one.message for one in check_landed(warehouse) if one.table == "raw_email.events"} == {"not made yet"}


def test_good_rows_pass_every_expectation(warehouse: Connection) -> None:
    for table, payload in GOOD.items():
        put(warehouse, table, "x_1", payload)
        # What was deleted may look as it likes.
        put(warehouse, table, "x_2", BAD[table], is_deleted=True)
    warehouse.execute(
        "insert into raw_email.events (event_id, event, event_at, received_at) values ('m', 'open', now(), now())"
    )
    lake(warehouse, "('e', 'Signed Up', 1, timestamp '2026-01-01', timestamp '2026-01-01')")
    results = check_landed(warehouse)
    assert failed(results) == {}
    assert {one.message for one in results} == {""}
    assert len(results) == sum(len(suite.expectations) for suite in SUITES)


def test_each_expectation_fails_over_the_rows_that_break_it_and_names_them(warehouse: Connection) -> None:
    for table, payload in BAD.items():
        moment = OLD if table == "events" else NEW
        put(warehouse, table, None, GOOD[table])
        for _ in range(2):
            put(warehouse, table, "twice", GOOD[table])
        for number in range(7):
            put(warehouse, table, f"bad_{number}", payload, version_at=moment)
    put(warehouse, "coupons", "neither", {"duration": "once"})
    warehouse.execute(
        "insert into raw_email.events (event_id, event) values (null, 'open'), ('m', 'teleported'), ('m', 'open')"
    )
    lake(
        warehouse,
        "(null, 'Signed Up', 1, timestamp '2026-01-01', timestamp '2026-01-01')",
        "('e', null, null, timestamp '2900-01-01', timestamp '2026-01-01')",
        "('e', 'Signed Up', 1, timestamp '2026-01-01', timestamp '2026-01-01')",
    )
    found = failed(check_landed(warehouse))
    # A missing id makes a missing key, which is no second row of the same key.
    assert found.keys() == {(suite.table, one.name) for suite in SUITES for one in suite.expectations}
    assert {key: one.failing_rows for key, one in found.items() if key[1] == "key_is_unique"} == {
        (f"raw_stripe.{table}", "key_is_unique"): 2 for table in BAD
    }
    charge = found["raw_stripe.charges", "amount_is_in_range"]
    assert (charge.severity, charge.failing_rows, charge.message) == ("error", 7, "7 of 10 rows")
    assert [(row.key, row.values) for row in charge.examples] == [
        (f"a/false/bad_{number}", {"amount": "-1"}) for number in range(5)
    ]
    missing = found["raw_stripe.subscriptions", "customer_is_present"]
    assert {tuple(row.values.items()) for row in missing.examples} == {(("customer", None),)}
    unknown = found["raw_stripe.disputes", "status_is_known"]
    assert (unknown.severity, unknown.examples[0].values) == ("warn", {"status": "dreaming"})
    assert found["raw_stripe.credit_note_lines", "key_is_unique"].examples[0].key == "a/false/in_1/twice"


SPELLED_OUT = {
    "subscriptions": stripe.Subscription,
    "subscription_schedules": stripe.SubscriptionSchedule,
    "invoices": stripe.Invoice,
    "credit_notes": stripe.CreditNote,
    "charges": stripe.Charge,
    "payment_intents": stripe.PaymentIntent,
    "disputes": stripe.Dispute,
    "checkout_sessions": stripe.checkout.Session,
}
TOLD_IN_WORDS = {"invoice_payments": "_invoice_payment", "refunds": "_refund", "payouts": "_payout"}


def test_every_list_of_states_is_held_to_the_sdk() -> None:
    assert STATUSES.keys() == SPELLED_OUT.keys() | TOLD_IN_WORDS.keys()


@pytest.mark.parametrize("table", SPELLED_OUT)
def test_the_known_states_are_those_of_the_sdks_types(table: str) -> None:
    choices = [
        value
        for part in typing.get_args(SPELLED_OUT[table].__annotations__["status"])
        for value in typing.get_args(part)
    ]
    assert sorted(STATUSES[table]) == sorted(choices)


@pytest.mark.parametrize("table", TOLD_IN_WORDS)
def test_the_known_states_are_those_of_the_sdks_words(table: str) -> None:
    text = (Path(stripe.__path__[0]) / f"{TOLD_IN_WORDS[table]}.py").read_text()
    (words,) = re.findall(r'    status: (?:Optional\[str\]|str)\n    """(.*?)"""', text, re.DOTALL)
    assert set(STATUSES[table]) <= set(re.findall(r"`(\w+)`", words))
