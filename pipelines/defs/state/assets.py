"""The state store as one more source."""

from collections.abc import Iterator

import dagster as dg

from pipelines.operations import prepare_warehouse
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings

TABLES = ("consents", "suppressions", "campaigns", "campaign_recipients")


@dg.multi_asset(
    name="state_copy",
    specs=[
        dg.AssetSpec(
            ["raw_state", table],
            group_name="ingestion",
            kinds={"sqlite", "duckdb"},
            description=f"A copy of the state store's {table}, without addresses and bodies.",
        )
        for table in TABLES
    ],
    pool="warehouse",
)
def state_copy(settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult[None]]:
    """Consent, suppressions, campaigns and recipients as they are now."""
    with told_to_dagster():
        prepare_warehouse(settings, purpose="copying the state store")
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=["raw_state", table])
