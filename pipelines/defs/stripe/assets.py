"""Stripe's objects as they were landed: one asset per table of `raw_stripe`."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.stripe import load_landed, sync_accounts
from pipelines.stripe.catalogue import TABLES
from pipelines.warehouse import Warehouse

STRIPE_TABLES = (*TABLES.values(), "object_versions")


@dg.multi_asset(
    name="stripe_objects",
    specs=[
        dg.AssetSpec(
            ["raw_stripe", table],
            group_name="ingestion",
            kinds={"stripe", "duckdb"},
            tags={"domain": "billing"},
            description=(
                "Every version of every object, append only."
                if table == "object_versions"
                else f"The newest version of each of Stripe's {table}, payload as Stripe wrote it."
            ),
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=6)),
        )
        for table in STRIPE_TABLES
    ],
    pool="warehouse",
)
def stripe_objects(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """What changed at Stripe since the last run; without a key, what was landed from files.

    What the sync cost (requests, waits for rate limits, speed) stands at each of its tables.
    """
    now = settings.now()
    cost: dict[str, int | float] = {}
    with told_to_dagster():
        warehouse = Warehouse(settings)
        if settings.stripe_api_key is not None:
            cost = sync_accounts(settings, settings.stripe_accounts, now=now, progress=context.log.info).cost()
        with warehouse.write("counting Stripe objects") as connection:
            load_landed(connection, settings, now=now)
            for table in STRIPE_TABLES:
                row = connection.execute(f"select count(*), max(version_at) from raw_stripe.{table}").fetchone()
                assert row is not None
                yield dg.MaterializeResult(
                    asset_key=["raw_stripe", table],
                    metadata={"dagster/row_count": row[0], "newest_version": str(row[1]), **cost},
                )
