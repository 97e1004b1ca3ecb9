"""The result of one check, whoever made it (Great Expectations or dbt)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckResult:
    """One check of one table; `failing_rows` is a count, the message holds no personal data."""

    name: str
    table: str
    engine: Literal["great_expectations", "dbt"]
    severity: Literal["error", "warn"]
    is_passed: bool
    failing_rows: int
    message: str

    @property
    def blocks(self) -> bool:
        """Whether this result forbids to publish."""
        return not self.is_passed and self.severity == "error"
