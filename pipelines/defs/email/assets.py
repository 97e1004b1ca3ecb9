"""What SendGrid told of handed-over mails, as it was landed."""

from datetime import timedelta

import dagster as dg

from pipelines.delivery import feedback
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse


@dg.asset(
    key=["raw_email", "events"],
    group_name="ingestion",
    kinds={"duckdb"},
    tags={"domain": "engagement"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26)),
    pool="warehouse",
)
def email_events(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Every delivery, bounce, opening and click once; addresses as keys only."""
    with told_to_dagster(), Warehouse(settings).write("loading e-mail events") as connection:
        summary = feedback.load_landed(connection, settings, now=settings.now())
        context.log.info(f"read {summary.read}, loaded {summary.loaded}, set aside {summary.quarantined}")
        row = connection.execute("select count(*) from raw_email.events").fetchone()
    assert row is not None
    return dg.MaterializeResult(metadata={"dagster/row_count": row[0], "quarantined": summary.quarantined})
