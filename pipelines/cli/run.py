"""`millstream run`: the scheduled pipeline once, as the same Dagster job, seen in Dagster's page."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import emit, note
from pipelines.errors import MillstreamError
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

STARTED_BY = "millstream/started_by"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)


def run(
    select: Annotated[
        str | None, typer.Option(help="Assets in Dagster's selection syntax, e.g. 'group:ingestion'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The scheduled pipeline once: ingest, models, checks, publish, segments."""
    snapshot = run_pipeline(load_settings(), select=select)
    emit({"snapshot": snapshot}) if as_json else print(f"Done. Snapshot {snapshot} is published.")


def run_pipeline(settings: Settings, *, select: str | None = None) -> int | None:
    """Run the job in this process and return the number of the snapshot that is published after it.

    Raises:
        MillstreamError: a step failed; the message is that step's own.
        BusyError: another process writes.
    """
    from pipelines.operations.dagster_home import open_home
    from pipelines.warehouse import SnapshotReader, Warehouse

    with Warehouse(settings).hold("millstream run"):
        open_home(settings)
        result = _execute(settings, select)
        if not result.success:
            raise MillstreamError(_reason(result))
    current = SnapshotReader(settings.published_dir).current()
    return None if current is None else current.number


def _execute(settings: Settings, select: str | None) -> ExecuteInProcessResult:
    import dagster as dg

    from pipelines.definitions import defs

    note("run: loading the definitions")
    definitions = defs()
    with dg.DagsterInstance.get() as instance, own_stop_signal():
        close_dead_runs(instance)
        job = definitions.resolve_job_def("pipeline")
        keys = None
        if select is not None:
            graph = definitions.resolve_asset_graph()
            keys = sorted(dg.AssetSelection.from_string(select).resolve(graph))
        note("run: started")
        return job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=keys,
            tags={STARTED_BY: "command line"},
            run_config={"loggers": {"steps": {}}},
        )


@contextmanager
def own_stop_signal() -> Iterator[None]:
    """Give SIGTERM back what it had: after each run in a process Dagster leaves it with what SIGINT does.

    In a command that a script began in the background SIGINT is ignored, and so nothing would end it, nor the
    programs that it starts (decision 0114).
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def close_dead_runs(instance: DagsterInstance) -> None:
    """Mark runs as failed that a killed `millstream run` left as started; the caller holds the lock."""
    import dagster as dg

    unfinished = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    for dead in instance.get_runs(dg.RunsFilter(statuses=unfinished, tags={STARTED_BY: "command line"})):
        instance.report_run_failed(dead, "its process ended before the run did; the next run took over")
        # A dead run keeps its place in the pool otherwise, and every later step waits for it.
        instance.event_log_storage.free_concurrency_slots_for_run(dead.run_id)


def _reason(result: ExecuteInProcessResult) -> str:
    import dagster as dg

    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            if data.error is not None:
                name = data.error.cls_name if data.error.cause is None else data.error.cause.cls_name
                if name == dg.DagsterExecutionInterruptedError.__name__:
                    return (
                        f"the run was stopped by a signal in step {event.step_key}. Steps that ended before stay, and "
                        "what is published stays; run again to go on."
                    )
                return f"step {event.step_key} ended with {name}. What was published before stays; see Dagster's page."
    return "the run failed. What was published before stays; see Dagster's page for the step."
