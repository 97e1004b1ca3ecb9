"""The state store as one more source."""

from collections.abc import Iterator

import dagster as dg

from pipelines.operations import prepare_warehouse
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings

TABLES = ("consents", "consent_events", "suppressions", "campaigns", "campaign_recipients")


@dg.multi_asset(
    name="state_copy",
    specs=[
        *(
            dg.AssetSpec(
                ["raw_state", table],
                group_name="ingestion",
                kinds={"sqlite", "duckdb"},
                description=f"A copy of the state store's {table}, without addresses and bodies.",
            )
            for table in TABLES
        ),
        dg.AssetSpec(
            ["raw_state", "address_keys"],
            # Made of the addresses in them, so after them.
            deps=[["raw_stripe", "customers"], ["raw_stripe", "charges"], ["raw_events", "identities"]],
            group_name="ingestion",
            kinds={"duckdb"},
            description="The keys of landed addresses that are not plain ASCII; consent and refusals go by them.",
        ),
    ],
    pool="warehouse",
)
def state_copy(settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult[None]]:
    """Consent, suppressions, campaigns and recipients as they are now, and the keys to find people by."""
    with told_to_dagster():
        prepare_warehouse(settings, purpose="copying the state store")
    for table in (*TABLES, "address_keys"):
        yield dg.MaterializeResult(asset_key=["raw_state", table])
