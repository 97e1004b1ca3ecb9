"""Net revenue by day in the reporting currency, as `revenue cash --by day` answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from pipelines.revenue import Question, cash
from pipelines.warehouse import Snapshot

_PARTS = ("gross_minor", "refunds_minor", "disputes_minor", "fees_minor")


@dataclass(frozen=True)
class NetRevenue:
    """Days in order with their net amount in minor units, days without money left out."""

    currency: str
    days: list[tuple[date, int]]
    unconverted: list[str]
    """Currencies that are in the data and, without a rate, not in these sums."""

    def total(self, first: date, last: date) -> int:
        """The sum of the days `first`..`last`, both included."""
        return sum(minor for day, minor in self.days if first <= day <= last)


@per_snapshot
def net_revenue(snapshot: Snapshot, *, currency: str, timezone: str) -> NetRevenue:
    """Every day's net revenue: gross less refunds, disputes and fees."""
    first, last = snapshot.query("select min(paid_date), max(paid_date) from marts.fct_payments").row(0)
    if first is None:
        return NetRevenue(currency, [], [])
    answer = cash(snapshot, Question(date_from=first, date_to=last, by="day", currency=currency, timezone=timezone))
    rows, unconverted = answer["rows"], answer["unconverted"]
    assert isinstance(rows, list)
    assert isinstance(unconverted, list)
    days = [(row["period"], int(row["net_minor"])) for row in rows if any(row[part] for part in _PARTS)]
    return NetRevenue(currency, days, unconverted)
