"""Cohorts of buyers: everybody who first paid in one period, subscribed or not, and what they pay in each one after.

For a business that sells without subscriptions. A buyer is a Stripe customer, else a guest's person; a payment that
names nobody is a buyer of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from pipelines.revenue.ledger import NATIVE, Grain, first_day
from pipelines.revenue.question import Question
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import Row, frame
from pipelines.warehouse import Snapshot


class Buyer(NamedTuple):
    """Who paid, and the currency that the answer shows it in."""

    currency: str
    account: str
    buyer: str


class Paid(NamedTuple):
    """What one buyer paid, or got back, on one day in one currency."""

    day: date
    own: str
    buyer: Buyer
    is_charge: bool
    minor: int


@dataclass
class _Cohort:
    """Buyers who began together, and what they did by period."""

    size: int = 0
    paying: dict[date, set[Buyer]] = field(default_factory=lambda: defaultdict(set))
    repeated: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    """Buyers by the period of their second day of payment."""
    sums: dict[tuple[date, str], int] = field(default_factory=lambda: defaultdict(int))
    """Money by day and its own currency: what is converted once."""


def buyer_cohorts(snapshot: Snapshot, asked: Question) -> Row:
    """A row per cohort that began in the days asked for and period since.

    `customers` paid in the period, `repeat_customers` had paid on a second day by its end, `paid_minor` is what was
    charged less what was refunded and disputed, tax included, each day's sum converted at that day's rate.
    """
    rates = load_rates(snapshot)
    paid, unconverted = _paid(snapshot, rates, asked.currency, until=asked.date_to, account=asked.account)
    cut = asked.periods()
    names = [first_day(period.start, asked.by) for period in cut]
    rows: list[Row] = []
    for (own, began), cohort in sorted(_cohorts(paid, asked.date_from, asked.by).items()):
        money, since, repeated = _money(cohort, rates, asked.currency, own, asked.by), names.index(began), 0
        for number, name in enumerate(names[since:]):
            repeated += cohort.repeated[name]
            rows.append(
                {
                    "period": cut[since + number].start,
                    "cohort": began,
                    "size": cohort.size,
                    "period_index": number,
                    "currency": own,
                    "customers": len(cohort.paying[name]),
                    "repeat_customers": repeated,
                    "paid_minor": money[name],
                }
            )
    return frame("cohorts", snapshot, asked, unconverted, rows) | {"basis": "payments"}


def _paid(
    snapshot: Snapshot, rates: Rates, currency: str, *, until: date, account: str | None
) -> tuple[list[Paid], list[str]]:
    """All payments until a day, and the currencies that are left out since they have no rate."""
    paid: list[Paid] = []
    unconverted: set[str] = set()
    for day, own, where, who, is_charge, minor in snapshot.query(PAID, end=until, account=account).iter_rows():
        if currency != NATIVE and rates.rate(own, currency, day) is None:
            unconverted.add(own)
        else:
            shown = own if currency == NATIVE else currency
            paid.append(Paid(day, own, Buyer(shown, where, who), is_charge, minor))
    return paid, sorted(unconverted)


def _cohorts(paid: list[Paid], date_from: date, by: Grain) -> dict[tuple[str, date], _Cohort]:
    """The cohorts that began on `date_from` or later, by currency and first day of the period."""
    days: dict[Buyer, set[date]] = defaultdict(set)
    for one in paid:
        if one.is_charge:
            days[one.buyer].add(one.day)
    found: dict[tuple[str, date], _Cohort] = defaultdict(_Cohort)
    for buyer, some in days.items():
        first, *more = sorted(some)
        if first >= date_from:
            cohort = found[buyer.currency, first_day(first, by)]
            cohort.size += 1
            for day in some:
                cohort.paying[first_day(day, by)].add(buyer)
            if more:
                cohort.repeated[first_day(more[0], by)] += 1
    for one in paid:
        began = min(days[one.buyer], default=date.max)
        if date_from <= began <= one.day:
            found[one.buyer.currency, first_day(began, by)].sums[one.day, one.own] += one.minor
    return found


def _money(cohort: _Cohort, rates: Rates, currency: str, own: str, by: Grain) -> dict[date, int]:
    money: dict[date, int] = defaultdict(int)
    for (day, booked), minor in cohort.sums.items():
        converted = minor if currency == NATIVE else rates.convert(minor, booked, own, day)
        money[first_day(day, by)] += converted or 0
    return money


PAID = """
select paid_date, coalesce(settlement_currency, currency) as booked_currency, account,
    coalesce(customer_id, person_id, charge_id, payment_id) as buyer, kind = 'charge' as is_charge,
    sum(case when settlement_currency is null then amount_minor else settled_minor end)::bigint as minor
from marts.fct_payments
where paid_date <= $end and ($account is null or account = $account)
group by all order by paid_date, is_charge desc, booked_currency, account, buyer
"""
