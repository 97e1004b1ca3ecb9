"""The few figures that the overview and the demo's last lines show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from pipelines.revenue.ledger import Ledger
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.rates import load_rates
from pipelines.revenue.reports import paying_customers, rolling_churn
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Summary:
    """Figures at the end of the last whole day before the snapshot's moment."""

    day: date
    currency: str
    mrr_minor: int
    mrr_before_minor: int
    """30 days earlier."""
    customers: int
    customer_churn_rate_30d: float | None
    unconverted: list[str]


def last_whole_day(snapshot: Snapshot, timezone: str) -> date:
    """The last day that is over at the snapshot's moment, in this zone."""
    return snapshot.as_of.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)


def summary(snapshot: Snapshot, *, currency: str, timezone: str, profile: str = DEFAULT_PROFILE) -> Summary:
    """The figures of one snapshot."""
    day = last_whole_day(snapshot, timezone)
    ledger = Ledger(snapshot, load_rates(snapshot), currency, profile=profile)
    return Summary(
        day=day,
        currency=currency,
        mrr_minor=ledger.balance(day),
        mrr_before_minor=ledger.balance(day - timedelta(days=30)),
        customers=paying_customers(snapshot, day, profile=profile),
        customer_churn_rate_30d=rolling_churn(snapshot, day, profile=profile),
        unconverted=ledger.unconverted,
    )
