"""The query document of a trend: its whole shape, its defaults, and what can not be meant."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from pipelines.behaviour.documents import Day, Document, Zone, parse
from pipelines.behaviour.facts import AMOUNT, AMOUNTS, facts_in
from pipelines.behaviour.formula import Formula, parse_formula
from pipelines.behaviour.measures import Measure, needs_property
from pipelines.behaviour.periods import Interval
from pipelines.behaviour.query import Aggregation, EventName, Name, check_identity
from pipelines.conditions import Scope, Where

ANY_EVENT = "any event"
TOP = 10


class Series(Document):
    """What is counted: events of a name (null is any) under a `where`, by a measure."""

    event: EventName | None = None
    where: Where = Field(default_factory=list)
    measure: Measure = "total"
    property: Name | None = None

    @model_validator(mode="after")
    def _property_fits_measure(self) -> Series:
        if needs_property(self.measure) and self.property is None:
            raise ValueError(f"property: measure {self.measure} needs one")
        if not needs_property(self.measure) and self.property is not None:
            raise ValueError(f"property: measure {self.measure} takes none")
        return self


def is_money(series: Series) -> bool:
    """Whether a series measures amounts, of which each currency has a line of its own."""
    return series.event in AMOUNTS and series.property == AMOUNT


class TrendBreakdown(Document):
    """The property whose values become lines of their own: the `limit` most common ones, the rest as one."""

    property: Name
    scope: Scope = "event"
    limit: Annotated[StrictInt, Field(ge=1, le=100)] = TOP


def _wanted(given: object) -> object:
    return {True: "previous", False: None}[given] if isinstance(given, bool) else given


class EventTrendsQuery(Document):
    """A trend's whole question. Series are called A, B, C in a formula; dates left out are all events."""

    kind: Literal["trends"] = "trends"
    series: list[Series] = Field(min_length=1, max_length=len(ascii_uppercase))
    formula: Name | None = None
    breakdown: Annotated[
        TrendBreakdown | None,
        BeforeValidator(
            lambda given: {"property": given} if isinstance(given, str) else given,
            json_schema_input_type=TrendBreakdown | str | None,
        ),
    ] = None
    interval: Interval = "day"
    compare: Annotated[
        Literal["previous"] | None, BeforeValidator(_wanted, json_schema_input_type=Literal["previous"] | bool | None)
    ] = None
    date_from: Day | None = None
    date_to: Day | None = None
    timezone: Zone = "UTC"
    where: Where = Field(default_factory=list)
    aggregate_by: Aggregation = "user"

    @model_validator(mode="after")
    def _can_be_meant(self) -> EventTrendsQuery:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError("date_from: lies after date_to")
        check_identity(self.aggregate_by, facts_in(series.event for series in self.series))
        if self.formula is not None:
            try:
                letters = parse_formula(self.formula).letters
            except ValueError as problem:
                raise ValueError(f"formula: {problem}") from None
            for letter in sorted(letters - set(self.letters())):
                raise ValueError(f"formula: there is no series {letter}; the last is {self.letters()[-1]}")
        return self

    def letters(self) -> str:
        """What the series are called in a formula, in their order."""
        return ascii_uppercase[: len(self.series)]

    def formula_asked(self) -> Formula | None:
        """The formula, ready to be asked."""
        return None if self.formula is None else parse_formula(self.formula)

    def names(self) -> list[str]:
        """What tells each series from the others: its event, then its measure, then its letter."""
        events = [series.event or ANY_EVENT for series in self.series]
        if len(set(events)) == len(events):
            return events
        of = ["" if one.property is None or is_money(one) else f" of {one.property}" for one in self.series]
        measures = [f"{one.measure}{words}" for one, words in zip(self.series, of, strict=True)]
        measured = [f"{event}, {measure}" for event, measure in zip(events, measures, strict=True)]
        if len(set(measured)) == len(measured):
            return measured
        return [f"{letter}: {name}" for letter, name in zip(self.letters(), measured, strict=True)]


def parse_trends(document: Mapping[str, Any], *, timezone: str = "UTC") -> EventTrendsQuery:
    """A query document as a question that can be answered; `timezone` is used where it names none.

    Raises:
        UsageError: with the path of the field that can not be meant.
    """
    return parse(EventTrendsQuery, {"timezone": timezone, **document})
