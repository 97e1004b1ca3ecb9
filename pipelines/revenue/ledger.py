"""The ledger by day, and the periods that reports are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pipelines.revenue.rates import Rates
from pipelines.warehouse import Snapshot

Grain = Literal["day", "week", "month"]
KINDS = ("new", "expansion", "contraction", "churn", "reactivation")


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included."""

    start: date
    end: date


def periods(date_from: date, date_to: date, by: Grain) -> list[Period]:
    """Cut the days `date_from`..`date_to` into whole periods (weeks begin on Monday); the last may be cut short."""
    return list(_cut(date_from, date_to, by))


def _cut(date_from: date, date_to: date, by: Grain) -> Iterator[Period]:
    start = first_day(date_from, by)
    while start <= date_to:
        after = _next(start, by)
        yield Period(max(start, date_from), min(after - timedelta(days=1), date_to))
        start = after


def first_day(day: date, by: Grain) -> date:
    """The first day of the period that `day` lies in."""
    if by == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if by == "week" else day


def _next(start: date, by: Grain) -> date:
    if by == "month":
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start + timedelta(days=7 if by == "week" else 1)


@dataclass(frozen=True)
class Day:
    """One currency's day: the balance at its end and the day's movements, minor units."""

    day: date
    currency: str
    mrr_minor: int
    moved_minor: dict[str, int]


class Ledger:
    """Every day of every currency, in order, with conversion to one currency."""

    def __init__(self, snapshot: Snapshot, rates: Rates, currency: str) -> None:
        self.currency = currency
        self._rates = rates
        rows = snapshot.query(
            "select day, currency, sum(mrr_minor)::bigint as mrr_minor, "
            + ", ".join(f"sum({kind}_minor)::bigint as {kind}" for kind in KINDS)
            + " from marts.fct_mrr_daily group by day, currency order by day, currency"
        )
        self._days: dict[str, dict[date, Day]] = {}
        for day, own, balance, *moved in rows.iter_rows():
            entry = Day(day, own, balance, dict(zip(KINDS, moved, strict=True)))
            self._days.setdefault(own, {})[day] = entry
        # Judged at its first day: a balance without a rate must be named, never counted as nothing.
        firsts = {own: min(days) for own, days in self._days.items()}
        self.unconverted = sorted(own for own, first in firsts.items() if rates.rate(own, currency, first) is None)

    def balance(self, day: date) -> int:
        """MRR at the end of `day` over all convertible currencies, each converted at that day's rate."""
        return sum(self._convert(self._native(own, day), own, day) for own in self._convertible())

    def moved(self, period: Period) -> dict[str, int]:
        """Movements of the period, each day's converted at that day's rate."""
        total = dict.fromkeys(KINDS, 0)
        for own in self._convertible():
            for day, entry in self._days[own].items():
                if period.start <= day <= period.end:
                    for kind, minor in entry.moved_minor.items():
                        total[kind] += self._convert(minor, own, day)
        return total

    def _convertible(self) -> list[str]:
        return [own for own in self._days if own not in self.unconverted]

    def _convert(self, minor: int, own: str, day: date) -> int:
        converted = self._rates.convert(minor, own, self.currency, day)
        return 0 if converted is None else converted

    def _native(self, own: str, day: date) -> int:
        known = self._days[own]
        if day in known:
            return known[day].mrr_minor
        # Before the first change there was nothing; after the last day the balance stands.
        return 0 if day < min(known) else known[max(known)].mrr_minor
