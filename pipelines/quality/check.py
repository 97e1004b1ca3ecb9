"""Run the suites. Great Expectations is imported here and only when a check runs: it costs seconds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pipelines.quality.result import CheckResult
from pipelines.quality.suites import SUITES, Expectation, Suite
from pipelines.warehouse.writer import Connection

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext


def check_landed(connection: Connection, suites: tuple[Suite, ...] = SUITES) -> list[CheckResult]:
    """Check every landed table over its newest rows; one result per expectation, an empty table passes."""
    context = _context()
    results: list[CheckResult] = []
    for position, suite in enumerate(suites):
        frame = connection.sql(suite.query).df()
        if frame.empty:
            results += [_result(suite, expectation, True, 0, "no rows yet") for expectation in suite.expectations]
            continue
        outcome = _validate(context, f"{suite.table}#{position}", suite, frame)
        for expectation, one in zip(suite.expectations, outcome.results, strict=True):
            if one.exception_info and one.exception_info.get("raised_exception"):
                # A check that can not run has not passed.
                raise RuntimeError(f"the check {expectation.name} of {suite.table} could not run")
            failing = int(one.result.get("unexpected_count") or 0)
            message = "" if one.success else f"{failing:,} of {len(frame):,} rows"
            results.append(_result(suite, expectation, bool(one.success), failing, message))
    return results


def _result(suite: Suite, expectation: Expectation, passed: bool, failing: int, message: str) -> CheckResult:
    return CheckResult(
        name=expectation.name,
        table=suite.table,
        engine="great_expectations",
        severity=expectation.severity,
        is_passed=passed,
        failing_rows=failing,
        message=message,
    )


def _context() -> AbstractDataContext:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _validate(context: AbstractDataContext, name: str, suite: Suite, frame: object) -> Any:  # GX gives no type
    import great_expectations as gx

    asset = context.data_sources.add_pandas(name).add_dataframe_asset(suite.table)
    batch = asset.add_batch_definition_whole_dataframe("newest").get_batch({"dataframe": frame})
    made = [getattr(gx.expectations, one.kind)(**one.arguments) for one in suite.expectations]
    return batch.validate(gx.ExpectationSuite(name=name, expectations=made))
