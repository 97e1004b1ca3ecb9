"""When the pipeline runs: hourly, when a file lies in the inbox, and when the gateway received something."""

import dagster as dg

from pipelines.landing import Landing
from pipelines.operations import left_over, take_received
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings

TURN = {"millstream/turn": "pipeline"}
"""Runs that write the warehouse come one after the other; a campaign does not wait for them, nor they for it."""

pipeline = dg.define_asset_job(
    "pipeline",
    # Everything but the mails: what a run of the pipeline makes, nobody is mailed by.
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("campaigns"),
    # In process: a killed worker of the multiprocess executor leaves orphans that write on.
    executor_def=dg.in_process_executor,
    tags=TURN,
)

hourly = dg.ScheduleDefinition(
    name="hourly",
    job=pipeline,
    cron_schedule="7 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(
    name="inbox",
    job=pipeline,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def inbox(context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]) -> dg.SensorResult:
    """Asks for a run when the inbox holds a file that it did not hold like this at the last look."""
    files = sorted(path for path in settings.inbox_dir.rglob("*") if path.is_file())
    state = ";".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files)
    if not files or state == (context.cursor or ""):
        return dg.SensorResult(skip_reason="no new file in the inbox", cursor=state)
    return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=state)


@dg.op(pool="warehouse")
def load_and_publish_received(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
    """What the gateway received, loaded and published; only the models that it touches are built."""
    with told_to_dagster():
        number = take_received(settings, now=settings.now(), progress=context.log.info)
    context.log_event(dg.AssetMaterialization(["published", "snapshot"], metadata={"number": number}))


@dg.job(name="received_data", executor_def=dg.in_process_executor, tags=TURN)
def received_data() -> None:
    """The short way between two runs of the pipeline: a page shows an event about a minute after it came."""
    load_and_publish_received()


@dg.sensor(
    name="received",
    # By its name: a sensor that holds a job of ops is made anew by Dagster with a parameter that warns.
    job_name="received_data",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def received(settings: dg.ResourceParam[Settings]) -> dg.SensorResult:
    """Asks for a run when the gateway received something that no run has taken yet; again after five minutes."""
    now = settings.now()
    waiting = Landing(settings.landing_dir).oldest_journal() or left_over(settings, now=now)
    if waiting is None:
        return dg.SensorResult(skip_reason="nothing was received since the last run")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"{waiting}:{int(now.timestamp()) // 300}")])
