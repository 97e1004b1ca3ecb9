"""The published cases that speak of reports, and reports whose figures can be told by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pipelines.revenue import (
    Question,
    arpa,
    buyer_cohorts,
    churn,
    cohorts,
    deferred,
    ltv,
    mrr,
    nrr,
    quick_ratio,
    recovery,
    scheduled,
    survival,
    trials,
)
from tests.transform import report_cases as cases
from tests.transform.golden_cases import EURO
from tests.transform.sample_warehouse import Published

MAY, JUNE = (date(2026, 5, 1), date(2026, 5, 31)), (date(2026, 6, 1), date(2026, 6, 30))
Report = Callable[..., dict[str, Any]]


def rows(
    built: Published, report: Report, account: str, days: tuple[date, date] = JUNE, **more: Any
) -> list[dict[str, Any]]:
    """The rows of a report by month, in dollars."""
    asked: dict[str, Any] = {"by": "month", "currency": "USD", "timezone": "UTC"} | more
    answer = report(built.snapshot, Question(*days, account=account, **asked))
    found: list[dict[str, Any]] = answer["rows"]
    return found


def row(built: Published, report: Report, account: str, days: tuple[date, date] = JUNE) -> dict[str, Any]:
    (found,) = rows(built, report, account, days)
    return found


def test_g11_gross_churn_is_20_percent_and_net_churn_10(built: Published) -> None:
    found = row(built, churn, cases.CHURN)
    assert (found["gross_mrr_churn_rate"], found["net_mrr_churn_rate"]) == (0.2, 0.1)


def test_g11_retains_90_of_100_of_which_80_without_what_grew(built: Published) -> None:
    found = row(built, nrr, cases.CHURN)
    assert (found["opening_minor"], found["retained_minor"]) == (10_000, 9_000)
    assert (found["nrr"], found["grr"]) == (0.9, 0.8)


def test_g11_gains_half_of_what_it_loses(built: Published) -> None:
    found = row(built, quick_ratio, cases.CHURN)
    assert (found["gained_minor"], found["lost_minor"], found["quick_ratio"]) == (1_000, 2_000, 0.5)


def test_g12_ten_of_a_hundred_are_lost_to_chartmogul_and_12_of_101_in_stripes_thirty_days(built: Published) -> None:
    (found,) = rows(built, churn, cases.PEOPLE, profile="chartmogul")
    assert found["customer_churn_rate_calendar"] == 0.1
    assert row(built, churn, cases.PEOPLE)["customer_churn_rate_rolling_30d"] == pytest.approx(12 / 101, abs=1e-6)


def test_g13_a_hundred_a_month_at_5_percent_churn_is_worth_2000_and_without_churn_nothing_is_told(
    built: Published,
) -> None:
    assert row(built, arpa, cases.WORTH)["arpa_minor"] == 10_000
    found = row(built, ltv, cases.WORTH)
    assert (found["churn_rate_used"], found["ltv_minor"]) == (0.05, 200_000)
    before = row(built, ltv, cases.WORTH, MAY)
    assert (before["churn_rate_used"], before["ltv_minor"]) == (0.0, None)


def test_g13_twenty_customers_of_whom_one_left_have_brought_495_each_in_five_months(built: Published) -> None:
    """At the ends of February to May twenty paid 100, at June's end nineteen: 9,900 over twenty."""
    assert row(built, ltv, cases.WORTH)["observed_ltv_minor"] == 49_500


def test_chartmogul_divides_by_the_average_rate_of_six_months_before(built: Published) -> None:
    """Of four months with customers at their start one lost one of two: 12.5 %; 30 by the head is worth 240."""
    (found,) = rows(built, ltv, cases.COHORT, (date(2025, 8, 1), date(2025, 8, 31)), profile="chartmogul")
    assert (found["churn_rate_used"], found["ltv_minor"]) == (0.125, 24_000)


def test_g19_who_comes_back_stays_in_the_first_cohort(built: Published) -> None:
    found = rows(built, cohorts, cases.COHORT, (date(2025, 3, 1), date(2025, 8, 31)))
    assert {one["cohort"] for one in found} == {date(2025, 3, 1)}
    assert {one["size"] for one in found} == {2}
    assert [(one["period_index"], one["customers"], one["mrr_minor"]) for one in found] == [
        (0, 2, 5_000), (1, 2, 5_000), (2, 1, 2_000), (3, 1, 2_000), (4, 2, 6_000), (5, 2, 6_000),
    ]  # fmt: skip


