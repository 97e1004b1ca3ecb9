"""The result of one check, whoever made it (Great Expectations, dbt, or our own look at what arrives)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SHOWN = 5
"""So many failing rows of a check are kept."""


@dataclass(frozen=True)
class FailingRow:
    """One row that a check found: its key and the values that matter, personal data masked."""

    key: str
    values: dict[str, str | None]


@dataclass(frozen=True)
class CheckResult:
    """One check of one table; `failing_rows` is a count, message and examples hold no personal data."""

    name: str
    table: str
    engine: Literal["great_expectations", "dbt", "millstream"]
    severity: Literal["error", "warn"]
    is_passed: bool
    failing_rows: int
    message: str
    examples: tuple[FailingRow, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether this result forbids to publish."""
        return not self.is_passed and self.severity == "error"
