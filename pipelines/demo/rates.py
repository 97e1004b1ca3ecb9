"""Exchange rates to the settlement currency, day by day, as balance transactions show them.

As in Stripe's own field, an amount in minor units times the rate is the amount in cents: a yen has no
minor unit, so its rate is cents for a yen.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from pipelines.demo.clock import DAY, midnight

BASE = {"eur": (1.09, 0.035), "jpy": (0.67, 0.03)}


class Rates:
    """Rates that swing slowly and tremble daily; the dollar has none."""

    def __init__(self, seed: int, first: date, end: date) -> None:
        self._start = midnight(first)
        rng = Random(f"{seed}:rates")
        count = (end - first).days + 1
        self._rates = {
            currency: [round(base + swing * math.sin(day / 61) + rng.gauss(0, swing / 12), 5) for day in range(count)]
            for currency, (base, swing) in BASE.items()
        }

    def rate(self, currency: str, at: int) -> float | None:
        """The rate on the day of `at`; None for the settlement currency."""
        series = self._rates.get(currency)
        return None if series is None else series[(at - self._start) // DAY]

    def settle(self, amount: int, currency: str, at: int) -> tuple[int, float | None]:
        """The amount in cents, rounded half up, and the rate used."""
        rate = self.rate(currency, at)
        if rate is None:
            return amount, None
        exact = Decimal(amount) * Decimal(str(rate))
        return int(exact.to_integral_value(ROUND_HALF_UP)), rate
