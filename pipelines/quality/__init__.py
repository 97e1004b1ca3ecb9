"""Is the data fit to be published: suites over landed data, freshness, usual counts, and the rows that failed.

`check_landed` runs Great Expectations over bounded frames from the writer's own connection,
`check_arrivals` looks at the age and the number of rows; they return results and decide nothing. dbt
tests hold from staging on, so each truth is tested once.
"""

from pipelines.quality.arrivals import COUNTED, FRESH, SOURCES, USUAL, check_arrivals
from pipelines.quality.check import check_landed
from pipelines.quality.masking import MASK, masked_row, masked_text
from pipelines.quality.result import SHOWN, CheckResult, FailingRow
from pipelines.quality.suites import SUITES, Expectation, Suite

__all__ = [
    "COUNTED",
    "FRESH",
    "MASK",
    "SHOWN",
    "SOURCES",
    "SUITES",
    "USUAL",
    "CheckResult",
    "Expectation",
    "FailingRow",
    "Suite",
    "check_arrivals",
    "check_landed",
    "masked_row",
    "masked_text",
]
