"""Which balance a charge settles on, and exchange rates day by day, as balance transactions show them.

The business has a bank account in each currency that it sells in; the one for yen was opened late in the
story, so older payments in yen were exchanged to dollars. As in Stripe's own field, an amount in minor
units times the rate is the amount in cents: a yen has no minor unit, so its rate is cents for a yen.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from pipelines.demo.clock import DAY, midnight

HOME = "usd"
BASE = {"jpy": (0.67, 0.03)}
"""What is exchanged until it has a bank account: the rate that it swings about, and how far."""


class Rates:
    """Rates that swing slowly and tremble daily; what settles in its own currency has none."""

    def __init__(self, seed: int, first: date, end: date) -> None:
        self._start = midnight(first)
        rng = Random(f"{seed}:rates")
        count = (end - first).days + 1
        self._opened = self._start + count * 3 // 5 * DAY
        self._rates = {
            currency: [round(base + swing * math.sin(day / 61) + rng.gauss(0, swing / 12), 5) for day in range(count)]
            for currency, (base, swing) in BASE.items()
        }

    def settlement(self, currency: str, charged_at: int) -> str:
        """The currency of the balance that a charge of this moment settles on, with all that follows from it."""
        return HOME if currency in self._rates and charged_at < self._opened else currency

    def settle(self, amount: int, currency: str, settled_in: str, at: int) -> tuple[int, float | None]:
        """The amount in minor units of the balance, rounded half up, and the rate of the day if one was used."""
        if settled_in == currency:
            return amount, None
        rate = self._rates[currency][(at - self._start) // DAY]
        exact = Decimal(amount) * Decimal(str(rate))
        return int(exact.to_integral_value(ROUND_HALF_UP)), rate
