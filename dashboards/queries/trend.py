"""Net revenue over a range, by day or week, beside the same weekdays before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from dashboards.queries.revenue_days import NetRevenue, net_revenue
from pipelines.revenue import Period, periods
from pipelines.warehouse import Snapshot

Range = Literal["7d", "30d", "90d", "12m"]
RANGES: tuple[Range, ...] = ("7d", "30d", "90d", "12m")
_DAYS: dict[Range, int] = {"7d": 7, "30d": 30, "90d": 90}
_WEEKS_IN_YEAR = 52


@dataclass(frozen=True)
class Span:
    """One period of the trend, in minor units; `before_minor` is None where nothing was known yet."""

    period: Period
    minor: int
    before_minor: int | None
    is_over: bool


@dataclass(frozen=True)
class Trend:
    """Spans in order. The comparison lies `shift` earlier: whole weeks, so that weekdays match."""

    currency: str
    spans: list[Span]
    shift: timedelta
    by: Literal["day", "week"]
    unconverted: list[str]

    @property
    def total_minor(self) -> int:
        """The sum of the periods that are over."""
        return sum(span.minor for span in self.spans if span.is_over)

    @property
    def before_minor(self) -> int | None:
        """The sum of what they are compared with; None where a part is unknown."""
        earlier = [span.before_minor for span in self.spans if span.is_over]
        known = [minor for minor in earlier if minor is not None]
        return sum(known) if earlier and len(known) == len(earlier) else None


def revenue_trend(
    snapshot: Snapshot, *, chosen: Range, currency: str, timezone: str, last_day: date, today: date | None
) -> Trend:
    """The trend up to `last_day` (the last whole day); `today` is the day that has only begun, if any."""
    revenue = net_revenue(snapshot, currency=currency, timezone=timezone)
    if chosen == "12m":
        # Weeks begin on Monday; the one that is not over becomes the tail.
        monday = (last_day + timedelta(days=1)) - timedelta(days=(last_day.weekday() + 1) % 7)
        whole = periods(monday - timedelta(weeks=_WEEKS_IN_YEAR), monday - timedelta(days=1), "week")
        end = today or last_day
        rest = [Period(monday, end)] if end >= monday else []
        return _trend(revenue, whole, rest, timedelta(weeks=_WEEKS_IN_YEAR), "week")
    days = _DAYS[chosen]
    whole = periods(last_day - timedelta(days=days - 1), last_day, "day")
    rest = [] if today is None else [Period(today, today)]
    return _trend(revenue, whole, rest, timedelta(weeks=-(-days // 7)), "day")


def _trend(
    revenue: NetRevenue, whole: list[Period], rest: list[Period], shift: timedelta, by: Literal["day", "week"]
) -> Trend:
    by_day = dict(revenue.days)
    first = min(by_day, default=None)

    def total(start: date, end: date) -> int:
        return sum(by_day.get(start + timedelta(days=n), 0) for n in range((end - start).days + 1))

    spans = [
        Span(
            period,
            total(period.start, period.end),
            total(period.start - shift, period.end - shift)
            if period in whole and first is not None and period.start - shift >= first
            else None,
            period in whole,
        )
        for period in (*whole, *rest)
    ]
    return Trend(revenue.currency, spans, shift, by, revenue.unconverted)
