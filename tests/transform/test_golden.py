"""The worked cases of the revenue specification, the published ones, and random subscriptions against its arithmetic."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from pipelines.revenue import NATIVE, Question, churn, movements, mrr
from tests.transform.golden_cases import CASES, EURO, PUBLISHED, UPGRADE, published_account, published_day
from tests.transform.mrr_oracle import monthly_by_item
from tests.transform.random_subscriptions import ACCOUNT, COUNT, SUBSCRIPTIONS
from tests.transform.sample_warehouse import Published

JUNE: dict[str, Any] = {
    "date_from": date(2026, 6, 1),
    "date_to": date(2026, 6, 30),
    "by": "month",
    "timezone": "UTC",
}


def the_row(answer: dict[str, Any]) -> dict[str, Any]:
    (row,) = answer["rows"]
    found: dict[str, Any] = row
    return found


def native_mrr(built: Published, account: str, day: date, profile: str = "stripe") -> int:
    """MRR of an account at the end of a day; all cases but one have one currency."""
    answer: dict[str, Any] = mrr(
        built.snapshot,
        Question(
            date_from=day, date_to=day, by="day", currency=NATIVE, timezone="UTC", account=account, profile=profile
        ),
    )
    return sum(row["mrr_minor"] for row in answer["rows"])


@pytest.mark.parametrize("name", CASES)
def test_a_worked_case_has_the_mrr_of_the_specification(built: Published, name: str) -> None:
    assert native_mrr(built, f"golden {name}", date(2026, 6, 30)) == CASES[name].forever


@pytest.mark.parametrize("name", CASES)
def test_where_all_coupons_count_a_worked_case_has_its_other_figure(built: Published, name: str) -> None:
    assert native_mrr(built, f"golden {name}", date(2026, 6, 30), "profitwell") == CASES[name].all_active


def test_an_upgrade_in_the_middle_of_a_month_is_an_expansion_and_its_prorations_are_none(built: Published) -> None:
    row = the_row(movements(built.snapshot, Question(**JUNE, currency="USD", account=UPGRADE)))
    assert {kind: row[f"{kind}_minor"] for kind in ("opening", "new", "expansion", "contraction", "closing")} == {
        "opening": 0, "new": 2000, "expansion": 3000, "contraction": 0, "closing": 5000,
    }  # fmt: skip
    assert [native_mrr(built, UPGRADE, date(2026, 6, day)) for day in (15, 16)] == [2000, 5000]


def test_a_rate_alone_is_fx_and_no_expansion(built: Published) -> None:
    row = the_row(movements(built.snapshot, Question(**JUNE, currency="USD", account=EURO)))
    assert (row["opening_minor"], row["fx_minor"], row["closing_minor"]) == (11_000, 200, 11_200)
    assert row["expansion_minor"] == 0


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_a_published_case_has_the_published_figure(built: Published, case: dict[str, Any]) -> None:
    account = published_account(case)
    if case["kind"] == "rates":
        row = the_row(churn(built.snapshot, Question(**JUNE, currency="USD", account=account)))
        assert {name: row[name] for name in case["expected"]} == case["expected"]
    else:
        expected = case.get("expected_monthly_cents", case.get("expected_mrr_cents"))
        assert native_mrr(built, account, date.fromisoformat(published_day(case))) == expected


def test_random_subscriptions_agree_with_the_reference_to_nine_places(built: Published) -> None:
    rows = built.rows(
        "select subscription_item_id, mrr_minor from intermediate.int_items_discounted_to_mrr where account = ? and discount_rule in ('every', 'forever')",
        ACCOUNT,
    )
    ours = {str(item): Decimal(str(amount)) for item, amount in rows}
    expected: dict[str, Fraction] = {}
    for found in SUBSCRIPTIONS:
        expected |= monthly_by_item(found)
    wrong = {
        item: (ours.get(item, Decimal(0)), float(amount))
        for item, amount in expected.items()
        # Half of the last place, and what a share of an amount off may lose before it.
        if abs(Fraction(ours.get(item, Decimal(0))) - amount) > Fraction(6, 10**10)
    }
    assert len(expected) > COUNT
    assert wrong == {}
