"""MRR movements of the last twelve full months and the current one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.queries.cache import per_snapshot
from pipelines.revenue import movements
from pipelines.warehouse import Snapshot

KINDS = ("new", "expansion", "reactivation", "contraction", "churn")


@dataclass(frozen=True)
class MonthMoved:
    """One month, minor units of `currency`, losses negative; opening + moved + fx = closing."""

    first_day: date
    currency: str
    opening_minor: int
    moved_minor: dict[str, int]
    fx_minor: int
    closing_minor: int
    is_over: bool


@per_snapshot
def months_moved(snapshot: Snapshot, *, last_day: date, currency: str, timezone: str) -> list[MonthMoved]:
    """Months in order; those before the first movement are left out."""
    tomorrow = last_day + timedelta(days=1)
    first = date(last_day.year - 1, last_day.month, 1)
    answer = movements(snapshot, date_from=first, date_to=last_day, by="month", currency=currency, timezone=timezone)
    rows = answer["rows"]
    assert isinstance(rows, list)
    found = [_month(row, is_over=row["period"] < tomorrow.replace(day=1)) for row in rows]
    while found and not found[0].closing_minor and not any(found[0].moved_minor.values()):
        found.pop(0)
    return found


def _month(row: dict[str, Any], *, is_over: bool) -> MonthMoved:
    return MonthMoved(
        first_day=row["period"],
        currency=row["currency"],
        opening_minor=row["opening_minor"],
        moved_minor={kind: row[f"{kind}_minor"] for kind in KINDS},
        fx_minor=row["fx_minor"],
        closing_minor=row["closing_minor"],
        is_over=is_over,
    )
