"""What every report by period is asked, as one value: which days, in which currency, of whom, by which rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.revenue.ledger import Grain, Ledger, Period, periods
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.rates import load_rates
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Question:
    """The days `date_from`..`date_to` of `timezone`, both included.

    `currency` is a code, or `native` for each amount in its own; `account` left out means all of them together.
    """

    date_from: date
    date_to: date
    currency: str
    timezone: str
    by: Grain = "month"
    account: str | None = None
    profile: str = DEFAULT_PROFILE

    def periods(self) -> list[Period]:
        """The days cut into periods; the first and the last may be cut short."""
        return periods(self.date_from, self.date_to, self.by)

    def ledger(self, snapshot: Snapshot, *, rates_ahead: int | None = None) -> Ledger:
        """The ledger of whoever is asked about, converted by the rates that the snapshot has."""
        return Ledger(
            snapshot,
            load_rates(snapshot),
            self.currency,
            account=self.account,
            profile=self.profile,
            rates_ahead=rates_ahead,
        )
