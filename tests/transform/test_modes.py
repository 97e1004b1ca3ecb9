"""Accounts, and live and test data, are never mixed, though their objects have the same ids."""

from __future__ import annotations

import pytest

from tests.transform.sample_warehouse import Built
from tests.transform.two_modes import ACCOUNTS, PAID


@pytest.mark.parametrize("account", ACCOUNTS)
def test_live_figures_hold_no_test_data(built: Built, account: str) -> None:
    live = PAID[account, True]
    assert built.rows(
        "select sum(delta_minor)::bigint from marts.fct_mrr_changes where profile = 'stripe' and account = ?", account
    ) == [(live,)]
    payments = built.rows("select kind, amount_minor from marts.fct_payments where account = ? order by kind", account)
    assert payments == [("charge", live), ("refund", -live // 4)]
    assert built.rows("select total_minor from marts.fct_invoices where account = ?", account) == [(live,)]
    assert built.rows("select unit_amount_minor from marts.dim_prices where account = ?", account) == [(live,)]


def test_nobody_is_known_by_a_test_customer_alone(built: Built) -> None:
    emails = built.rows("select email from marts.dim_customers where email like '%@modes.example.com' order by email")
    assert emails == [("100@modes.example.com",), ("400@modes.example.com",)]


def test_every_mode_is_kept(built: Built) -> None:
    for table, kinds in (("charges", 4), ("customers", 4), ("invoice_lines", 4), ("refunds", 4), ("subscriptions", 4)):
        rows = built.rows(
            f"select count(distinct (account, livemode, id)), count(*) from raw_stripe.{table} "
            "where starts_with(account, 'two modes')"
        )
        assert rows == [(kinds, kinds)], table


@pytest.mark.long
def test_asked_for_test_mode_the_figures_are_of_test_data(in_test_mode: dict[str, int]) -> None:
    assert {account: in_test_mode[account] for account in ACCOUNTS} == {
        account: PAID[account, False] for account in ACCOUNTS
    }
    assert not any(account.startswith("told in") for account in in_test_mode)
