"""When the pipeline runs: hourly, when a file lies in the inbox, and when the gateway received something."""

import dagster as dg

from pipelines.landing import Landing
from pipelines.settings import Settings

# In process: a killed worker of the multiprocess executor leaves orphans that write on.
pipeline = dg.define_asset_job("pipeline", selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor)

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


@dg.sensor(
    name="received",
    job=pipeline,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def received(settings: dg.ResourceParam[Settings]) -> dg.SensorResult:
    """Asks for a run when the gateway received something that no run has taken yet: once for each journal."""
    journal = Landing(settings.landing_dir).oldest_journal()
    if journal is None:
        return dg.SensorResult(skip_reason="nothing was received since the last run")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=journal)])
