"""When campaigns run: a job of their own, asked for each minute by what is due. The pipeline mails nobody."""

import dagster as dg

from pipelines.defs.campaigns.assets import OCCURRENCES, sent
from pipelines.delivery import settle_doubts
from pipelines.operations.campaigns import waiting
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.state import open_state

AGAIN = 600
"""Seconds after which what is still due is asked for once more."""

campaigns = dg.define_asset_job(
    "campaigns",
    selection=dg.AssetSelection.assets(sent).without_checks(),
    # In process: a killed worker of the multiprocess executor leaves orphans that go on sending.
    executor_def=dg.in_process_executor,
    tags={"millstream/turn": "campaigns", "dagster/max_runtime": "259200"},
)


@dg.sensor(
    name="campaigns_due",
    job=campaigns,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def campaigns_due(settings: dg.ResourceParam[Settings]) -> dg.SensorResult:
    """Asks for a run of each campaign that has something to do now; of the same thing again after ten minutes.

    Mails in doubt are settled on the way, of campaigns that are over as well.
    """
    now = settings.now()
    with told_to_dagster():
        engine = open_state(settings)
        settle_doubts(engine, now)
        found = waiting(settings, engine, now)
    if not found:
        return dg.SensorResult(skip_reason="no campaign has anything to do now")
    turn = int(now.timestamp()) // AGAIN
    return dg.SensorResult(
        dynamic_partitions_requests=[OCCURRENCES.build_add_request([one.partition for one in found])],
        run_requests=[
            dg.RunRequest(partition_key=one.partition, run_key=f"{one.partition}:{one.due_at:%Y-%m-%dT%H:%M:%S}:{turn}")
            for one in found
        ],
    )
