"""The published golden cases by number, under each profile that they speak of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.money import format_money
from pipelines.revenue import NATIVE, Question, cash, churn, compare, movements, mrr
from tests.transform.golden_cases import CASES
from tests.transform.profile_cases import AMOUNTS
from tests.transform.sample_warehouse import Published
from tests.transform.test_golden import native_mrr

PROFILES = ("stripe", "chartmogul", "profitwell")
in_all_profiles = pytest.mark.parametrize("profile", PROFILES)
Moved = list[tuple[str, str, int]]


def moved(built: Published, account: str, profile: str = "stripe") -> Moved:
    """Day, kind and amount of each movement."""
    return [
        (str(day), str(kind), int(minor))
        for day, kind, minor in built.rows(
            "select changed_date, movement, amount_minor from marts.fct_mrr_movements_daily "
            "where account = ? and profile = ? order by changed_date",
            account,
            profile,
        )
    ]


def in_june(report: Any, built: Published, account: str, currency: str, profile: str = "stripe") -> dict[str, Any]:
    june = date(2026, 6, 1), date(2026, 6, 30)
    asked = Question(*june, by="month", timezone="UTC", currency=currency, account=account, profile=profile)
    answer: dict[str, Any] = report(built.snapshot, asked)
    (row,) = answer["rows"]
    found: dict[str, Any] = row
    return found


@in_all_profiles
def test_g1_a_hundred_monthly_and_fifty_yearly(built: Published, profile: str) -> None:
    assert native_mrr(built, "G1", date(2026, 5, 1), profile) == 12_500_00


@in_all_profiles
def test_g2_the_story_of_gold_and_silver(built: Published, profile: str) -> None:
    assert moved(built, "G2", profile) == [
        ("2026-05-01", "new", 166_67),
        ("2026-05-10", "expansion", 60_00),
        ("2026-05-20", "contraction", -60_00),
        ("2026-06-01", "churn", -166_67),
        ("2026-06-10", "reactivation", 150_00),
    ]


@in_all_profiles
def test_g3_of_two_subscriptions_only_the_last_to_end_is_churn(built: Published, profile: str) -> None:
    assert moved(built, "G3", profile)[1:] == [
        ("2026-05-10", "contraction", -30_00),
        ("2026-05-20", "churn", -20_00),
    ]


@in_all_profiles
def test_g4_half_off_for_ever(built: Published, profile: str) -> None:
    assert native_mrr(built, "G4", date(2026, 6, 30), profile) == 50_00


@in_all_profiles
def test_g5_half_off_once(built: Published, profile: str) -> None:
    assert moved(built, "G5", profile) == (
        [("2026-05-01", "new", 100_00)]
        if profile == "stripe"
        else [("2026-05-01", "new", 50_00), ("2026-06-01", "expansion", 50_00)]
    )


@in_all_profiles
def test_g6_an_amount_off_a_year_is_spread_over_it(built: Published, profile: str) -> None:
    assert native_mrr(built, "G6", date(2026, 6, 30), profile) == 58_33


@in_all_profiles
def test_g7_a_trial_whose_first_invoice_nobody_paid(built: Published, profile: str) -> None:
    assert moved(built, "G7", profile) == (
        [] if profile == "chartmogul" else [("2026-05-15", "new", 50_00), ("2026-05-25", "churn", -50_00)]
    )


@in_all_profiles
def test_g8_past_due_for_a_while_is_no_movement(built: Published, profile: str) -> None:
    assert moved(built, "G8", profile) == [("2026-05-01", "new", 50_00)]


@in_all_profiles
def test_g9_seats_from_three_to_five_to_two(built: Published, profile: str) -> None:
    assert moved(built, "G9", profile)[1:] == [
        ("2026-05-10", "expansion", 20_00),
        ("2026-05-20", "contraction", -30_00),
    ]


@in_all_profiles
def test_g10_a_monthly_item_replaced_by_a_yearly_one_is_one_contraction(built: Published, profile: str) -> None:
    assert moved(built, "G10", profile)[1:] == [("2026-05-10", "contraction", -10_00)]


def test_g11_gross_and_net_churn(built: Published) -> None:
    row = in_june(churn, built, "published chartmogul-churn-rates", "USD")
    assert (row["gross_mrr_churn_rate"], row["net_mrr_churn_rate"]) == (0.2, 0.1)


def test_g12_twelve_of_a_hundred_leave_one_comes_back_and_one_had_just_come(built: Published) -> None:
    assert in_june(churn, built, "G12", "USD")["customer_churn_rate_rolling_30d"] == round(12 / 101, 6)
    assert in_june(churn, built, "G12", "USD", "chartmogul")["customer_churn_rate_calendar"] == 0.1


def test_g14_amounts_in_the_smallest_unit_of_their_currency(built: Published) -> None:
    rows = dict(
        built.rows(
            "select currency, closing_minor from marts.fct_mrr_movements_daily "
            "where account = 'G14' and profile = 'stripe'"
        )
    )
    assert rows == {currency.upper(): int(amount) for amount, currency in AMOUNTS}
    shown = {currency: format_money(minor, currency) for currency, minor in rows.items()}
    assert {currency: "".join(c for c in text if c.isdigit() or c == ".") for currency, text in shown.items()} == {
        "JPY": "500", "ISK": "5", "UGX": "5", "KWD": "5.120", "USD": "5.00",
    }  # fmt: skip


@in_all_profiles
def test_g15_a_rate_alone_is_fx(built: Published, profile: str) -> None:
    row = in_june(movements, built, "G15", "CAD", profile)
    assert (row["opening_minor"], row["fx_minor"], row["expansion_minor"]) == (110_00, 10_00, 0)


@in_all_profiles
def test_g16_a_refund_lowers_cash_and_no_mrr(built: Published, profile: str) -> None:
    assert moved(built, "G16", profile) == [("2026-05-01", "new", 50_00)]
    row = in_june(cash, built, "G16", NATIVE, profile)
    assert (row["gross_minor"], row["refunds_minor"], row["net_minor"]) == (0, 50_00, -50_00)


@in_all_profiles
@pytest.mark.parametrize("order", ["in order", "the other way"])
def test_g17_of_two_events_of_one_second_the_update_has_the_last_word(
    built: Published, order: str, profile: str
) -> None:
    assert native_mrr(built, f"G17 {order}", date(2026, 6, 30), profile) == 50_00


@in_all_profiles
def test_g18_a_switch_to_yearly_leaves_the_months_before_as_they_were(built: Published, profile: str) -> None:
    months = [date(2025, 6, 15), date(2026, 3, 15), date(2026, 5, 31)]
    assert [native_mrr(built, "G18", day, profile) for day in months] == [50_00, 50_00, 50_00]


@in_all_profiles
def test_g20_a_metered_item_is_worth_nothing(built: Published, profile: str) -> None:
    assert moved(built, "G20", profile) == []


def test_g21_stripes_own_template_takes_the_rate_of_the_next_day_and_rounds_each_currency(
    built: Published,
) -> None:
    """The rate changes on 15 June from 1.10 to 1.12."""
    day = date(2026, 6, 14)
    asked: dict[str, Any] = {"date_from": day, "date_to": day, "by": "day", "currency": "USD", "timezone": "UTC"}
    usual: dict[str, Any] = mrr(built.snapshot, Question(**asked, account="golden 16 euros"))
    theirs: dict[str, Any] = mrr(built.next_day, Question(**asked, account="golden 16 euros"))
    assert [row["mrr_minor"] for answer in (usual, theirs) for row in answer["rows"]] == [110_00, 112_00]
    apart: dict[str, Any] = compare(built.next_day, Question(**asked, account="golden 16 euros"))
    assert {(row["profile_b"], row["cause"], row["difference_minor"]) for row in apart["rows"]} == {
        ("chartmogul", "fx", -200), ("profitwell", "fx", -200),
    }  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_chartmogul_has_the_worked_cases_with_all_coupons_and_counts_a_pause(built: Published, name: str) -> None:
    expected = 5000 if name == "9 collection paused" else CASES[name].all_active
    assert native_mrr(built, f"golden {name}", date(2026, 6, 30), "chartmogul") == expected


def test_what_ends_before_its_paid_period_counts_until_then_for_profitwell(built: Published) -> None:
    assert {profile: moved(built, "ends early", profile)[-1] for profile in PROFILES} == {
        "stripe": ("2026-05-10", "churn", -50_00),
        "chartmogul": ("2026-05-10", "churn", -50_00),
        "profitwell": ("2026-06-01", "churn", -50_00),
    }


@in_all_profiles
def test_what_is_asked_to_end_counts_until_it_does(built: Published, profile: str) -> None:
    assert moved(built, "asked to end", profile) == [("2026-05-01", "new", 50_00), ("2026-06-01", "churn", -50_00)]


@in_all_profiles
def test_a_customers_own_discount_lowers_the_subscriptions_that_have_none(built: Published, profile: str) -> None:
    assert native_mrr(built, "of the customer", date(2026, 6, 9), profile) == 50_00 + 9_00
    assert native_mrr(built, "of the customer", date(2026, 6, 30), profile) == 100_00 + 9_00


@in_all_profiles
def test_a_void_pause_counts_for_chartmogul_alone(built: Published, profile: str) -> None:
    assert moved(built, "pause with an end", profile)[1:] == (
        [] if profile == "chartmogul" else [("2026-05-10", "churn", -50_00), ("2026-06-10", "reactivation", 50_00)]
    )


def test_the_ledger_says_why_an_item_counts_nothing(built: Published) -> None:
    rows = built.rows(
        "select account, cause, excluded_reason from marts.fct_mrr_changes where profile = 'stripe' and mrr_minor = 0 "
        "and account in ('G7', 'ends early', 'pause with an end', 'G10') order by account"
    )
    assert rows == [
        ("G10", "ended", "ended"),
        ("G7", "unpaid", "unpaid"),
        ("ends early", "canceled", "canceled"),
        ("pause with an end", "paused", "collection_paused"),
    ]
