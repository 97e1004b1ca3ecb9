"""The rows behind MRR, as `explain` answers: how many they are, what they add up to, and the SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from pipelines.revenue import explain
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Explained:
    """What `explain` says about one day's number, without the rows."""

    row_count: int
    total_minor: int
    rules: list[str]
    sql: str
    checks: int
    failing: list[str]


@per_snapshot
def explained(snapshot: Snapshot, *, report: str, day: date, currency: str, timezone: str) -> Explained:
    """`explain REPORT --at day` in one currency."""
    answer = explain(snapshot, report, at=day, currency=currency, timezone=timezone)
    rows, checks, total = answer["rows"], answer["checks"], answer["total_minor"]
    assert isinstance(rows, list)
    assert isinstance(checks, list)
    assert isinstance(total, int)
    return Explained(
        row_count=len(rows),
        total_minor=total,
        rules=sorted({row["rule"] for row in rows}),
        sql=str(answer["sql"]),
        checks=len(checks),
        failing=[check["name"] for check in checks if not check["is_passed"]],
    )
