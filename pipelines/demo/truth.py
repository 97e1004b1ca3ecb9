"""What truly happened, told from the simulation itself, so that models can be judged by it.

Money is in minor units of its own currency, as decimal strings. Nothing here reads the Stripe objects
but the cash, which the charges, refunds and disputes are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from pipelines.demo.books import Books
from pipelines.demo.clock import DAY, day_of, days, midnight, month_of
from pipelines.demo.desk import Diary

Json = dict[str, Any]

CURRENCIES = ("usd", "eur", "jpy")
KINDS = ("new", "expansion", "contraction", "churn", "reactivation")


def daily_balances(diary: Diary) -> list[tuple[int, int]]:
    """The customer's MRR at the end of each day on which it changed: (day number, minor units).

    Rounded half to even, once per day, as the definition has it.
    """
    ends: dict[int, Fraction] = {}
    for at, amount in diary.mrr:
        ends[at // DAY] = amount
    balances, before = [], 0
    for day, amount in sorted(ends.items()):
        if (after := round(amount)) != before:
            balances.append((day, after))
            before = after
    return balances


def revenue_truth(diaries: Iterable[Diary], first: date, until: date) -> Json:
    """MRR by day and by customer, movements by month, and the paying customers at the end, for each currency."""
    start, count = midnight(first) // DAY, (until - first).days
    changes = {currency: [0] * count for currency in CURRENCIES}
    moves: dict[str, dict[str, Counter[str]]] = {currency: defaultdict(Counter) for currency in CURRENCIES}
    paying: Counter[str] = Counter()
    own: dict[str, list[tuple[str, str, int]]] = {}
    for diary in diaries:
        currency, before, ever = diary.person.country.currency, 0, False
        balances = daily_balances(diary)
        if balances:
            own[diary.customer_id] = [(_day(day), currency.upper(), after) for day, after in balances]
        for day, after in balances:
            changes[currency][day - start] += after - before
            kind = _movement(before, after, ever)
            month = moves[currency][month_of(day * DAY)]
            month.update({f"{kind}_minor": after - before, f"{kind}_customers": 1})
            before, ever = after, True
        paying[currency] += before > 0
    return {
        "paying_customers": sum(paying.values()),
        "paying_customers_by_currency": {currency.upper(): paying[currency] for currency in CURRENCIES},
        "mrr_by_day": {currency.upper(): _running(changes[currency], first, until) for currency in CURRENCIES},
        "movements_by_month": {currency.upper(): _months(moves[currency]) for currency in CURRENCIES},
        "mrr_by_customer": own,
    }


def people_truth(diaries: Sequence[Diary], guests: Iterable[Diary], books: Books) -> Json:
    """How many people there are: users, and guests whose address is no user's.

    `stripe_customers` are those not deleted; `subscribers_ever` had recurring revenue at some day's end.
    """
    known = {diary.person.email for diary in diaries}
    strangers = {guest.person.email for guest in guests} - known
    customers = books.objects["customers"].values()
    return {
        "persons": len(known) + len(strangers),
        "stripe_customers": sum(1 for customer in customers if not customer.get("deleted")),
        "guests": len(strangers),
        "subscribers_ever": sum(1 for diary in diaries if daily_balances(diary)),
    }


def cash_truth(books: Books) -> Json:
    """Money taken and given back by month and currency, and what reached each balance.

    What banks took back in disputes, less what they returned after one was won, counts in the month of
    each balance transaction. Payouts move money and earn none: they are left out of the balance.
    """
    cash: dict[str, dict[str, Counter[str]]] = {currency: defaultdict(Counter) for currency in CURRENCIES}
    for charge in books.objects["charges"].values():
        if charge["status"] == "succeeded":
            month = cash[charge["currency"]][month_of(charge["created"])]
            month.update({"gross_minor": charge["amount"], "charges": 1})
    for refund in books.objects["refunds"].values():
        month = cash[refund["currency"]][month_of(refund["created"])]
        month.update({"refunds_minor": refund["amount"], "refunds": 1})
    for dispute in books.objects["disputes"].values():
        cash[dispute["currency"]][month_of(dispute["created"])]["disputes"] += 1
        for entry in dispute["balance_transactions"]:
            taken = dispute["amount"] if entry["amount"] < 0 else -dispute["amount"]
            cash[dispute["currency"]][month_of(entry["created"])]["disputes_minor"] += taken
    settled: dict[str, dict[str, Counter[str]]] = {currency: defaultdict(Counter) for currency in CURRENCIES}
    for entry in books.objects["balance_transactions"].values():
        if entry["type"] == "payout":
            continue
        amounts = {
            f"{entry['type']}_minor": entry["amount"],
            "fee_minor": entry["fee"],
            "net_minor": entry["net"],
        }
        settled[entry["currency"]][month_of(entry["created"])].update(amounts)
    names = ("gross_minor", "refunds_minor", "disputes_minor", "charges", "refunds", "disputes")
    parts = ("charge_minor", "refund_minor", "adjustment_minor", "fee_minor", "net_minor")
    return {
        "cash_by_month": {currency.upper(): _table(cash[currency], names) for currency in CURRENCIES},
        "settled_by_month": {currency.upper(): _table(settled[currency], parts) for currency in CURRENCIES},
    }


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY, UTC).date().isoformat()


def _movement(before: int, after: int, ever: bool) -> str:
    if before == 0:
        return "reactivation" if ever else "new"
    if after == 0:
        return "churn"
    return "expansion" if after > before else "contraction"


def _running(changes: list[int], first: date, until: date) -> dict[str, str]:
    balance, series = 0, {}
    for day, change in zip(days(first, until), changes, strict=True):
        balance += change
        series[day.isoformat()] = str(balance)
    return series


def _months(moves: dict[str, Counter[str]]) -> Json:
    names = [f"{kind}_minor" for kind in KINDS] + [f"{kind}_customers" for kind in KINDS]
    return _table(moves, names)


def _table(rows: dict[str, Counter[str]], names: Iterable[str]) -> Json:
    """Months in order; money as strings, counts as numbers, nothing left out."""
    wanted = tuple(names)
    return {
        month: {name: str(row[name]) if name.endswith("_minor") else row[name] for name in wanted}
        for month, row in sorted(rows.items())
    }


def story_days(books: Books, first: date) -> Json:
    """First and last moment of the story."""
    return {"first_day": first.isoformat(), "until": day_of(books.end).isoformat(), "seconds_end": books.end}
