"""Movements by customer: the rows behind each number of `movements`, which add up to it exactly.

What the reports convert once per currency, day and kind is split here over its customers by largest
remainder, so no customer's share has a unit more or less than the whole.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from pipelines.revenue.ledger import KINDS, NATIVE, Grain, Ledger, Period, periods
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.rates import load_rates
from pipelines.revenue.reports import Row, answer
from pipelines.revenue.shares import split
from pipelines.warehouse import Snapshot

_COUNTED = {"new": "new_customers", "churn": "churned_customers", "reactivation": "reactivated_customers"}


class Move(NamedTuple):
    """What one customer did on one day: a kind of movement and its amount in minor units of `currency`."""

    day: date
    account: str
    customer_id: str
    kind: str
    amount_minor: int
    currency: str


@dataclass
class _Held:
    """One customer's period."""

    opening: int = 0
    closing: int = 0
    moved: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    kinds: set[str] = field(default_factory=set)


def movers(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    currency: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> list[Move]:
    """Every movement of the days `date_from`..`date_to`, in order of day; their sums are those of `movements`."""
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account, profile=profile)
    return _moves(ledger, Period(date_from, date_to))


def movements_by_customer(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> Row:
    """`movements` with a row per customer who paid or moved in the period.

    `transfer_minor` is what a customer's switch of plan moves between plans: nothing between customers.
    """
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account, profile=profile)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        held = _held(ledger, period)
        rows += [_row(period, *key, held[key]) for key in sorted(held)]
    return answer("movements", ledger, timezone, rows)


def _held(ledger: Ledger, period: Period) -> dict[tuple[str, str, str], _Held]:
    held: dict[tuple[str, str, str], _Held] = defaultdict(_Held)
    before = period.start - timedelta(days=1)
    for key, minor in _balances(ledger, before):
        held[key].opening += minor
    for key, minor in _balances(ledger, period.end):
        held[key].closing += minor
    for move in _moves(ledger, period):
        own = held[(move.account, move.customer_id, move.currency)]
        own.moved[move.kind] += move.amount_minor
        own.kinds.add(move.kind)
    return held


def _row(period: Period, account: str, customer: str, currency: str, held: _Held) -> Row:
    return {
        "period": period.start,
        "account": account,
        "customer": customer,
        "currency": currency,
        "opening_minor": held.opening,
        **{f"{kind}_minor": held.moved[kind] for kind in KINDS},
        "transfer_minor": 0,
        "fx_minor": held.closing - held.opening - sum(held.moved.values()),
        "closing_minor": held.closing,
        **{name: int(kind in held.kinds) for kind, name in _COUNTED.items()},
    }


def _moves(ledger: Ledger, period: Period) -> list[Move]:
    found = ledger.snapshot.query(_MOVES, start=period.start, end=period.end, **ledger.scope)
    moves: list[Move] = []

    def key(row: dict[str, Any]) -> tuple[date, str, str]:
        return row["changed_date"], row["currency"], row["movement"]

    for (day, own, kind), group in groupby(found.iter_rows(named=True), key=key):
        some = list(group)
        shares = _shares(ledger, [row["amount_minor"] for row in some], own, day)
        target = own if ledger.currency == NATIVE else ledger.currency
        moves += [
            Move(day, row["account"], row["customer_id"], kind, share, target)
            for row, share in zip(some, shares or [], strict=shares is not None)
        ]
    return moves


def _balances(ledger: Ledger, day: date) -> list[tuple[tuple[str, str, str], int]]:
    found = ledger.snapshot.query(_BALANCES, day=day, **ledger.scope)
    balances: list[tuple[tuple[str, str, str], int]] = []
    for own, group in groupby(found.iter_rows(named=True), key=lambda row: str(row["currency"])):
        some = list(group)
        shares = _shares(ledger, [row["closing_minor"] for row in some], own, day)
        target = own if ledger.currency == NATIVE else ledger.currency
        if shares is not None:
            keys = [(str(row["account"]), str(row["customer_id"]), target) for row in some]
            balances += zip(keys, shares, strict=True)
    return balances


def _shares(ledger: Ledger, amounts: list[int], own: str, day: date) -> list[int] | None:
    """The amounts as the answer has them; None where the currency has no rate and so is left out."""
    if ledger.currency == NATIVE:
        return amounts
    factor = ledger.factor(own, day)
    target = ledger.convert(sum(amounts), own, day)
    if own in ledger.unconverted or factor is None or target is None:
        return None
    return split(target, [Decimal(minor) * factor for minor in amounts])


_MOVES = """
select changed_date, currency, movement, account, customer_id, amount_minor
from marts.fct_mrr_movements_daily
where profile = $profile and changed_date between $start and $end and ($account is null or account = $account)
order by changed_date, currency, movement, account, customer_id
"""

_BALANCES = """
select account, customer_id, currency, closing_minor
from (
    select * from marts.fct_mrr_movements_daily
    where profile = $profile and changed_date <= $day and ($account is null or account = $account)
    qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
)
where closing_minor <> 0
order by currency, account, customer_id
"""
