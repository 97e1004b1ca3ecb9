"""Net revenue by day (settled charges less refunds and fees), in one settlement currency at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class NetRevenue:
    """Days in order with their net amount in minor units, days without money left out."""

    currency: str
    days: list[tuple[date, int]]
    others: list[str]
    """Further settlement currencies that are in the data and not in these sums."""

    def total(self, first: date, last: date) -> int:
        """The sum of the days `first`..`last`, both included."""
        return sum(minor for day, minor in self.days if first <= day <= last)


@per_snapshot
def net_revenue(snapshot: Snapshot, *, currency: str) -> NetRevenue:
    """Every day's net revenue in `currency`, or in the most used settlement currency where that is none."""
    rows = snapshot.query(
        """
        select
            settlement_currency as currency,
            day,
            sum(net_minor)::bigint as net_minor,
            sum(charge_count) as charges
        from marts.agg_revenue_daily
        where settlement_currency is not null
        group by all
        order by day
        """
    )
    charges: dict[str, int] = {}
    for own, _, _, number in rows.iter_rows():
        charges[own] = charges.get(own, 0) + int(number)
    used = sorted(charges, key=lambda own: (-charges[own], own))
    chosen = currency if currency in charges or not used else used[0]
    days = [(day, int(net or 0)) for own, day, net, _ in rows.iter_rows() if own == chosen]
    return NetRevenue(chosen, days, [own for own in used if own != chosen])
