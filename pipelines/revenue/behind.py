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
    """Amounts as the answer has them: their sum converted once, split by largest remainder; None without a rate."""
    if ledger.currency == NATIVE:
        return list(amounts)
    factor = ledger.rates.factor(own, ledger.currency, day)
    whole = ledger.rates.convert(sum(amounts), own, ledger.currency, day)
    if factor is None or whole is None:
        return None
    return split(whole, [Decimal(minor) * factor for minor in amounts])


def currency_of(ledger: Ledger, own: str) -> str:
    """The currency that an amount in `own` is shown in."""
    return own if ledger.currency == NATIVE else ledger.currency
