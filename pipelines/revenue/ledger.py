"""The ledger by day, and the periods that reports are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from pipelines.revenue.profiles import DEFAULT_PROFILE, fx_days
from pipelines.revenue.rates import Rates
from pipelines.warehouse import Snapshot

Grain = Literal["day", "week", "month"]
KINDS = ("new", "expansion", "contraction", "churn", "reactivation")
NATIVE = "native"
"""Asked for in place of a currency: every currency keeps its own rows."""


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
    involuntary_minor: int
    """The part of the churn that a failed payment caused; negative like it."""


class Ledger:
    """Every day of every currency of one account or of all under one profile, with conversion to one currency.

    A day is converted by the rates of so many days later as the profile says, or `rates_ahead`.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        rates: Rates,
        currency: str,
        *,
        account: str | None = None,
        profile: str = DEFAULT_PROFILE,
        rates_ahead: int | None = None,
    ) -> None:
        self.currency = currency
        self.snapshot = snapshot
        self.account = account
        self.profile = profile
        self.rates = rates
        self._rate_shift = timedelta(days=fx_days(snapshot, profile) if rates_ahead is None else rates_ahead)
        rows = snapshot.query(_DAYS, account=account, profile=profile)
        self._days: dict[str, dict[date, Day]] = {}
        for day, own, balance, involuntary, *moved in rows.iter_rows():
            entry = Day(day, own, balance, dict(zip(KINDS, moved, strict=True)), involuntary)
            self._days.setdefault(own, {})[day] = entry
        # Judged at its first day: a balance without a rate must be named, never counted as nothing.
        firsts = {own: min(days) for own, days in self._days.items()}
        self.unconverted = (
            []
            if currency == NATIVE
            else sorted(own for own, first in firsts.items() if rates.rate(own, currency, first) is None)
        )

    @property
    def scope(self) -> dict[str, str | None]:
        """What a question over the tables of the ledger is bound to."""
        return {"account": self.account, "profile": self.profile}

    def currencies(self) -> list[str]:
        """The currencies that the answer has rows in: the one asked for, or each of its own."""
        return sorted(self._days) if self.currency == NATIVE else [self.currency]

    def native_currencies(self) -> list[str]:
        """The currencies that subscriptions are billed in."""
        return sorted(self._days)

    def balance(self, day: date, currency: str | None = None) -> int:
        """MRR at the end of `day` in `currency`: its own with `native`, else all convertible ones converted."""
        if self.currency == NATIVE:
            return self._native(str(currency), day)
        return sum(self._convert(self._native(own, day), own, day) for own in self._convertible())

    def converted(self, own: str, day: date) -> int:
        """The part of `balance` that is billed in `own`, as it is converted."""
        return self._convert(self._native(own, day), own, day)

    def convert(self, minor: int, own: str, day: date) -> int | None:
        """Minor units of `own` in the currency of the answer, rounded once; None without a rate."""
        return self.rates.convert(minor, own, self.currency, self._rate_day(day))

    def factor(self, own: str, day: date) -> Decimal | None:
        """What `convert` multiplies by; None without a rate."""
        return self.rates.factor(own, self.currency, self._rate_day(day))

    def customers(self, own: str, day: date) -> list[tuple[str, str, int]]:
        """Account, customer and rounded balance of those who pay in `own` at the end of `day`."""
        return self.snapshot.query(_CUSTOMERS, day=day, own=own, **self.scope).rows()

    def moved(self, period: Period, currency: str | None = None) -> dict[str, int]:
        """Movements of the period, each day's converted at that day's rate."""
        total = dict.fromkeys(KINDS, 0)
        for own, entry in self._entries(period, currency):
            for kind, minor in entry.moved_minor.items():
                total[kind] += self._convert(minor, own, entry.day)
        return total

    def involuntary(self, period: Period, currency: str | None = None) -> int:
        """The part of `moved()["churn"]` that failed payments caused."""
        entries = self._entries(period, currency)
        return sum(self._convert(entry.involuntary_minor, own, entry.day) for own, entry in entries)

    def _entries(self, period: Period, currency: str | None) -> Iterator[tuple[str, Day]]:
        for own in [str(currency)] if self.currency == NATIVE else self._convertible():
            for day, entry in self._days[own].items():
                if period.start <= day <= period.end:
                    yield own, entry

    def _convertible(self) -> list[str]:
        return [own for own in self._days if own not in self.unconverted]

    def _convert(self, minor: int, own: str, day: date) -> int:
        if self.currency == NATIVE:
            return minor
        converted = self.convert(minor, own, day)
        return 0 if converted is None else converted

    def _rate_day(self, day: date) -> date:
        return day + self._rate_shift

    def _native(self, own: str, day: date) -> int:
        known = self._days.get(own)
        if not known:
            return 0
        if day in known:
            return known[day].mrr_minor
        # Before the first change there was nothing; after the last day the balance stands.
        return 0 if day < min(known) else known[max(known)].mrr_minor


_DAYS = f"""
with involuntary as (
    select changed_date as day, currency, sum(amount_minor)::bigint as involuntary
    from marts.fct_mrr_movements_daily
    where movement = 'churn' and is_involuntary and profile = $profile and ($account is null or account = $account)
    group by all
),
days as (
    select day, currency, sum(mrr_minor)::bigint as mrr_minor,
        {", ".join(f"sum({kind}_minor)::bigint as {kind}" for kind in KINDS)}
    from marts.fct_mrr_daily where profile = $profile and ($account is null or account = $account) group by all
)
select day, currency, mrr_minor, coalesce(involuntary, 0)::bigint, {", ".join(KINDS)}
from days left join involuntary using (day, currency) order by day, currency
"""

_CUSTOMERS = """
select account, customer_id, closing_minor
from (
    select * from marts.fct_mrr_movements_daily
    where profile = $profile and currency = $own and changed_date <= $day and ($account is null or account = $account)
    qualify row_number() over (partition by account, customer_id order by changed_date desc) = 1
)
where closing_minor <> 0
order by account, customer_id
"""
