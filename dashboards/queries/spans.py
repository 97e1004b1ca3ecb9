"""Which days a choice of range means, how finely they can be cut, and in which currencies one can ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from dashboards.queries.cache import per_snapshot
from dashboards.queries.movements import Grain
from pipelines.revenue import load_rates
from pipelines.warehouse import Snapshot

RevenueRange = Literal["7d", "30d", "90d", "12m", "24m", "all", "custom"]
RANGES: tuple[RevenueRange, ...] = ("7d", "30d", "90d", "12m", "24m", "all", "custom")
GRAINS: tuple[Grain, ...] = ("day", "week", "month")
LONGEST_BY_DAY = 92
LONGEST_BY_WEEK = 800
_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_YEARS = {"12m": 1, "24m": 2}


@dataclass(frozen=True)
class Span:
    """Days from `first` to `last`, both included, cut `by` periods."""

    first: date
    last: date
    by: Grain


def span_of(
    chosen: RevenueRange,
    by: Grain,
    *,
    last_day: date,
    first_known: date | None = None,
    days: tuple[date, date] | None = None,
) -> Span:
    """The days of a range that ends with the last whole day; months are whole, the current one comes last.

    A range that would be cut into too many periods is cut into longer ones.
    """
    if chosen == "custom" and days is not None:
        first, last = days
    else:
        first, last = _first(chosen, last_day, first_known), last_day
    length = (last - first).days + 1
    if by == "day" and length > LONGEST_BY_DAY:
        by = "week"
    return Span(first, last, "month" if by == "week" and length > LONGEST_BY_WEEK else by)


def usual_grain(chosen: RevenueRange) -> Grain:
    """How a range is cut where nothing else is chosen."""
    return "day" if chosen in _DAYS else "month"


def _first(chosen: RevenueRange, last_day: date, first_known: date | None) -> date:
    if chosen in _DAYS:
        return last_day - timedelta(days=_DAYS[chosen] - 1)
    if chosen == "all" and first_known is not None:
        return min(first_known, last_day).replace(day=1)
    return date(last_day.year - _YEARS.get(chosen, 1), last_day.month, 1)


@per_snapshot
def currencies(snapshot: Snapshot, *, reporting: str) -> list[str]:
    """The reporting currency first, then those that customers are billed in and that have a rate."""
    rates = load_rates(snapshot)
    found = snapshot.query("select distinct currency from marts.fct_mrr_daily order by currency")
    return [reporting, *(own for own in found["currency"] if own != reporting and rates.knows(own))]
