"""The rows behind MRR and its movements: subscription items that hold a balance, and changes of it.

The ledger's amounts are exact, the reports' are rounded once per customer, currency and day: each rounded balance is
split over its items by largest remainder. What is converted is split the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import groupby

from pipelines.revenue.behind import Behind, Entry, currency_of, row_of, shares_of
from pipelines.revenue.held import Holder
from pipelines.revenue.ledger import NATIVE, Ledger, Period
from pipelines.revenue.reports import Row
from pipelines.revenue.shares import split

TABLES = ("marts.fct_mrr_changes", "marts.fct_mrr_movements_daily", "marts.fct_mrr_daily")
RULES = {
    "version": "counted item of an active or past_due subscription: amount per period after counted discounts and "
    "without inclusive tax, brought to a month",
    "invoice": "invoice line after counted discounts and without inclusive tax, brought to a month over its period",
}
"""How the amount of a row came about, by what tells it; the rules in full: docs/revenue.md."""


def items_held(ledger: Ledger, at: date) -> list[Row]:
    """The subscription items with a balance at the end of the day `at`; they add up to its MRR."""
    rows: list[Row] = []
    entries = _entries(ledger, at)
    for own, group in groupby(sorted(entries, key=_currency), key=_currency):
        some = list(group)
        shares = None if own in ledger.unconverted else shares_of(ledger, _whole(some), own, at)
        if shares is not None:
            rows += [_row(ledger, one, share, "mrr_minor") for one, share in zip(some, shares, strict=True)]
    return rows


def items_of(ledger: Ledger, at: date, held: dict[Holder, int], figure: str, *, rates_of: date) -> list[Row]:
    """The items behind balances of customers as a report has them: each customer's items add up to their balance."""
    by_holder: dict[Holder, list[Entry]] = {}
    for entry in _entries(ledger, at):
        holder = Holder(entry["account"], entry["customer_id"], currency_of(ledger, entry["currency"]))
        if holder in held and entry["currency"] not in ledger.unconverted:
            by_holder.setdefault(holder, []).append(entry)
    rows: list[Row] = []
    for holder, some in by_holder.items():
        parts = [one["exact_minor"] * _factor(ledger, one["currency"], rates_of, at) for one in some]
        shares = split(held[holder], parts)
        rows += [_row(ledger, one, share, figure) for one, share in zip(some, shares, strict=True)]
    return rows


def changes_of(ledger: Ledger, period: Period, figure: Callable[[str], str]) -> list[Row]:
    """Every change of the period; those of one kind of movement add up to it."""
    found = ledger.snapshot.query(CHANGES, start=period.start, end=period.end, **ledger.scope)
    whole: list[tuple[Entry, int]] = []
    for _, group in groupby(found.iter_rows(named=True), key=_holder_and_day):
        some = list(group)
        whole += zip(some, _whole(some), strict=True)
    rows: list[Row] = []
    for (day, own, kind), pairs in groupby(sorted(whole, key=_kind), key=_kind):
        if own not in ledger.unconverted:
            rows += _moved(ledger, list(pairs), day, own, figure(kind))
    return rows


def _moved(ledger: Ledger, pairs: list[tuple[Entry, int]], day: date, own: str, figure: str) -> list[Row]:
    """The changes of one day, currency and kind, converted as the ledger does: all at once, and what is involuntary."""
    forced = [pair for pair in pairs if pair[0]["is_involuntary"]]
    chosen = [pair for pair in pairs if not pair[0]["is_involuntary"]]
    together = shares_of(ledger, [minor for _, minor in pairs], own, day)
    of_forced = shares_of(ledger, [minor for _, minor in forced], own, day)
    if together is None or of_forced is None:
        return []
    rest = sum(together) - sum(of_forced)
    factor = _factor(ledger, own, day, day)
    of_chosen = split(rest, [minor * factor for _, minor in chosen])
    shares = [*zip(forced, of_forced, strict=True), *zip(chosen, of_chosen, strict=True)]
    return [
        _row(ledger, entry, share, figure) | {"movement": entry["movement"], "is_involuntary": entry["is_involuntary"]}
        for (entry, _), share in shares
    ]


def mrr(ledger: Ledger, at: date) -> Behind:
    """The items that make up the MRR of a day."""
    return Behind(
        Period(at, at), items_held(ledger, at), BALANCES, {"day": at, **ledger.scope}, TABLES, ledger.unconverted
    )


