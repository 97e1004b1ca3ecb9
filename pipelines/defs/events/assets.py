"""Events as they were landed: the lake, who a visitor is, what users said of themselves."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from pipelines.operations import ingest_inbox
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse

TABLES = {
    "events": "Every event once, in the lake's daily files, with the ids it came with.",
    "identity_map": "Which person a visitor is; made anew at each load.",
    "owners": "The user that an anonymous id belongs to; made anew at each load.",
    "identities": "What identified users told of themselves, newest value of each trait.",
}


@dg.multi_asset(
    name="landed_events",
    specs=[
        dg.AssetSpec(
            ["raw_events", table],
            group_name="ingestion",
            kinds={"duckdb", "parquet"},
            tags={"domain": "behaviour"},
            description=description,
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26)),
        )
        for table, description in TABLES.items()
    ],
    pool="warehouse",
)
def landed_events(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """Files in the inbox and what was landed before, each event once."""
    with told_to_dagster():
        summary = ingest_inbox(settings, now=settings.now())
        context.log.info(f"read {summary.read}, loaded {summary.loaded}, set aside {summary.quarantined}")
        with Warehouse(settings).write("counting events") as connection:
            for table in TABLES:
                row = connection.execute(f"select count(*) from raw_events.{table}").fetchone()
                assert row is not None
                yield dg.MaterializeResult(
                    asset_key=["raw_events", table],
                    metadata={"dagster/row_count": row[0], "quarantined": summary.quarantined},
                )
