"""Who is in which segment, with the dates of entry and exit."""

import dagster as dg

from pipelines.resources import told_to_dagster
from pipelines.segments import materialise
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import SnapshotReader


@dg.asset(
    key=["segments", "memberships"],
    deps=[["published", "snapshot"]],
    group_name="segments",
    kinds={"sqlite"},
    description="Every saved segment evaluated over the newest snapshot; kept in the state store.",
)
def memberships(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Run twice over one snapshot it changes nothing."""
    with told_to_dagster():
        newest = SnapshotReader(settings.published_dir).current()
        zone = settings.reporting_timezone
        changes = materialise(open_state(settings), newest, settings.now(), timezone=zone) if newest else []
    sizes = {f"members/{change.segment}": change.members for change in changes}
    return dg.MaterializeResult(metadata={"segments": len(changes), **sizes})