def test_a_rate_alone_retains_everything(built: Published) -> None:
    found = row(built, nrr, EURO)
    assert (found["opening_minor"], found["retained_minor"], found["nrr"], found["grr"]) == (11_000, 11_000, 1.0, 1.0)


def test_g7_a_trial_that_is_never_paid_does_not_convert_and_a_later_end_undoes_nothing(built: Published) -> None:
    found = row(built, trials, cases.TRIALS)
    assert (found["ended"], found["converted"], found["conversion_rate"]) == (4, 2, 0.5)
    assert row(built, trials, cases.TRIALS, MAY)["conversion_rate"] is None


def test_of_20_that_failed_14_came_in_after_two_days_in_the_middle(built: Published) -> None:
    found = row(built, recovery, cases.FAILED)
    assert (found["failed_minor"], found["recovered_minor"]) == (2_000, 1_400)
    assert (found["recovery_rate"], found["median_days"]) == (0.7, 2.0)
    nothing = row(built, recovery, cases.FAILED, MAY)
    assert (nothing["failed_minor"], nothing["recovery_rate"], nothing["median_days"]) == (0, None, None)


def test_a_year_paid_ahead_is_deferred_by_the_days_that_are_left(built: Published) -> None:
    """After June 184 of 365 days are left of 120.00, after May 214; half of it was given back in June."""
    assert row(built, deferred, cases.PREPAID)["deferred_minor"] == round(12_000 * 184 / 365) + round(6_000 * 184 / 365)
    assert row(built, deferred, cases.PREPAID, MAY)["deferred_minor"] == 2 * round(12_000 * 214 / 365)
    april = (date(2026, 4, 1), date(2026, 4, 30))
    assert row(built, deferred, cases.PREPAID, april)["deferred_minor"] == 3 * round(12_000 * 245 / 365)


def test_what_was_asked_to_end_is_scheduled_until_it_is_withdrawn(built: Published) -> None:
    found = {day.month: row(built, scheduled, cases.LEAVING, (day, end)) for day, end in (MAY, JUNE)}
    assert (found[5]["scheduled_churn_minor"], found[5]["contracted_minor"]) == (5_000, 2_000)
    assert (found[6]["scheduled_churn_minor"], found[6]["contracted_minor"]) == (3_000, 4_000)


def test_case_14_all_of_a_subscription_that_cancels_at_its_periods_end_is_scheduled(built: Published) -> None:
    account = "golden 14 cancels at period end"
    found = row(built, scheduled, account)
    assert (found["scheduled_churn_minor"], found["contracted_minor"]) == (3_000, 0)
    assert row(built, mrr, account)["mrr_minor"] == 3_000


def test_lives_end_when_their_mrr_does_and_a_pause_ends_none(built: Published) -> None:
    """Of four in sight one ends at day 10; the young one is out of sight after 9 days; of two one ends at day 30."""
    answer: dict[str, Any] = survival(
        built.snapshot,
        Question(
            date_from=date(2026, 3, 1), date_to=date(2026, 6, 30), currency="USD", timezone="UTC", account=cases.LIVES
        ),
    )
    assert [(one["day"], one["at_risk"], one["survival"]) for one in answer["rows"]] == [
        (0, 4, 1.0), (10, 3, 0.666667), (30, 2, 0.333333), (121, 1, 0.333333),
    ]  # fmt: skip
    asked = {"date_from": date(2026, 3, 1), "date_to": date(2026, 3, 20), "currency": "USD", "timezone": "UTC"}
    earlier: dict[str, Any] = survival(built.snapshot, Question(**asked, account=cases.LIVES))  # type: ignore[arg-type]
    assert [(one["day"], one["at_risk"]) for one in earlier["rows"]] == [(0, 3), (10, 3), (19, 2)]


def test_buyers_without_subscriptions_have_cohorts_too(built: Published) -> None:
    found = rows(built, buyer_cohorts, cases.BUYERS, (date(2026, 4, 1), date(2026, 6, 30)))
    names = ("cohort", "size", "period_index", "customers", "repeat_customers", "paid_minor")
    april, may = date(2026, 4, 1), date(2026, 5, 1)
    assert [tuple(one[name] for name in names) for one in found] == [
        (april, 2, 0, 2, 0, 9_000), (april, 2, 1, 1, 1, 1_500), (april, 2, 2, 0, 1, 0),
        (may, 1, 0, 1, 0, 700), (may, 1, 1, 0, 0, 0),
    ]  # fmt: skip
