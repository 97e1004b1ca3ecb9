"""Run the suites. Great Expectations is imported here and only when rows changed: it costs seconds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pipelines.quality.masking import masked_row
from pipelines.quality.memory import Memory
from pipelines.quality.result import SHOWN, CheckResult, FailingRow
from pipelines.quality.suites import SUITES, Expectation, Suite
from pipelines.warehouse.writer import Connection

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext


def check_landed(connection: Connection, suites: tuple[Suite, ...] = SUITES) -> list[CheckResult]:
    """Check every landed table over its newest rows; one result per expectation, an empty or missing table passes."""
    context: AbstractDataContext | None = None
    memory = Memory(connection)
    results: list[CheckResult] = []
    there = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    for position, suite in enumerate(suites):
        if suite.table not in there:
            results += [_result(suite, expectation, True, 0, "not made yet") for expectation in suite.expectations]
            continue
        fingerprint = memory.fingerprint(suite)
        if (known := memory.recall(suite, fingerprint)) is not None:
            results += known
            continue
        frame = connection.sql(suite.query).df()
        if frame.empty:
            results += [_result(suite, expectation, True, 0, "no rows yet") for expectation in suite.expectations]
            continue
        context = context or _context()
        outcome = _validate(context, f"{suite.table}#{position}", suite, frame)
        judged: list[CheckResult] = []
        for expectation, one in zip(suite.expectations, outcome.results, strict=True):
            if one.exception_info and one.exception_info.get("raised_exception"):
                # A check that can not run has not passed.
                raise RuntimeError(f"the check {expectation.name} of {suite.table} could not run")
            failing = int(one.result.get("unexpected_count") or 0)
            message = "" if one.success else f"{failing:,} of {len(frame):,} rows"
            examples = () if one.success else _examples(one.result, str(expectation.arguments["column"]))
            judged.append(_result(suite, expectation, bool(one.success), failing, message, examples))
        memory.keep(suite, fingerprint, judged)
        results += judged
    return results


def _examples(told: dict[str, Any], column: str) -> tuple[FailingRow, ...]:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

    # A frame has several words for a missing value.
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in (told.get("partial_unexpected_index_list") or [])[:SHOWN]
    ]
    return tuple(masked_row(row["key"], {column: row.get(column)}) for row in rows)


def _result(
    suite: Suite,
    expectation: Expectation,
    passed: bool,
    failing: int,
    message: str,
    examples: tuple[FailingRow, ...] = (),
) -> CheckResult:
    return CheckResult(
        name=expectation.name,
        table=suite.table,
        engine="great_expectations",
        severity=expectation.severity,
        is_passed=passed,
        failing_rows=failing,
        message=message,
        examples=examples,
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
    shown = {
        "result_format": "SUMMARY",
        "unexpected_index_column_names": ["key"],
        "partial_unexpected_count": SHOWN,
    }
    return batch.validate(gx.ExpectationSuite(name=name, expectations=made), result_format=shown)
