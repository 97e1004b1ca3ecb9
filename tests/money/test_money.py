"""Amounts as text, and one table of decimals for models, rules and pages."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.money import exponent, format_money, format_share, major, minor

SEED = Path(__file__).parents[2] / "dbt_project" / "seeds" / "currencies.csv"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (500, "JPY", "¥500"),
        (500, "ISK", "ISK\xa05"),
        (500, "UGX", "UGX\xa05"),
        (5120, "KWD", "KWD\xa05.120"),
        (500, "USD", "$5.00"),
    ],
)
def test_the_worked_amounts_of_stripes_currencies(amount: int, currency: str, text: str) -> None:
    """Stripe's special cases: 500 is 500 yen, 5 krónur, 5 shillings, 5.120 dinars are 5120."""
    assert format_money(amount, currency) == text


def test_the_models_and_the_code_know_the_same_decimals() -> None:
    rows = list(csv.DictReader(SEED.read_text().splitlines()))
    assert {row["currency"]: exponent(row["currency"]) for row in rows} == {
        row["currency"]: int(row["exponent"]) for row in rows
    }


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "ISK"]))
def test_minor_and_major_are_exact_opposites(amount: int, currency: str) -> None:
    assert minor(major(amount, currency), currency) == amount


def test_losses_have_a_real_minus_and_nothing_is_a_dash() -> None:
    assert format_money(-123456, "USD") == "−$1,234.56"
    assert format_money(19_940_000, "USD", compact=True) == "$199.4K"
    assert format_money(None, "USD") == format_share(None) == "–"
    assert format_share(Decimal("0.0214")) == "2.1 %"
