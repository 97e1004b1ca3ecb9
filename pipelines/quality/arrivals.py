"""Is what should arrive still arriving: how old the newest row is, and whether a day brought as many as usual.

Both only warn: a quiet weekend is no reason to publish nothing. `now` is an argument, so that a story
that ended is judged at its end.

**Freshness.** The newest row, not counting any from the future, is at most `Source.within` old.

**Usual counts.** The newest full day in UTC is compared with the 28 days before it. Spread is the
greatest of the median absolute deviation times 1.4826 (which equals the standard deviation of a normal
distribution), the square root of the median (what pure chance makes of a count) and 1. A day passes
within five spreads of the median. With less than 28 days of history nothing is judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median

from pipelines.quality.result import CheckResult, FailingRow
from pipelines.warehouse.writer import Connection

BEFORE = 28
SPREADS = 5
FRESH = "newest_row_is_recent"
USUAL = "newest_day_is_usual"


@dataclass(frozen=True)
class Source:
    """A source of rows: the table that its checks belong to, the relation that has the time, and how old is too old.

    E-mail events have none: they only come when a campaign went out.
    """

    table: str
    relation: str
    moment: str
    within: timedelta


@dataclass(frozen=True)
class Counted:
    """A table whose rows are counted by day; `rows` selects the moments."""

    table: str
    rows: str


SOURCES = (
    Source("raw_stripe.object_versions", "raw_stripe.object_versions", "version_at", timedelta(days=2)),
    Source("raw_events.events", "raw_events.lake_events", "event_at", timedelta(days=1)),
)
_CHANGES = "select version_at as moment from raw_stripe.object_versions where source = 'event' and object = '{}'"
COUNTED = (
    # By Stripe's own events, which tell when something happened; a list only tells when we asked.
    *(
        Counted(f"raw_stripe.{table}", _CHANGES.format(kind))
        for kind, table in (
            ("customer", "customers"),
            ("subscription", "subscriptions"),
            ("invoice", "invoices"),
            ("charge", "charges"),
        )
    ),
    Counted("raw_events.events", "select event_at as moment from raw_events.lake_events"),
)


def check_arrivals(connection: Connection, *, now: datetime) -> list[CheckResult]:
    """Check freshness and counts of every source; one that brought nothing yet passes."""
    moment = now.astimezone(UTC).replace(tzinfo=None)
    fresh = [_check_freshness(connection, source, moment) for source in SOURCES]
    return fresh + [_check_count(connection, counted, moment.date()) for counted in COUNTED]


def _check_freshness(connection: Connection, source: Source, now: datetime) -> CheckResult:
    row = connection.execute(
        f"select max({source.moment}) from {source.relation} where {source.moment} <= $now", {"now": now}
    ).fetchone()
    newest = row[0] if row else None
    if newest is None:
        return _result(FRESH, source.table, True, "no rows yet")
    passed = now - newest <= source.within
    message = "" if passed else f"the newest row is {_age(now - newest)} old; expected within {_age(source.within)}"
    return _result(FRESH, source.table, passed, message, FailingRow(newest.isoformat(" ", "seconds"), {}))


def _check_count(connection: Connection, counted: Counted, today: date) -> CheckResult:
    newest = today - timedelta(days=1)
    first = newest - timedelta(days=BEFORE)
    rows = connection.execute(
        f"select cast(moment as date) as day, count(*) from ({counted.rows}) "
        "where moment >= $first and moment < $today group by day",
        {"first": first, "today": today},
    ).fetchall()
    counts = {day: int(count) for day, count in rows}
    older = connection.execute(
        f"select count(*) from (select 1 from ({counted.rows}) where moment < $second limit 1)",
        {"second": first + timedelta(days=1)},
    ).fetchone()
    if not (older and older[0]):
        return _result(USUAL, counted.table, True, f"less than {BEFORE} days of history")
    before = [counts.get(first + timedelta(days=number), 0) for number in range(BEFORE)]
    low, high = usual_bounds(before)
    found = counts.get(newest, 0)
    passed = low <= found <= high
    message = f"{found:,} rows on {newest}; {low:,} to {high:,} would be usual"
    shown = FailingRow(str(newest), {"rows": str(found)})
    return _result(USUAL, counted.table, passed, "" if passed else message, shown)


def usual_bounds(before: Sequence[int]) -> tuple[int, int]:
    """The smallest and the greatest count that is usual after these days."""
    middle = median(before)
    deviation = 1.4826 * median(abs(count - middle) for count in before)
    spread = SPREADS * max(deviation, math.sqrt(middle), 1)
    return max(0, math.ceil(middle - spread)), math.floor(middle + spread)


def _result(name: str, table: str, passed: bool, message: str, shown: FailingRow | None = None) -> CheckResult:
    return CheckResult(
        name=name,
        table=table,
        engine="millstream",
        severity="warn",
        is_passed=passed,
        failing_rows=0 if passed else 1,
        message=message,
        examples=() if passed or shown is None else (shown,),
    )


def _age(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
