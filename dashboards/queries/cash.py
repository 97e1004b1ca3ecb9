"""Cash by period, as `revenue cash` answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from dashboards.queries.movements import Grain, is_over
from pipelines.revenue import Question, cash, periods
from pipelines.warehouse import Snapshot

PARTS = ("gross", "refunds", "disputes", "fees", "net")


@dataclass(frozen=True)
class CashPeriod:
    """One period, minor units of `currency`; net = gross - refunds - disputes - fees."""

    first_day: date
    by: Grain
    currency: str
    minor: dict[str, int]
    tax_minor: int
    is_over: bool


@dataclass(frozen=True)
class Cash:
    """Periods in order, with what was left out."""

    periods: list[CashPeriod]
    unconverted: list[str]


@per_snapshot
def cash_periods(snapshot: Snapshot, *, first: date, last: date, by: Grain, currency: str, timezone: str) -> Cash:
    """The answer of `revenue cash` for these days."""
    answer = cash(snapshot, Question(date_from=first, date_to=last, by=by, currency=currency, timezone=timezone))
    rows, unconverted = answer["rows"], answer["unconverted"]
    assert isinstance(rows, list)
    assert isinstance(unconverted, list)
    found = [
        CashPeriod(
            first_day=row["period"],
            by=by,
            currency=row["currency"],
            minor={name: row[f"{name}_minor"] for name in PARTS},
            tax_minor=row["tax_minor"],
            is_over=is_over(period.start, by, last),
        )
        for row, period in zip(rows, periods(first, last, by), strict=True)
    ]
    return Cash(found, unconverted)
