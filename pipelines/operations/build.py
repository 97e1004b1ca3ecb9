"""Write, audit, publish: readers see a new snapshot only after every check passed.

Crash between any two steps: the models in the warehouse may be new and the snapshot is old, which
readers never notice; the next build makes the models again and publishes. Each build is noted in
the state store with its outcome, so that a failed one is seen beside the old snapshot.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import insert

from pipelines.errors import MillstreamError
from pipelines.faults import fault_point
from pipelines.operations.health import failing_rows_of, store_checks, store_loads, stored_failures
from pipelines.operations.ingest import prepare_warehouse
from pipelines.quality import CheckResult, FailingRow, check_arrivals, check_landed
from pipelines.revenue.reported import remember
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import builds
from pipelines.transform import BuildResult, rules_digest
from pipelines.transform import build as build_models
from pipelines.warehouse import SnapshotReader, Warehouse, publish
from pipelines.warehouse.manifest import current_number

Select = Literal["all", "stripe", "events"]
Progress = Callable[[str], None]


def build(
    settings: Settings,
    *,
    select: Select = "all",
    now: datetime,
    wait: timedelta = timedelta(0),
    progress: Progress = lambda line: None,
) -> int:
    """Check what was landed, build the models, audit them, publish; returns the snapshot's number.

    Raises:
        MillstreamError: a check or a model failed; the snapshot before stays published.
        BusyError: another process writes.
    """
    with Warehouse(settings).hold("millstream build", wait=wait):
        prepare_warehouse(settings, purpose="millstream build")
        refuse_failures(check(settings, now=now), settings)
        progress("build: landed data checked")
        result = transform_models(settings, select=select, now=now)
        refuse_failures(model_results(result), settings)
        progress(f"build: {result.models} models, {result.tests} tests passed")
        number = publish_snapshot(settings, now=now)
        progress(f"build: snapshot {number} published")
        return number


def check(settings: Settings, *, now: datetime) -> list[CheckResult]:
    """Check landed data and what arrives, and store the results."""
    with Warehouse(settings).write("checking landed data") as connection:
        results = [*check_landed(connection), *check_arrivals(connection, now=now)]
        store_checks(connection, results, now=now, is_whole=True)
    _note_failures(results, settings, now=now)
    return results


def transform_models(settings: Settings, *, select: Select = "all", now: datetime) -> BuildResult:
    """Build and test the models in a child process, and store the results of the tests."""
    with Warehouse(settings).hold("building models"):
        fault_point("build.before_dbt")
        try:
            result = build_models(settings, select=select, now=now)
        except MillstreamError as problem:
            _note(settings, now=now, reason=str(problem))
            raise
        fault_point("build.after_dbt")
        with Warehouse(settings).write("storing test results") as connection:
            shown = {one.unique_id: failing_rows_of(connection, one) for one in result.nodes}
            results = model_results(result, shown)
            store_checks(connection, results, now=now, is_whole=select == "all")
    _note_failures(results, settings, now=now)
    return result


def publish_snapshot(settings: Settings, *, now: datetime) -> int:
    """Publish what the warehouse holds, if no check that ran over it failed.

    Raises:
        MillstreamError: a failed check stands in `health.checks`, from this build or from one before.
    """
    with Warehouse(settings).write("publishing") as connection:
        if reason := _refusal(stored_failures(connection), settings):
            _note(settings, now=now, reason=reason)
            raise MillstreamError(reason)
        store_loads(connection)
        number = publish(connection, settings, as_of=settings.now(), now=now, rules=rules_digest())
    fault_point("publish.before_remembering")
    remember(open_state(settings), SnapshotReader(settings.published_dir), timezone=settings.reporting_timezone)
    _note(settings, now=now, snapshot=number)
    return number


def model_results(
    result: BuildResult, failing_rows: Mapping[str, tuple[FailingRow, ...]] | None = None
) -> list[CheckResult]:
    """dbt's tests (and models that failed to build) as check results, with rows that failed where they are known."""
    return [
        CheckResult(
            name=node.name,
            table=node.table,
            engine="dbt",
            severity="warn" if node.status == "warn" else "error",
            is_passed=node.ok and node.status != "warn",
            failing_rows=node.failures or 0,
            message="" if node.ok else f"{node.failures:,} rows" if node.failures else "could not be built",
            examples=(failing_rows or {}).get(node.unique_id, ()),
        )
        for node in result.nodes
        # What was skipped did not run: its own result stays the one of the last build.
        if node.status != "skipped" and (node.kind == "test" or not node.ok)
    ]


def refuse_failures(results: list[CheckResult], settings: Settings) -> None:
    """Stop here if a check forbids to publish.

    Raises:
        MillstreamError: naming the checks, their tables and what stays.
    """
    if reason := _refusal(results, settings):
        raise MillstreamError(reason)


def _refusal(results: list[CheckResult], settings: Settings) -> str | None:
    failed = [one for one in results if one.blocks]
    if not failed:
        return None
    named = "; ".join(f"{one.name} on {one.table} ({one.message or 'failed'})" for one in failed[:5])
    more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    current = current_number(settings.published_dir)
    stays = "Nothing is published" if current is None else f"Snapshot {current} stays published"
    return f"{len(failed)} check(s) failed: {named}{more}. {stays}. Mend the input or the model, then run again."


def _note_failures(results: list[CheckResult], settings: Settings, *, now: datetime) -> None:
    if reason := _refusal(results, settings):
        _note(settings, now=now, reason=reason)


def _note(settings: Settings, *, now: datetime, reason: str | None = None, snapshot: int | None = None) -> None:
    """Note in the state store how a build ended: published with its number, or failed with the reason."""
    with writing(open_state(settings)) as connection:
        connection.execute(
            insert(builds).values(
                build_id=uuid.uuid4().hex,
                started_at=now,
                finished_at=now,
                outcome="failed" if snapshot is None else "published",
                reason=reason,
                snapshot=snapshot,
            )
        )