def movements(ledger: Ledger, at: date) -> Behind:
    """The changes of a day: its movements, all but fx."""
    return changes_behind(ledger, Period(at, at), lambda kind: f"{kind}_minor")


def changes_behind(ledger: Ledger, period: Period, figure: Callable[[str], str]) -> Behind:
    """The changes of a period."""
    rows = changes_of(ledger, period, figure)
    asked = {"start": period.start, "end": period.end, **ledger.scope}
    return Behind(period, rows, CHANGES, asked, TABLES, ledger.unconverted)


def _entries(ledger: Ledger, at: date) -> list[Entry]:
    return list(ledger.snapshot.query(BALANCES, day=at, **ledger.scope).iter_rows(named=True))


def _whole(entries: list[Entry]) -> list[int]:
    """Whole amounts: each customer's rounded figure split over their items."""
    shares: list[int] = []
    for _, group in groupby(entries, key=lambda one: (one["account"], one["customer_id"], one["currency"])):
        some = list(group)
        shares += split(some[0]["whole_minor"], [one["exact_minor"] for one in some])
    return shares


def _factor(ledger: Ledger, own: str, wanted: date, day: date) -> Decimal:
    if ledger.currency == NATIVE:
        return Decimal(1)
    return ledger.factor(own, wanted) or ledger.factor(own, day) or Decimal(0)


def _currency(entry: Entry) -> str:
    return str(entry["currency"])


def _holder_and_day(entry: Entry) -> tuple[date, str, str, str]:
    return entry["changed_date"], entry["account"], entry["customer_id"], entry["currency"]


def _kind(pair: tuple[Entry, int]) -> tuple[date, str, str]:
    return pair[0]["changed_date"], pair[0]["currency"], pair[0]["movement"]


def _row(ledger: Ledger, entry: Entry, minor: int, figure: str) -> Row:
    return row_of(
        entry,
        figure,
        amount=minor,
        currency=currency_of(ledger, entry["currency"]),
        cause=entry["cause"],
        rule=RULES[entry["source"]],
        object_id=entry["object_id"],
        since=entry["valid_from"],
        until=entry["valid_to"],
        subscription_id=entry["subscription_id"],
        subscription_item_id=entry["subscription_item_id"],
        price_id=entry["price_id"],
        product_id=entry["product_id"],
        exact_minor=entry["exact_minor"],
        native_currency=entry["currency"],
    )


# The last change of each item up to the end of the day, with the customer's rounded balance.
BALANCES = """
with stretches as (
    select *, changed_at as valid_from, lead(changed_at) over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at
    ) as valid_to
    from marts.fct_mrr_changes where profile = $profile and ($account is null or account = $account)
),
held as (
    select * from stretches where changed_date <= $day
    qualify row_number() over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at desc
    ) = 1
),
balances as (
    select account, customer_id, currency, closing_minor from marts.fct_mrr_movements_daily
    where profile = $profile and changed_date <= $day
    qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
)
select held.account, held.customer_id, held.currency, held.subscription_id, held.subscription_item_id, held.price_id,
    held.product_id, held.mrr_minor as exact_minor, coalesce(balances.closing_minor, 0) as whole_minor,
    held.cause, held.source, held.object_id, held.event_id, held.valid_from, held.valid_to
from held left join balances using (account, customer_id, currency)
where held.mrr_minor <> 0
order by held.account, held.customer_id, held.currency, held.subscription_item_id, held.subscription_id
"""

# Every change of the days, with the customer's rounded movement of its day.
CHANGES = """
with stretches as (
    select *, changed_at as valid_from, lead(changed_at) over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at
    ) as valid_to
    from marts.fct_mrr_changes where profile = $profile and ($account is null or account = $account)
)
select changes.account, changes.customer_id, changes.currency, changes.subscription_id, changes.subscription_item_id,
    changes.price_id, changes.product_id, changes.delta_minor as exact_minor, moved.amount_minor as whole_minor,
    moved.movement, moved.is_involuntary, changes.changed_date, changes.cause,
    changes.source, changes.object_id, changes.event_id, changes.valid_from, changes.valid_to
from stretches as changes
join marts.fct_mrr_movements_daily as moved using (profile, account, customer_id, currency, changed_date)
where changes.changed_date between $start and $end
order by changes.changed_date, changes.account, changes.customer_id, changes.currency, changes.subscription_item_id,
    changes.subscription_id, changes.valid_from
"""
