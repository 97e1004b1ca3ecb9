"""Quick ratio, revenue per customer, a customer's value. Formulas and their sources: docs/revenue.md."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from pipelines.revenue.held import Holder, balances_held, first_days, paying
from pipelines.revenue.ledger import NATIVE, Grain, Ledger, Period, periods
from pipelines.revenue.rates import load_rates
from pipelines.revenue.reports import Row, answer, churned_and_base, ratio
from pipelines.warehouse import Snapshot

GAINS = ("new", "expansion", "reactivation")
LOSSES = ("contraction", "churn")


def quick_ratio(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
) -> Row:
    """What was gained over what was lost in each period, both as positive amounts; null where nothing was lost."""
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        for own in ledger.currencies():
            gained, lost = gained_and_lost(ledger.moved(period, own))
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "gained_minor": gained,
                    "lost_minor": lost,
                    "quick_ratio": ratio(gained, lost),
                }
            )
    return answer("quick_ratio", ledger, timezone, rows)


def gained_and_lost(moved: dict[str, int]) -> tuple[int, int]:
    """Movements by kind as two positive amounts."""
    return sum(moved[kind] for kind in GAINS), -sum(moved[kind] for kind in LOSSES)


def arpa(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
) -> Row:
    """MRR per paying customer at the end of each period; who pays in a currency without a rate is in neither."""
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        customers = paying(balances_held(ledger, period.end))
        for own in ledger.currencies():
            each = _per_head(ledger.balance(period.end, own), customers.get(own, 0))
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "customers": customers.get(own, 0),
                    "arpa_minor": None if each is None else round(each),
                }
            )
    return answer("arpa", ledger, timezone, rows)


def ltv(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
) -> Row:
    """A customer's value: by formula (revenue per customer / churn rate), and as observed so far.

    The formula is null where nobody churned. The observed one is the MRR of every month's end until the period's
    end over everybody who ever paid until then: what the cohorts have brought, by the head.
    """
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account)
    firsts = first_days(ledger)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        customers = paying(balances_held(ledger, period.end))
        for own in ledger.currencies():
            each = _per_head(ledger.balance(period.end, own), customers.get(own, 0))
            churned, base = churn_for_ltv(ledger, period.end, own)
            worth = None if each is None or churned == 0 or base == 0 else round(each * base / churned)
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "ltv_minor": worth,
                    "churn_rate_used": ratio(churned, base),
                    "observed_ltv_minor": _observed(ledger, firsts, period.end, own),
                }
            )
    return answer("ltv", ledger, timezone, rows)


def churn_for_ltv(ledger: Ledger, day: date, currency: str) -> tuple[int, int]:
    """Who churned, of how many, as the formula has it: the rate of 30 days up to `day`."""
    window = Period(day - timedelta(days=29), day)
    return churned_and_base(
        ledger.snapshot,
        window,
        currency=currency if ledger.currency == NATIVE else None,
        account=ledger.account,
    )


def _observed(ledger: Ledger, firsts: dict[Holder, date], day: date, currency: str) -> int | None:
    days = [first for holder, first in firsts.items() if holder.currency == currency and first <= day]
    if not days:
        return None
    ends = (month.end for month in periods(min(days).replace(day=1), day, "month"))
    brought = sum(ledger.balance(end, currency) for end in ends if (end + timedelta(days=1)).day == 1)
    return round(Fraction(brought, len(days)))


def _per_head(minor: int, customers: int) -> Fraction | None:
    return Fraction(minor, customers) if customers else None
