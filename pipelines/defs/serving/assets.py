"""The published snapshot: what dashboards, questions and segments read."""

import dagster as dg

from pipelines.defs.transform.assets import mart_keys
from pipelines.operations import publish_snapshot
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings


@dg.asset(
    key=["published", "snapshot"],
    deps=mart_keys(),
    group_name="serving",
    kinds={"parquet"},
    description="A numbered, immutable set of files per mart, and the pointer to it.",
    pool="warehouse",
)
def snapshot(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Runs only after every model was built and every check passed."""
    with told_to_dagster():
        number = publish_snapshot(settings, now=settings.now())
    return dg.MaterializeResult(metadata={"number": number})
