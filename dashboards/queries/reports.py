"""Reports by period as `millstream revenue REPORT` answers them, and what stands behind their newest number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.movements import Grain
from pipelines.revenue import (
    Question,
    arpa,
    check_published,
    cohorts,
    deferred,
    explain,
    ltv,
    nrr,
    quick_ratio,
    recovery,
    scheduled,
    survival,
    trials,
)
from pipelines.warehouse import Snapshot

REPORTS: dict[str, Callable[..., dict[str, object]]] = {
    "nrr": nrr,
    "quick_ratio": quick_ratio,
    "arpa": arpa,
    "ltv": ltv,
    "cohorts": cohorts,
    "survival": survival,
    "trials": trials,
    "recovery": recovery,
    "scheduled": scheduled,
    "deferred": deferred,
}


@dataclass(frozen=True)
class Reported:
    """The rows of a report, with what was left out."""

    rows: list[dict[str, Any]]
    unconverted: list[str]


@dataclass(frozen=True)
class Guarded:
    """What `explain` says of the rows behind a report's newest number, without the rows."""

    first: date
    last: date
    row_count: int
    checks: int
    failing: list[str]
    sql: str


@per_snapshot
def reported(
    snapshot: Snapshot, *, report: str, first: date, last: date, by: Grain, currency: str, timezone: str
) -> Reported:
    """The answer of a report for these days."""
    check_published(snapshot, report)
    answer = REPORTS[report](snapshot, Question(first, last, currency=currency, timezone=timezone, by=by))
    rows, unconverted = answer["rows"], answer["unconverted"]
    assert isinstance(rows, list)
    assert isinstance(unconverted, list)
    return Reported(rows, unconverted)


@per_snapshot
def guarded(snapshot: Snapshot, *, report: str, day: date, currency: str, timezone: str) -> Guarded:
    """`explain REPORT --at day`, counted."""
    answer: dict[str, Any] = explain(snapshot, report, at=day, currency=currency, timezone=timezone)
    return Guarded(
        first=answer["period"]["first"],
        last=answer["period"]["last"],
        row_count=len(answer["rows"]),
        checks=len(answer["checks"]),
        failing=[check["name"] for check in answer["checks"] if not check["is_passed"]],
        sql=str(answer["sql"]),
    )
