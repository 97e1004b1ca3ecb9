"""The answer to a trends query: its lines, and what they look like as a document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, TypeAlias

from pipelines.behaviour.measures import told
from pipelines.behaviour.periods import known_by
from pipelines.behaviour.stretch import Stretch
from pipelines.behaviour.top_values import Top
from pipelines.behaviour.trend_query import EventTrendsQuery

Value: TypeAlias = int | float | None
Row: TypeAlias = list[Fraction | None]
"""A value per period, and behind them the one over the whole stretch."""


@dataclass(frozen=True)
class Line:
    """One line of the answer; `letter` is None for a formula.

    With a breakdown `value` is the property's value (None where events have none), and `is_other` marks the
    line of all values that have none of their own. `previous` is there where it was asked for.
    `without_number` counts the events that had no number to measure. `currency` is that of amounts: the values are in
    its minor units.
    """

    name: str
    letter: str | None
    value: str | None
    is_other: bool
    values: list[Value]
    overall: Value
    previous: list[Value] | None = None
    previous_overall: Value = None
    without_number: int | None = None
    currency: str | None = None


@dataclass(frozen=True)
class EventTrendsAnswer:
    """The answer to one trends query; `inputs` are the lines that a formula is made of."""

    query: EventTrendsQuery
    stretch: Stretch | None
    before: Stretch | None
    lines: list[Line]
    inputs: list[Line]

    @property
    def periods(self) -> list[str]:
        """The periods by their first day (hours: by their first moment)."""
        return self.stretch.labels if self.stretch else []

    @property
    def previous_periods(self) -> list[str]:
        """What each period is compared with; empty where nothing is."""
        return self.before.labels if self.before else []

    def complete(self, known_until: datetime) -> list[bool]:
        """By period, whether it was looked at whole; events are known up to `known_until` (UTC)."""
        if self.stretch is None:
            return []
        return self.stretch.complete(known_by(known_until, self.query.date_to, self.query.timezone))

    def document(self, known_until: datetime) -> dict[str, Any]:
        """The answer as `millstream trends --json` prints it; events are known up to `known_until` (UTC)."""
        found: dict[str, Any] = {
            "kind": "trends",
            "query": self.query.model_dump(mode="json", by_alias=True, exclude_none=True),
            "periods": self.periods,
            "is_complete": self.complete(known_until),
            "series": [self._told(line) for line in self.lines],
        }
        if self.query.compare:
            found["previous_periods"] = self.previous_periods
        if self.query.formula is not None:
            found["inputs"] = [self._told(line) for line in self.inputs]
        return found

    def _told(self, line: Line) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "name": line.name, "letter": line.letter, "values": line.values, "overall": line.overall,
        }  # fmt: skip
        if self.query.breakdown is not None:
            kept |= {"value": line.value, "is_other": line.is_other}
        if self.query.compare:
            kept |= {"previous": line.previous, "previous_overall": line.previous_overall}
        if line.currency is not None:
            kept["currency"] = line.currency
        if line.without_number is not None:
            kept["without_number"] = line.without_number
        return kept


def line_of(
    name: str,
    letter: str | None,
    top: Top,
    number: int,
    row: Row,
    previous: Row | None,
    without_number: int | None = None,
    currency: str | None = None,
) -> Line:
    """A line of the answer from its exact values; one of amounts is called by its currency too."""
    *values, overall = [told(value) for value in row]
    if currency is not None:
        name = f"{name} ({currency})"
    line = Line(
        name,
        letter,
        top.value(number),
        top.is_other(number),
        values,
        overall,
        without_number=without_number,
        currency=currency,
    )
    if previous is None:
        return line
    *before, before_overall = [told(value) for value in previous]
    return replace(line, previous=before, previous_overall=before_overall)
