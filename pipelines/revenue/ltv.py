"""What a customer is worth over a life: by formula, and as the cohorts have shown so far.

Under which churn rate the formula stands is a column of the profile: Stripe's is said to be that of the last 30 days,
ChartMogul averages the six calendar months before.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from pipelines.revenue.counts import churned_and_base, lost_of_opening, only
from pipelines.revenue.held import Holder, balances_held, first_days, paying
from pipelines.revenue.ledger import Ledger, Period, periods
from pipelines.revenue.question import Question
from pipelines.revenue.ratios import per_head
from pipelines.revenue.reports import Row, answer
from pipelines.warehouse import Snapshot

MONTHS = 6


def ltv(snapshot: Snapshot, asked: Question) -> Row:
    """A customer's value at each period's end: revenue per customer / churn rate, and as observed.

    The formula is null where nobody churned. The observed one is the MRR of every month's end until the period's
    end over everybody who ever paid until then: what the cohorts have brought, by the head.
    """
    ledger = asked.ledger(snapshot)
    firsts, rule = first_days(ledger), churn_rule(ledger)
    rows: list[Row] = []
    for period in asked.periods():
        customers = paying(balances_held(ledger, period.end))
        for own in ledger.currencies():
            each = per_head(ledger.balance(period.end, own), customers.get(own, 0))
            rate = churn_rate(ledger, rule, period.end, own)
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "ltv_minor": round(each / rate) if each is not None and rate else None,
                    "churn_rate_used": None if rate is None else round(float(rate), 6),
                    "observed_ltv_minor": _observed(ledger, firsts, period.end, own),
                }
            )
    return answer("ltv", ledger, asked, rows)


def churn_rule(ledger: Ledger) -> str:
    """The profile's choice: `rolling_30d` or `six_months`."""
    found = ledger.snapshot.query(
        "select ltv_churn from marts.definition_profiles where profile = $profile", profile=ledger.profile
    )
    return str(found.item())


def churn_rate(ledger: Ledger, rule: str, day: date, currency: str) -> Fraction | None:
    """The customer churn rate under the formula at the end of `day`; None without a base."""
    told = only(ledger, currency)
    if rule == "rolling_30d":
        lost, base = churned_and_base(ledger.snapshot, Period(day - timedelta(days=29), day), told)
        return Fraction(lost, base) if base else None
    counted = [lost_of_opening(ledger.snapshot, month, told) for month in months_before(day)]
    rates = [Fraction(lost, base) for lost, base in counted if base]
    return sum(rates, Fraction(0)) / len(rates) if rates else None


def months_before(day: date) -> list[Period]:
    """The calendar months before that of `day`, the oldest first."""
    found: list[Period] = []
    end = day.replace(day=1) - timedelta(days=1)
    for _ in range(MONTHS):
        found.insert(0, Period(end.replace(day=1), end))
        end = end.replace(day=1) - timedelta(days=1)
    return found


def _observed(ledger: Ledger, firsts: dict[Holder, date], day: date, currency: str) -> int | None:
    days = [first for holder, first in firsts.items() if holder.currency == currency and first <= day]
    if not days:
        return None
    brought = sum(ledger.balance(end, currency) for end in month_ends(min(days), day))
    return round(Fraction(brought, len(days)))


def month_ends(first: date, last: date) -> list[date]:
    """The last days of the months that are over by the end of `last`, from that of `first` on."""
    ends = (month.end for month in periods(first.replace(day=1), last, "month"))
    return [end for end in ends if (end + timedelta(days=1)).day == 1]
