"""Write, audit, publish: readers see a new snapshot only after every check passed.

Crash between any two steps: the models in the warehouse may be new and the snapshot is old, which
readers never notice; the next build makes the models again and publishes. Each build is noted in
the state store with its outcome, so that a failed one is seen beside the old snapshot.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Engine, insert, update

from pipelines.errors import MillstreamError
from pipelines.faults import fault_point
from pipelines.operations.health import store_checks, store_loads
from pipelines.operations.ingest import prepare_warehouse
from pipelines.quality import CheckResult, check_landed
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import builds
from pipelines.transform import BuildResult
from pipelines.transform import build as build_models
from pipelines.warehouse import SnapshotReader, Warehouse, publish

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
    with Warehouse(settings).hold("millstream build", wait=wait), noted(settings, now=now) as note:
        prepare_warehouse(settings, purpose="millstream build")
        refuse_failures(check(settings, now=now), settings)
        progress("build: landed data checked")
        result = transform_models(settings, select=select, now=now)
        refuse_failures(model_results(result), settings)
        progress(f"build: {result.models} models, {result.tests} tests passed")
        note.snapshot = publish_snapshot(settings, now=now)
        progress(f"build: snapshot {note.snapshot} published")
        return note.snapshot


def check(settings: Settings, *, now: datetime) -> list[CheckResult]:
    """Run the suites over landed data and store their results."""
    with Warehouse(settings).write("checking landed data") as connection:
        results = check_landed(connection)
        store_checks(connection, results, now=now)
    return results


def transform_models(settings: Settings, *, select: Select = "all", now: datetime) -> BuildResult:
    """Build and test the models in a child process, and store the results of the tests."""
    with Warehouse(settings).hold("building models"):
        fault_point("build.before_dbt")
        result = build_models(settings, select=select, now=now)
        fault_point("build.after_dbt")
        with Warehouse(settings).write("storing test results") as connection:
            store_checks(connection, model_results(result), now=now)
    return result


def publish_snapshot(settings: Settings, *, now: datetime) -> int:
    """Publish what the warehouse holds; only called after the audit."""
    with Warehouse(settings).write("publishing") as connection:
        store_loads(connection)
        return publish(connection, settings, as_of=settings.now(), now=now)


def model_results(result: BuildResult) -> list[CheckResult]:
    """dbt's tests (and models that failed to build) as check results."""
    return [
        CheckResult(
            name=node.name,
            table=node.table,
            engine="dbt",
            severity="warn" if node.status == "warn" else "error",
            is_passed=node.ok and node.status != "warn",
            failing_rows=node.failures or 0,
            message="" if node.ok else f"{node.failures or 0:,} rows",
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
    failed = [one for one in results if one.blocks]
    if not failed:
        return
    named = "; ".join(f"{one.name} on {one.table} ({one.message or 'failed'})" for one in failed[:5])
    more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    current = SnapshotReader(settings.published_dir).current()
    stays = f"snapshot {current.number} stays" if current else "nothing is"
    raise MillstreamError(
        f"{len(failed)} check(s) failed: {named}{more}. {stays[0].upper()}{stays[1:]} published. "
        "Mend the input or the model, then run again."
    )


class BuildNote:
    """What the state store will remember of this build."""

    snapshot: int | None = None


@contextmanager
def noted(settings: Settings, *, now: datetime) -> Iterator[BuildNote]:
    """Note the build in the state store: running, then published or failed with the reason."""
    state = open_state(settings)
    build_id = uuid.uuid4().hex
    note = BuildNote()
    with writing(state) as connection:
        connection.execute(insert(builds).values(build_id=build_id, started_at=now, outcome="running"))
    try:
        yield note
    except BaseException as problem:
        reason = str(problem) if isinstance(problem, MillstreamError) else type(problem).__name__
        _close(state, build_id, now, outcome="failed", reason=reason, snapshot=None)
        raise
    _close(state, build_id, now, outcome="published", reason=None, snapshot=note.snapshot)


def _close(
    state: Engine, build_id: str, now: datetime, *, outcome: str, reason: str | None, snapshot: int | None
) -> None:
    with writing(state) as connection:
        connection.execute(
            update(builds)
            .where(builds.c.build_id == build_id)
            .values(finished_at=now, outcome=outcome, reason=reason, snapshot=snapshot)
        )
