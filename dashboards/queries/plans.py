"""What each product earns by the month now, as `revenue mrr --group product` answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from pipelines.revenue import Question, mrr_by_group
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Plan:
    """One product: paying customers and MRR in the reporting currency (minor units)."""

    name: str
    customers: int
    mrr_minor: int


@per_snapshot
def top_plans(snapshot: Snapshot, *, day: date, currency: str, timezone: str) -> list[Plan]:
    """Products by MRR at the end of `day`, the largest first; balances without a rate are left out."""
    answer = mrr_by_group(
        snapshot, Question(date_from=day, date_to=day, by="day", currency=currency, timezone=timezone), group="product"
    )
    rows = answer["rows"]
    assert isinstance(rows, list)
    return [Plan(row["product"] or "No product", row["customers"], row["mrr_minor"]) for row in rows]
