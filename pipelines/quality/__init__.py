"""Great Expectations over landed data: what must hold before a model may read it.

`check_landed` runs the suites over bounded frames from the writer's own connection and returns
results; it decides nothing. dbt tests hold from staging on, so each truth is tested once.
"""

from pipelines.quality.check import check_landed
from pipelines.quality.result import CheckResult
from pipelines.quality.suites import SUITES, Expectation, Suite

__all__ = ["SUITES", "CheckResult", "Expectation", "Suite", "check_landed"]
