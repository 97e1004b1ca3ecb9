"""The worked cases of the revenue specification, and random subscriptions against its arithmetic."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.transform.golden_cases import CASES
from tests.transform.mrr_oracle import monthly_by_item
from tests.transform.random_subscriptions import ACCOUNT, COUNT, SUBSCRIPTIONS
from tests.transform.sample_warehouse import Built


@pytest.mark.parametrize("name", CASES)
def test_a_worked_case_has_the_mrr_of_the_specification(built: Built, name: str) -> None:
    found = built.rows(
        "select coalesce(sum(closing_minor), 0) from marts.fct_mrr_movements_daily where account = ?",
        f"golden {name}",
    )
    assert found == [(CASES[name][1],)]


def test_random_subscriptions_agree_with_the_reference_to_nine_places(built: Built) -> None:
    rows = built.rows(
        "select subscription_item_id, mrr_minor from intermediate.int_items_discounted_to_mrr where account = ?",
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
