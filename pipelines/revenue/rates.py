"""Dated exchange rates: an amount in minor units to another currency's minor units, exactly.

The rate of a day is the last one fixed on or before it, never today's rate on history. A currency
without a rate stays as it is and is named, so that nothing is summed silently.
"""

from __future__ import annotations

import bisect
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from pipelines.warehouse import Snapshot

DEFAULT_EXPONENT = 2


class Rates:
    """Rates to the euro by currency and day, and the decimals of each currency."""

    def __init__(self, rates: dict[str, list[tuple[date, Decimal]]], exponents: dict[str, int]) -> None:
        self._days = {currency: [day for day, _ in rows] for currency, rows in rates.items()}
        self._units = {currency: [units for _, units in rows] for currency, rows in rates.items()}
        self._exponents = exponents

    def exponent(self, currency: str) -> int:
        """Decimals between the minor and the major unit."""
        return self._exponents.get(currency, DEFAULT_EXPONENT)

    def knows(self, currency: str) -> bool:
        """Whether there is any rate of this currency."""
        return currency == "EUR" or currency in self._days

    def rate(self, source: str, target: str, day: date) -> Decimal | None:
        """Units of `target` for one unit of `source` (major units), or None where a rate is missing."""
        if source == target:
            return Decimal(1)
        ours, theirs = self._per_euro(source, day), self._per_euro(target, day)
        return None if ours is None or theirs is None else theirs / ours

    def factor(self, source: str, target: str, day: date) -> Decimal | None:
        """The rate between minor units, or None where a rate is missing."""
        rate = self.rate(source, target, day)
        return None if rate is None else rate * Decimal(10) ** (self.exponent(target) - self.exponent(source))

    def convert(self, minor: int | Decimal, source: str, target: str, day: date) -> int | None:
        """Minor units of `target`, rounded once, half to even; None where a rate is missing."""
        factor = self.factor(source, target, day)
        return None if factor is None else int((Decimal(minor) * factor).to_integral_value(ROUND_HALF_EVEN))

    def _per_euro(self, currency: str, day: date) -> Decimal | None:
        if currency == "EUR":
            return Decimal(1)
        position = bisect.bisect_right(self._days.get(currency, []), day)
        return None if position == 0 else self._units[currency][position - 1]


def load_rates(snapshot: Snapshot) -> Rates:
    """The rates that this snapshot was published with."""
    rates: dict[str, list[tuple[date, Decimal]]] = {}
    rows = snapshot.query(
        "select currency, rate_date, units_per_eur from marts.exchange_rates order by currency, rate_date"
    )
    for currency, day, units in rows.iter_rows():
        rates.setdefault(currency, []).append((day, units))
    exponents = dict(snapshot.query("select currency, exponent from marts.currencies").iter_rows())
    return Rates(rates, exponents)
