"""A ledger of hand-made balances, published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish

NOW = datetime(2026, 11, 24, tzinfo=UTC)
Move = tuple[str, str, str, int, int]
"""customer, currency, day, closing balance and opening balance in minor units."""


@pytest.fixture
def told(settings: Settings) -> Callable[..., Snapshot]:
    """Publish a ledger of hand-made balances and rates; `more` are statements that make other tables."""

    def publish_it(
        moves: list[Move],
        rates: list[tuple[str, str, str]],
        *more: str,
        as_of: datetime = NOW,
        published: datetime = NOW,
        rules: str = "",
    ) -> Snapshot:
        with Warehouse(settings).write("test") as connection:
            connection.execute(
                "create or replace table marts.fct_mrr_movements_daily (profile varchar, account varchar, customer_id varchar, currency varchar, "
                "changed_date date, movement varchar, opening_minor bigint, amount_minor bigint, closing_minor bigint, is_involuntary boolean)"
            )
            seen: set[str] = set()
            for customer, currency, day, closing, opening in moves:
                kind = (
                    ("reactivation" if customer in seen else "new") if opening == 0
                    else "churn" if closing == 0 else "expansion" if closing > opening else "contraction"
                )  # fmt: skip
                seen.add(customer)
                connection.execute(
                    "insert into marts.fct_mrr_movements_daily values ('stripe', 'a', ?, ?, ?, ?, ?, ?, ?, ?)",
                    [customer, currency, day, kind, opening, closing - opening, closing, customer.startswith("unpaid")],
                )
            connection.execute(f"""
                create or replace table marts.fct_mrr_daily as
                with days as (select unnest(generate_series((select min(changed_date) from marts.fct_mrr_movements_daily), least(date '2026-03-31', date '{as_of:%Y-%m-%d}'), interval 1 day))::date as day),
                moved as (select currency, changed_date as day, movement, amount_minor from marts.fct_mrr_movements_daily)
                select 'stripe' as profile, 'a' as account, currency, days.day,
                    coalesce(sum(amount_minor) filter (movement = 'new' and moved.day = days.day), 0)::bigint as new_minor,
                    coalesce(sum(amount_minor) filter (movement = 'expansion' and moved.day = days.day), 0)::bigint as expansion_minor,
                    coalesce(sum(amount_minor) filter (movement = 'contraction' and moved.day = days.day), 0)::bigint as contraction_minor,
                    coalesce(sum(amount_minor) filter (movement = 'churn' and moved.day = days.day), 0)::bigint as churn_minor,
                    coalesce(sum(amount_minor) filter (movement = 'reactivation' and moved.day = days.day), 0)::bigint as reactivation_minor,
                    sum(amount_minor)::bigint as mrr_minor, 0::bigint as customers
                from days join moved on moved.day <= days.day group by currency, days.day
            """)
            # Every customer has one item.
            connection.execute(
                "create or replace table marts.fct_mrr_item_movements_daily as select profile, account, "
                "customer_id, currency, changed_date, customer_id as subscription_id, customer_id as subscription_item_id, "
                "null::varchar as price_id, null::varchar as product_id, amount_minor from marts.fct_mrr_movements_daily"
            )
            connection.execute("create or replace table marts.currencies as select 'JPY' as currency, 0 as exponent")
            connection.execute(
                "create or replace table marts.exchange_rates (rate_date date, currency varchar, units_per_eur decimal(18, 9))"
            )
            connection.executemany("insert into marts.exchange_rates values (?, ?, ?)", [list(rate) for rate in rates])
            for statement in more:
                connection.execute(statement)
            publish(connection, settings, as_of=as_of, now=published, rules=rules)
        snapshot = SnapshotReader(settings.published_dir).current()
        assert snapshot is not None
        return snapshot

    return publish_it
