"""The people as they were known at an earlier moment, and which traits tell what they were then.

A moment that never changes once it is there (`customer_since`) is taken away where it had not come yet. MRR and
plan are those of the ledger at that moment. Nothing else of a person is asked for an earlier day: the mart only knows
it now.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pipelines.conditions import Bindings
from pipelines.segments.fields import MART

ONCE = ("customer_since", "first_seen_at", "signed_up_at", "subscribed_at")
"""Moments that stay what they are."""
_BALANCE = {"mrr_minor": "coalesce(balances_then.mrr_minor, 0)", "mrr_currency": "balances_then.currency"}
_PLAN = {name: f"plans_then.{name}" for name in ("plan", "interval", "interval_count")}
_LEDGER = {"mrr": _BALANCE, **dict.fromkeys(_BALANCE, _BALANCE), **dict.fromkeys(_PLAN, _PLAN)}
LEDGER_TABLES = frozenset(["marts.fct_mrr_changes", "marts.dim_prices", "marts.exchange_rates", "marts.currencies"])
"""What MRR and plan of an earlier moment are made of."""
PROFILE = "stripe"
"""The profile whose figures `dim_customers` has."""

# As agg_person_subscriptions makes them of the same ledger. What a currency is worth only decides between two of them.
_CTES = """
changes_then as (
    select owners.person_id, changes.*
    from marts.fct_mrr_changes as changes
    inner join (select person_id, unnest(stripe_customer_ids) as customer_id from marts.dim_customers) as owners
    using (customer_id)
    where changes.profile = {profile} and changes.changed_at <= {then}
),
worth_then as (
    select currency, power(10, -coalesce(exponent, 2)) / units_per_eur as worth
    from (
        select currency, arg_max(units_per_eur, rate_date) as units_per_eur from marts.exchange_rates group by currency
        union all select 'EUR', 1
    ) left join marts.currencies using (currency)
),
balances_then as (
    select balances.*
    from (
        select person_id, currency, cast(sum(minor) as bigint) as mrr_minor
        from (
            select person_id, account, customer_id, currency, round_even(sum(delta_minor), 0) as minor
            from changes_then group by all
        )
        where minor > 0 group by all
    ) as balances
    left join worth_then using (currency)
    qualify row_number() over (
        partition by person_id order by mrr_minor * worth desc nulls last, mrr_minor desc, currency
    ) = 1
),
items_then as (
    select * from changes_then
    qualify row_number() over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at desc
    ) = 1
),
plans_then as (
    select
        items.person_id, coalesce(prices.product_name, prices.price_nickname, items.price_id) as plan,
        prices.interval, prices.interval_count
    from items_then as items
    left join marts.dim_prices as prices on items.account = prices.account and items.price_id = prices.price_id
    left join worth_then on items.currency = worth_then.currency
    where items.mrr_minor > 0
    qualify row_number() over (
        partition by items.person_id
        order by items.mrr_minor * worth desc nulls last, items.mrr_minor desc, items.currency, items.account,
            items.subscription_item_id
    ) = 1
)
"""


def has_history(trait: str, tables: frozenset[str]) -> bool:
    """Whether the trait may be asked for an earlier day of a snapshot with these tables."""
    return trait == "person_id" or trait in ONCE or (trait in _LEDGER and tables >= LEDGER_TABLES)


def people_then(
    then: datetime, traits: Iterable[str], columns: Iterable[str], bindings: Bindings
) -> tuple[list[str], str]:
    """CTEs, and SQL of the people who were known at that moment, with these traits as they were then."""
    known = set(columns)
    moment = bindings.add(then)
    replaced = {name: f"case when people.{name} <= {moment} then people.{name} end" for name in ONCE}
    joins = ""
    if of_ledger := [part for trait in traits if (part := _LEDGER.get(trait)) is not None]:
        replaced |= {name: sql for part in of_ledger for name, sql in part.items()}
        joins = "".join(
            f" left join {table} on people.person_id = {table}.person_id" for table in ("balances_then", "plans_then")
        )
    told = ", ".join(f"{sql} as {name}" for name, sql in replaced.items() if name in known)
    star = f"people.* replace ({told})" if told else "people.*"
    there = f" where coalesce(first_seen_at <= {moment}, true)" if "first_seen_at" in known else ""
    ctes = [_CTES.format(profile=bindings.add(PROFILE), then=moment)] if joins else []
    return ctes, f"(select {star} from {MART} as people{joins}{there})"
