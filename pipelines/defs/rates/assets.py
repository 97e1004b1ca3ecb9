"""Exchange rates beside those that the product ships, as they were landed."""

import dagster as dg

from pipelines.rates import refresh
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse


@dg.asset(
    key=["raw_rates", "rates"],
    group_name="ingestion",
    kinds={"duckdb"},
    tags={"domain": "billing"},
    pool="warehouse",
)
def exchange_rates(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """Rates of the file or address in MILLSTREAM_RATES; one that does not answer leaves them as they are."""
    with told_to_dagster():
        summary = refresh(settings, now=settings.now())
        context.log.info(f"read {summary.read}, loaded {summary.loaded}, set aside {summary.quarantined}")
        with Warehouse(settings).write("counting exchange rates") as connection:
            row = connection.execute("select count(*), max(rate_date) from raw_rates.rates").fetchone()
    assert row is not None
    return dg.MaterializeResult(metadata={"dagster/row_count": row[0], "newest_rate": str(row[1])})
