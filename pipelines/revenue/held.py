"""What each customer is worth by the month at the end of a day, in whole units that add up to the ledger's balance."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import NamedTuple

from pipelines.revenue.ledger import NATIVE, Ledger
from pipelines.revenue.shares import split


class Holder(NamedTuple):
    """Who holds a balance, and the currency that the answer shows it in."""

    account: str
    customer_id: str
    currency: str


def balances_held(ledger: Ledger, day: date, *, rates_of: date | None = None) -> dict[Holder, int]:
    """The balances at the end of `day`, converted by the rates of `rates_of` (left out: of the day itself).

    Each currency's sum is converted once and split over its customers by largest remainder. A currency that
    has no rate is left out, as the ledger leaves it out; one that had none yet on `rates_of` has the day's.
    """
    found = ledger.snapshot.query(BALANCES, day=day, **ledger.scope)
    held: dict[Holder, int] = {}
    for own, group in groupby(found.iter_rows(), key=lambda row: str(row[2])):
        some = list(group)
        amounts = [int(row[3]) for row in some]
        shares = amounts if ledger.currency == NATIVE else _converted(ledger, amounts, own, day, rates_of)
        target = own if ledger.currency == NATIVE else ledger.currency
        for (account, customer, *_), share in zip(some, shares or [], strict=shares is not None):
            holder = Holder(str(account), str(customer), target)
            held[holder] = held.get(holder, 0) + share
    return held


def _converted(ledger: Ledger, amounts: list[int], own: str, day: date, rates_of: date | None) -> list[int] | None:
    if own in ledger.unconverted:
        return None
    at = day if rates_of is None or ledger.factor(own, rates_of) is None else rates_of
    factor, whole = ledger.factor(own, at), ledger.convert(sum(amounts), own, at)
    if factor is None or whole is None:
        return None
    return split(whole, [minor * factor for minor in amounts])


def paying(held: dict[Holder, int]) -> dict[str, int]:
    """Customers per currency of the answer."""
    people: dict[str, int] = {}
    for holder in held:
        people[holder.currency] = people.get(holder.currency, 0) + 1
    return people


def first_days(ledger: Ledger) -> dict[Holder, date]:
    """The day on which each customer first paid anything; with `native`, anything in that currency."""
    firsts: dict[Holder, date] = {}
    for account, customer, own, day in ledger.snapshot.query(_FIRSTS, **ledger.scope).iter_rows():
        if own not in ledger.unconverted:
            holder = Holder(str(account), str(customer), own if ledger.currency == NATIVE else ledger.currency)
            firsts[holder] = min(day, firsts.get(holder, day))
    return firsts


BALANCES = """
select account, customer_id, currency, closing_minor
from (
    select * from marts.fct_mrr_movements_daily
    where profile = $profile and changed_date <= $day and ($account is null or account = $account)
    qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
)
where closing_minor > 0
order by currency, account, customer_id
"""

_FIRSTS = """
select account, customer_id, currency, min(changed_date) as first_date
from marts.fct_mrr_movements_daily
where profile = $profile and closing_minor > 0 and ($account is null or account = $account)
group by all order by all
"""
