"""What each product earns by the month now: its balances, converted and in their own currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from pipelines.revenue import load_rates
from pipelines.warehouse import Snapshot

_BALANCES = """
with newest as (
    select account, customer_id, product_id, currency, mrr_minor
    from marts.fct_mrr_changes
    where changed_date <= $day
    qualify row_number() over (
        partition by account, subscription_item_id, currency order by changed_at desc, change_id desc
    ) = 1
),
named as (
    select
        coalesce(products.product_name, newest.product_id, 'No product') as product_name,
        newest.*
    from newest
    left join (select distinct account, product_id, product_name from marts.dim_products) as products
        using (account, product_id)
    where newest.mrr_minor > 0
),
people as (
    select product_name, count(distinct (account, customer_id)) as customers from named group by all
)
select product_name, customers, currency, round_even(sum(mrr_minor), 0)::bigint as mrr_minor
from named join people using (product_name)
group by all
"""


@dataclass(frozen=True)
class Plan:
    """One product: paying customers and MRR in the reporting currency (minor units)."""

    name: str
    customers: int
    mrr_minor: int


@per_snapshot
def top_plans(snapshot: Snapshot, *, day: date, currency: str) -> list[Plan]:
    """Products by MRR at the end of `day`, the largest first; balances without a rate are left out."""
    rates = load_rates(snapshot)
    found: dict[str, Plan] = {}
    for name, customers, own, minor in snapshot.query(_BALANCES, day=day).iter_rows():
        converted = rates.convert(minor, own, currency, day)
        before = found.get(name, Plan(name, customers, 0))
        found[name] = Plan(name, customers, before.mrr_minor + (converted or 0))
    return sorted(found.values(), key=lambda plan: (-plan.mrr_minor, plan.name))
