"""At night SendGrid's own suppression lists are compared with ours."""

import dagster as dg

from pipelines.delivery.sendgrid_lists import reconcile_lists
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings, load_settings
from pipelines.state import open_state


@dg.op
def compare_suppression_lists(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
    """Adds what SendGrid knows and we lack; counts stand in the run's log."""
    with told_to_dagster():
        found = reconcile_lists(settings, open_state(settings), now=settings.now(), progress=context.log.info)
    context.log.info(str(found.document()))


@dg.job(name="suppression_lists", executor_def=dg.in_process_executor)
def suppression_lists() -> None:
    """SendGrid's bounces, blocks, invalid addresses, complaints and unsubscribes beside our suppressions."""
    compare_suppression_lists()


@dg.schedule(
    name="nightly_suppression_lists",
    job_name="suppression_lists",
    cron_schedule="41 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly_suppression_lists(_context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every night, where there is a key to ask with."""
    if load_settings().sendgrid_api_key is None:
        return dg.SkipReason("no SENDGRID_API_KEY is set")
    return dg.RunRequest()
