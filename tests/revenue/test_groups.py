"""Reports taken apart: whatever the group, its rows add up to the row that is not taken apart."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import invoke
from pipelines.revenue import (
    GROUPS,
    NATIVE,
    Group,
    Question,
    explain,
    movements,
    movements_by_group,
    mrr,
    mrr_by_group,
)
from pipelines.revenue.transfers import parts_of
from pipelines.warehouse import Snapshot
from tests.building import newest

RANGE: dict[str, Any] = {"date_from": date(2026, 9, 1), "date_to": date(2026, 11, 23), "timezone": "UTC"}
KINDS = ("new", "expansion", "contraction", "churn", "reactivation", "transfer", "fx")
OF_CUSTOMERS = {"country", "channel", "segment", "customer"}
Row = dict[str, Any]
Key = tuple[date, str]


def amounts_of(rows: list[Row], group: str | None = None) -> dict[Key, dict[str, int]]:
    """Sums of every amount by period and currency of the amounts."""
    own = "reporting_currency" if group == "currency" else "currency"
    sums: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        for name, value in row.items():
            if name.endswith("_minor"):
                sums[row["period"], row[own]][name] += value
    return sums


def check_that_they_add_up(whole: list[Row], parts: list[Row], group: str) -> None:
    expected, found = amounts_of(whole), amounts_of(parts, group)
    for key, amounts in expected.items():
        told = found[key]
        assert {name: told[name] for name in amounts} == amounts, (group, key)
        assert told["transfer_minor"] == 0, (group, key)
    assert found.keys() <= expected.keys()


@pytest.mark.parametrize("currency", ["USD", "EUR", NATIVE])
@pytest.mark.parametrize("group", GROUPS)
def test_the_parts_of_a_period_add_up_to_it(built_folder: Path, group: Group, currency: str) -> None:
    snapshot = newest(built_folder)
    for by in ("month", "week") if currency == "USD" else ("month",):
        asked = RANGE | {"by": by, "currency": currency}
        whole: Any = movements(snapshot, Question(**asked))["rows"]
        parts: Any = movements_by_group(snapshot, Question(**asked), group=group)["rows"]
        check_that_they_add_up(whole, parts, group)
        for part in parts:
            moved = sum(part[f"{kind}_minor"] for kind in KINDS)
            assert part["opening_minor"] + moved == part["closing_minor"]
            assert currency != NATIVE or part["fx_minor"] == 0
            assert group not in OF_CUSTOMERS or part["transfer_minor"] == 0
        whole = mrr(snapshot, Question(**asked))["rows"]
        parts = mrr_by_group(snapshot, Question(**asked), group=group)["rows"]
        check_that_they_add_up(whole, parts, group)
        if group in OF_CUSTOMERS and currency != NATIVE:
            for row in whole:
                own = [part["customers"] for part in parts if part["period"] == row["period"]]
                assert sum(own) == row["customers"]


def test_groups_have_values_and_a_customer_has_one_country(built_folder: Path) -> None:
    snapshot = newest(built_folder)
    asked = RANGE | {"by": "month", "currency": "USD"}
    for group in GROUPS:
        rows: Any = mrr_by_group(snapshot, Question(**asked), group=group)["rows"]
        values = {row[group] for row in rows}
        assert len(values) > 1 or group == "segment", group
        assert rows == sorted(rows, key=lambda row: (row["period"], -row["mrr_minor"]))


@pytest.mark.parametrize("currency", ["USD", NATIVE])
def test_a_product_is_the_sum_of_its_rows_in_explain(built_folder: Path, currency: str) -> None:
    snapshot = newest(built_folder)
    day = date(2026, 11, 23)
    names = dict(snapshot.query("select product_id, product_name from marts.dim_products").iter_rows())
    explained: dict[tuple[str, str], int] = defaultdict(int)
    rows: Any = explain(snapshot, "mrr", at=day, currency=currency, timezone="UTC")["rows"]
    for row in rows:
        explained[names[row["product_id"]], row["currency"]] += row["amount_minor"]
    parts: Any = mrr_by_group(
        snapshot, Question(date_from=day, date_to=day, by="day", currency=currency, timezone="UTC"), group="product"
    )["rows"]
    assert {(part["product"], part["currency"]): part["mrr_minor"] for part in parts} == explained


def test_the_command_tells_groups_for_people_and_for_scripts(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke(["revenue", "movements", "--group", "currency", "--from", "2026-11-01", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["reporting_currency"] for row in rows} == {"USD"}
    assert len({row["currency"] for row in rows}) > 1
    assert invoke(["revenue", "movements", "--group", "plan", "--from", "2026-11-01"]) == 0
    told = capsys.readouterr().out
    assert told.split()[:4] == ["period", "plan", "opening", "new"]
    assert "transfer" in told


def test_whoever_is_in_two_segments_is_in_a_row_of_both(told: Callable[..., Snapshot]) -> None:
    """Only who is a member now; a customer whose person nobody knows has no value."""
    snapshot = told(
        [
            ("cus_1", "USD", "2026-02-01", 10, 0),
            ("cus_2", "USD", "2026-02-01", 20, 0),
            ("cus_3", "USD", "2026-03-01", 40, 0),
            ("cus_4", "USD", "2026-03-02", 80, 0),
        ],
        [("2026-01-01", "USD", "1.0")],
        "create or replace table marts.dim_customers as select * from (values ('ada', ['cus_1', 'cus_2'], 'GB', 'ads'), "
        "('bob', ['cus_3'], null, 'direct')) as _ (person_id, stripe_customer_ids, country, acquisition_channel)",
        "create schema if not exists segments",
        "create or replace table segments.memberships as select * from (values ('vip', 'ada', null), "
        "('big', 'ada', null), ('vip', 'bob', null), ('big', 'bob', timestamp '2026-03-05')) "
        "as _ (segment, person_id, left_at)",
    )
    march = {"date_from": date(2026, 3, 1), "date_to": date(2026, 3, 31), "by": "month", "currency": "USD"}

    def held(group: Group) -> dict[str | None, tuple[int, int]]:
        rows: Any = mrr_by_group(snapshot, Question(timezone="UTC", **march), group=group)["rows"]  # type: ignore[arg-type]
        return {row[group]: (row["mrr_minor"], row["customers"]) for row in rows}

    assert held("segment") == {None: (80, 1), "vip": (40, 1), "big + vip": (30, 2)}
    assert held("country") == {None: (120, 2), "GB": (30, 2)}
    assert held("channel") == {None: (80, 1), "direct": (40, 1), "ads": (30, 2)}


changes = st.dictionaries(st.sampled_from("abcdef"), st.integers(-(10**9), 10**9).filter(bool), min_size=1)


@given(changes)
def test_a_movement_goes_to_the_groups_that_moved_its_way_and_the_rest_is_transfer(found: dict[str, int]) -> None:
    amount = sum(found.values())
    parts = parts_of(amount, found)  # type: ignore[arg-type]
    assert sum(parts.moved.values()) == amount
    assert sum(parts.transferred.values()) == 0
    for group, change in found.items():
        moved, transferred = parts.moved.get(group, 0), parts.transferred.get(group, 0)
        assert moved + transferred == change
        # Nobody moves against the customer, and no more than they changed themselves.
        assert moved * amount >= 0
        assert abs(moved) <= abs(change)


def test_a_switch_of_plan_is_a_transfer_of_what_both_had() -> None:
    up = parts_of(3000, {"small": -2000, "large": 5000})
    assert (up.moved, up.transferred) == ({"large": 3000}, {"small": -2000, "large": 2000})
    down = parts_of(-3000, {"small": 2000, "large": -5000})
    assert (down.moved, down.transferred) == ({"large": -3000}, {"small": 2000, "large": -2000})
    even = parts_of(0, {"monthly": -50, "yearly": 50})
    assert (even.moved, even.transferred) == ({}, {"monthly": -50, "yearly": 50})
