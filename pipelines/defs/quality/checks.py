"""Checks of landed data as asset checks: suites, freshness, usual counts; an error stops everything below."""

from collections.abc import Iterator

import dagster as dg

from pipelines.operations import check
from pipelines.operations.build import refuse_failures
from pipelines.quality import COUNTED, FRESH, SOURCES, SUITES, USUAL
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings


@dg.multi_asset_check(
    name="landed_data_checks",
    specs=[
        dg.AssetCheckSpec(
            name=expectation.name,
            asset=suite.table.split("."),
            blocking=expectation.severity == "error",
            description=f"{expectation.kind} over the newest rows (Great Expectations).",
        )
        for suite in SUITES
        for expectation in suite.expectations
    ]
    + [
        dg.AssetCheckSpec(
            name=FRESH,
            asset=source.table.split("."),
            description=f"The newest row is at most {source.within} old.",
        )
        for source in SOURCES
    ]
    + [
        dg.AssetCheckSpec(
            name=USUAL,
            asset=counted.table.split("."),
            description="The newest full day brought as many rows as the 28 days before it let expect.",
        )
        for counted in COUNTED
    ],
    pool="warehouse",
)
def landed_data_checks(settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    """A failure means that landed rows break what the models rely on; the published snapshot stays."""
    with told_to_dagster():
        results = check(settings, now=settings.now())
    for one in results:
        yield dg.AssetCheckResult(
            passed=one.is_passed,
            asset_key=one.table.split("."),
            check_name=one.name,
            severity=dg.AssetCheckSeverity.ERROR if one.severity == "error" else dg.AssetCheckSeverity.WARN,
            metadata={"failing_rows": one.failing_rows, "message": one.message},
        )
    with told_to_dagster():
        refuse_failures(results, settings)
