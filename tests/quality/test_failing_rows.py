"""Rows that failed are kept for the data health page, and no person can be known by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipelines.operations.health import failing_rows_of, store_checks, store_loads
from pipelines.operations.ingest import prepare_warehouse
from pipelines.quality import CheckResult, masked_row
from pipelines.quality.masking import MASK, masked
from pipelines.quality.result import FailingRow
from pipelines.settings import Settings
from pipelines.transform import NodeResult
from pipelines.warehouse import Warehouse
from pipelines.warehouse.writer import Connection

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Connection]:
    prepare_warehouse(settings, purpose="test")
    with Warehouse(settings).write("test") as connection:
        yield connection


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("email", "ann@example.com", MASK),
        ("customer_name", "Ann Lee", MASK),
        ("billing_address", "1 Example Street", MASK),
        ("phone", "+49 30 1234567", MASK),
        ("client_ip", "203.0.113.9", MASK),
        ("name", None, None),
        ("name", "", ""),
        ("reason", "no mailbox ann.lee+x@mail.example.com here", f"no mailbox {MASK} here"),
        ("proof", "form:signup ip:192.0.2.7", f"form:signup ip:{MASK}"),
        ("proof", "seen from 2001:db8::1", f"seen from {MASK}"),
        ("user_id", "ann@example.com", MASK),
        ("key", "default/false/ch_3Pq", "default/false/ch_3Pq"),
        ("customer_id", "cus_123", "cus_123"),
        ("address_key", "9f86d081884c7d65", "9f86d081884c7d65"),
        ("currency", "Q1", "Q1"),
        ("amount", -5, "-5"),
        ("product_name", "Reports", "Reports"),
        ("value", float("nan"), None),
        ("version_at", "2026-11-24 10:20:30", "2026-11-24 10:20:30"),
        ("api_version", "2026-10-28.endive", "2026-10-28.endive"),
        ("note", "x" * 200, "x" * 79 + "…"),
    ],
)
def test_what_is_personal_is_masked_and_what_is_not_stays(column: str, value: object, shown: str | None) -> None:
    assert masked(column, value) == shown


def result(name: str, *rows: FailingRow, passed: bool = False) -> CheckResult:
    return CheckResult(name, "raw_stripe.charges", "great_expectations", "warn", passed, len(rows), "", rows)


def test_failing_rows_live_as_long_as_their_failure(warehouse: Connection) -> None:
    shown = masked_row("default/false/ch_1", {"email": "ann@example.com", "amount": -5, "currency": None})
    store_checks(warehouse, [result("one", shown), result("two", passed=True)], now=NOW, is_whole=True)
    rows = warehouse.execute("select name, position, row_key, row_values from health.failing_rows").fetchall()
    assert [row[:3] for row in rows] == [("one", 1, "default/false/ch_1")]
    assert json.loads(rows[0][3]) == {"email": MASK, "amount": "-5", "currency": None}
    store_checks(warehouse, [result("one", passed=True)], now=NOW, is_whole=True)
    assert warehouse.execute("select count(*) from health.failing_rows").fetchall() == [(0,)]


def test_rows_that_a_models_test_found_are_asked_for_again_five_at_most(warehouse: Connection) -> None:
    warehouse.execute("create table marts.people as select range as person_id, 'Ann' as name from range(9)")
    sql = "select person_id, name from marts.people order by person_id"
    found = failing_rows_of(warehouse, node(failures=9, sql=sql))
    assert [row.values for row in found] == [{"person_id": str(number), "name": MASK} for number in range(5)]
    assert failing_rows_of(warehouse, node(failures=0, sql=sql)) == ()
    assert failing_rows_of(warehouse, node(failures=1, sql="select * from marts.gone")) == ()


def node(*, failures: int, sql: str) -> NodeResult:
    status = "fail" if failures else "pass"
    return NodeResult("test.millstream.t", "test", status, failures, None, 0.1, "marts.people", sql)


def test_kinds_states_and_fields_that_we_do_not_know_are_counted(warehouse: Connection) -> None:
    warehouse.execute("""
        insert into raw_stripe.object_versions (account, livemode, id, object) values
            ('a', false, 'f_1', 'flying_carpet'), ('a', false, 'f_1', 'flying_carpet'),
            ('a', false, 'f_2', 'flying_carpet'), ('a', false, 'di_1', 'discount'), ('a', false, 'ch_1', 'charge')
    """)
    warehouse.execute("""
        insert into raw_stripe.charges (account, id, payload) values
            ('a', 'ch_1', '{"status": "succeeded"}'), ('a', 'ch_2', '{"status": "floating"}'), ('a', 'ch_3', '{}')
    """)
    warehouse.execute("""
        insert into raw_stripe.fields values
            ('charge', 'amount', 9), ('charge', 'invoice', 9), ('charge', 'wings', 4), ('flying_carpet', 'wings', 2)
    """)
    store_loads(warehouse)
    rows = warehouse.execute("select * from health.unknown_values order by table_name, field").fetchall()
    assert rows == [
        ("raw_stripe.charges", "status", "floating", 1),
        ("raw_stripe.object_versions", "field of charge", "wings", 4),
        ("raw_stripe.object_versions", "object", "flying_carpet", 2),
    ]
