"""What one number is made of: the rows add up to the number that the report prints."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import invoke
from pipelines.errors import UsageError
from pipelines.revenue import NATIVE, Question, explain, movements, mrr
from pipelines.revenue.shares import split
from pipelines.warehouse import Snapshot
from tests.building import newest

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")


@pytest.fixture(scope="module")
def snapshot(built_folder: Path) -> Snapshot:
    return newest(built_folder)


def ask(snapshot: Snapshot, report: str, day: date, currency: str, customer: str | None = None) -> dict[str, Any]:
    return explain(snapshot, report, at=day, currency=currency, timezone="UTC", customer=customer)


def of_day(day: date, currency: str) -> dict[str, Any]:
    return {"date_from": day, "date_to": day, "by": "day", "currency": currency, "timezone": "UTC"}


@pytest.mark.parametrize("day", [date(2026, 8, 1), date(2026, 10, 15), date(2026, 11, 23), date(2027, 2, 1)])
def test_the_rows_add_up_to_the_mrr_of_the_day(snapshot: Snapshot, day: date) -> None:
    for currency in ("USD", "EUR", "JPY", NATIVE):
        found = ask(snapshot, "mrr", day, currency)
        reported: dict[str, Any] = mrr(snapshot, Question(**of_day(day, currency)))
        told = {row["currency"]: row["mrr_minor"] for row in reported["rows"] if row["mrr_minor"]}
        total = found["total_minor"]
        assert (total if currency == NATIVE else {currency: total} if total else {}) == told
        assert sum(row["amount_minor"] for row in found["rows"]) == sum(told.values())


def test_the_rows_of_a_days_movements_add_up_to_it(snapshot: Snapshot) -> None:
    days = [row[0] for row in snapshot.query("select distinct changed_date from marts.fct_mrr_movements_daily").rows()]
    assert len(days) > 10
    for day in days:
        found = ask(snapshot, "movements", day, "USD")
        reported: dict[str, Any] = movements(snapshot, Question(**of_day(day, "USD")))
        (row,) = reported["rows"]
        by_kind = {kind: sum(one["amount_minor"] for one in found["rows"] if one["movement"] == kind) for kind in KINDS}
        assert by_kind == {kind: row[f"{kind}_minor"] for kind in KINDS}


def test_a_row_names_what_told_it_since_when_and_the_checks_that_guard_it(snapshot: Snapshot) -> None:
    found = ask(snapshot, "mrr", date(2026, 11, 23), "USD")
    told = {str(name) for (name,) in snapshot.query("select object_id from marts.fct_mrr_changes").rows()}
    for row in found["rows"]:
        assert row["object_id"] in told
        assert row["rule"]
        assert row["cause"]
        assert row["valid_from"].date() <= date(2026, 11, 23)
        assert row["valid_to"] is None or row["valid_to"].date() > date(2026, 11, 23)
    names = {check["name"] for check in found["checks"]}
    assert {
        "no_item_has_negative_mrr",
        "opening_and_movements_give_closing",
        "customers_add_up_to_the_daily_total",
    } <= names
    assert all(check["is_passed"] for check in found["checks"])
    again = snapshot.query(found["sql"], **found["parameters"])
    assert again.height == len(found["rows"])


def test_one_customers_rows_are_those_of_the_whole(snapshot: Snapshot) -> None:
    whole = ask(snapshot, "mrr", date(2026, 11, 23), "USD")["rows"]
    customer = whole[0]["customer_id"]
    alone = ask(snapshot, "mrr", date(2026, 11, 23), "USD", customer)
    assert alone["rows"] == [row for row in whole if row["customer_id"] == customer]
    assert alone["customer"] == customer


def test_a_customer_that_nobody_knows_and_a_report_without_rows_are_wrong_calls(snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match="cus_nobody"):
        ask(snapshot, "mrr", date(2026, 11, 23), "USD", "cus_nobody")
    with pytest.raises(UsageError, match="only mrr, movements, churn"):
        ask(snapshot, "weather", date(2026, 11, 23), "USD")


def test_the_command_answers_with_the_fields_of_the_contract(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke(["explain", "mrr", "--at", "2026-11-23", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {
        "report",
        "profile",
        "currency",
        "timezone",
        "snapshot",
        "as_of",
        "unconverted",
        "rows",
        "sql",
        "checks",
    } <= document.keys()
    fields = {"amount_minor", "cause", "rule", "object_id", "event_id", "valid_from", "valid_to"}
    assert fields <= document["rows"][0].keys()
    assert invoke(["explain", "mrr", "--at", "2026-11-23"]) == 0
    assert "total $" in capsys.readouterr().out
    for wrong in (
        ["mrr"],
        ["mrr", "--at", "soon"],
        ["reconcile", "--at", "2026-11-23"],
        ["trials", "--at", "2026-11-23", "--currency", "EUR"],
        ["mrr", "--at", "2026-11-23", "--customer", "x"],
    ):
        assert invoke(["explain", *wrong]) == 2
        assert capsys.readouterr().err


@given(
    st.integers(-10_000, 10_000),
    st.lists(st.decimals(-1000, 1000, places=9, allow_nan=False, allow_infinity=False), min_size=1, max_size=9),
)
def test_shares_add_up_to_the_whole_and_a_fitting_whole_moves_none_by_a_unit(total: int, parts: list[Decimal]) -> None:
    assert sum(split(total, parts)) == total
    whole = round(sum(parts))
    for share, part in zip(split(whole, parts), parts, strict=True):
        assert abs(share - part) < 1 + Decimal(1) / len(parts)
