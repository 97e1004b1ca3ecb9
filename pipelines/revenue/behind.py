"""What `explain` gives back: the rows behind a number, the SQL that finds them, and the tables it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.revenue.ledger import NATIVE, Ledger, Period
from pipelines.revenue.reports import Row
from pipelines.revenue.shares import split

Entry = dict[str, Any]


@dataclass(frozen=True)
class Behind:
    """Rows, each with the `figure` of the report that it counts for; the rows of a figure add up to it."""

    period: Period
    rows: list[Row]
    sql: str
    parameters: Mapping[str, object]
    tables: tuple[str, ...]
    unconverted: list[str] = field(default_factory=list)


def month_until(day: date) -> Period:
    """The month of `day`, up to it: the period that a rate is told of."""
    return Period(day.replace(day=1), day)


def row_of(
    entry: Entry,
    figure: str,
    *,
    amount: int | None,
    currency: str | None,
    cause: str,
    rule: str,
    object_id: str,
    since: object,
    until: object = None,
    **more: object,
) -> Row:
    """A row with the fields of the contract; without an amount it counts as one."""
    return {
        "figure": figure,
        "amount_minor": amount,
        "count": 1 if amount is None else None,
        "currency": currency,
        "cause": cause,
        "rule": rule,
        "object_id": object_id,
        "event_id": entry.get("event_id"),
        "valid_from": since,
        "valid_to": until,
        "account": entry["account"],
        "customer_id": entry["customer_id"],
        **more,
    }


def shares_of(ledger: Ledger, amounts: Sequence[int], own: str, day: date) -> list[int] | None:
    """MRR as the answer has it: the sum converted once, split by largest remainder; None without a rate."""
    if ledger.currency == NATIVE:
        return list(amounts)
    return _split(amounts, ledger.convert(sum(amounts), own, day), ledger.factor(own, day))


def shares_booked(ledger: Ledger, amounts: Sequence[int], own: str, day: date) -> list[int] | None:
    """The same for money, whose rate is that of the day under every profile."""
    if ledger.currency == NATIVE:
        return list(amounts)
    rates, target = ledger.rates, ledger.currency
    return _split(amounts, rates.convert(sum(amounts), own, target, day), rates.factor(own, target, day))


def _split(amounts: Sequence[int], whole: int | None, factor: Decimal | None) -> list[int] | None:
    return None if whole is None or factor is None else split(whole, [minor * factor for minor in amounts])


def currency_of(ledger: Ledger, own: str) -> str:
    """The currency that an amount in `own` is shown in."""
    return own if ledger.currency == NATIVE else ledger.currency
