"""Movements of customers: the rows behind each number of `movements`, which add up to it exactly.

What the reports convert once per currency, day and kind is split here over its customers by largest
remainder, so no customer's share has a unit more or less than the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from pipelines.revenue.ledger import NATIVE, Ledger, Period
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.rates import load_rates
from pipelines.revenue.shares import split
from pipelines.warehouse import Snapshot


class Move(NamedTuple):
    """What one customer did on one day: a kind of movement and its amount in minor units of `currency`."""

    day: date
    account: str
    customer_id: str
    kind: str
    amount_minor: int
    currency: str


class Booked(NamedTuple):
    """A movement as the answer has it, with what it was in the currency that it was billed in."""

    move: Move
    native_minor: int
    native_currency: str


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
    return [booked.move for booked in booked_moves(ledger, Period(date_from, date_to))]


def booked_moves(ledger: Ledger, period: Period) -> Iterator[Booked]:
    """The movements of customers in the period; those of a currency without a rate are left out."""
    found = ledger.snapshot.query(_MOVES, start=period.start, end=period.end, **ledger.scope)

    def key(row: dict[str, Any]) -> tuple[date, str, str]:
        return row["changed_date"], row["currency"], row["movement"]

    for (day, own, kind), group in groupby(found.iter_rows(named=True), key=key):
        some = list(group)
        shares = spread(ledger, [row["amount_minor"] for row in some], own, day)
        target = own if ledger.currency == NATIVE else ledger.currency
        for row, share in zip(some, shares or [], strict=shares is not None):
            move = Move(day, row["account"], row["customer_id"], kind, share, target)
            yield Booked(move, row["amount_minor"], own)


def spread(ledger: Ledger, amounts: Sequence[int], own: str, day: date) -> list[int] | None:
    """The amounts as the answer has them, together their sum converted once; None where there is no rate."""
    if ledger.currency == NATIVE:
        return list(amounts)
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
