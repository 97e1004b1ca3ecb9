"""MRR by product: what each product earns by the month at the end of each period, and from how many customers.

It is made of the rows that `explain mrr` shows, so the products of a period add up to its MRR exactly.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from pipelines.revenue.behind_mrr import items_held
from pipelines.revenue.ledger import Grain, Ledger, periods
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.rates import load_rates
from pipelines.revenue.reports import Row, answer
from pipelines.warehouse import Snapshot


@dataclass
class _Earned:
    """One product's balance in one currency."""

    minor: int = 0
    customers: set[str] = field(default_factory=set)


def mrr_by_product(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> Row:
    """`mrr` with a row per product, the largest first; `product` is its name, else its id, null where there is none.

    A customer counts with each product that they pay for, so `customers` does not add up.
    """
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account, profile=profile)
    names = dict(snapshot.query(_NAMES).iter_rows())
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        earned: dict[tuple[str, str | None], _Earned] = defaultdict(_Earned)
        for item in items_held(ledger, period.end):
            product = item["product_id"]
            one = earned[str(item["currency"]), None if product is None else str(names.get(product) or product)]
            one.minor += int(str(item["amount_minor"]))
            one.customers.add(str(item["customer_id"]))
        for (own, name), one in sorted(
            earned.items(), key=lambda pair: (pair[0][0], -pair[1].minor, pair[0][1] is None, pair[0][1] or "")
        ):
            rows.append(
                {
                    "period": period.start,
                    "product": name,
                    "currency": own,
                    "mrr_minor": one.minor,
                    "arr_minor": 12 * one.minor,
                    "customers": len(one.customers),
                }
            )
    return answer("mrr", ledger, timezone, rows)


_NAMES = "select product_id, max(product_name) as name from marts.dim_products where product_id is not null group by 1"
