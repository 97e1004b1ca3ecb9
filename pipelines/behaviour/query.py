"""The funnel's query document: its whole shape, its defaults, and what is not answered yet.

The shape is the contract's, so that a document written for a later version is refused with a clear
word and not for an unknown key. How a funnel is counted stands in `funnels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StringConstraints, model_validator

from pipelines.behaviour.conditions import Where, conditions_of
from pipelines.behaviour.documents import Day, Document, Zone, parse
from pipelines.behaviour.periods import Interval
from pipelines.errors import UsageError

Order = Literal["ordered", "strict", "unordered"]
Unit = Literal["second", "minute", "hour", "day", "week", "month"]
SECONDS: dict[Unit, int] = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 7 * 86400,
    "month": 30 * 86400,
}
"""A window is a length of time, not a stretch of the calendar: a day has 24 hours, a month 30 days."""

_BELONGS = {
    "from_step": ("funnel_trends", "funnel_time_to_convert"),
    "to_step": ("funnel_trends", "funnel_time_to_convert"),
    "interval": ("funnel_trends",),
    "bin_count": ("funnel_time_to_convert",),
}
MONEY_FACTS = ("stripe:", "email:")


Name = Annotated[str, StringConstraints(min_length=1)]
StepNumber = Annotated[StrictInt, Field(ge=0)]
Aggregation = Annotated[str, StringConstraints(pattern=r"^(user|identity|(event|user)_property:.+)$")]
Attribution = Annotated[str, StringConstraints(pattern=r"^(first_touch|last_touch|all_events|step:\d+)$")]


class Window(Document):
    """The time from the first step's event to the last counted step, inclusive."""

    value: StrictInt = Field(ge=1)
    unit: Unit

    @model_validator(mode="after")
    def _within_reason(self) -> Window:
        if self.seconds > 200 * 366 * 86400:
            raise ValueError("longer than 200 years; write null for a funnel without a window")
        return self

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.value * SECONDS[self.unit]


class Step(Document):
    """What fills a step; `event` null is any event."""

    event: Name | None = None
    where: Where = Field(default_factory=list)
    first_time_for_user: bool = False
    optional: bool = False
    window: Window | None = None


class Exclusion(Document):
    """What voids an attempt when it happens after `from_step` and before `to_step`."""

    event: Name | None = None
    where: Where = Field(default_factory=list)
    from_step: StepNumber = 0
    to_step: StepNumber


class Breakdown(Document):
    """The property by which an answer is split."""

    property: Name
    scope: Literal["event", "user"] = "event"
    attribution: Attribution = "first_touch"


class FunnelQuery(Document):
    """A funnel's whole question. Steps are numbered from 0."""

    kind: Literal["funnel_steps", "funnel_trends", "funnel_time_to_convert"] = "funnel_steps"
    steps: list[Step] = Field(min_length=2, max_length=20)
    order: Order = "ordered"
    window: Window | None = Window(value=14, unit="day")
    date_from: Day | None = None
    date_to: Day | None = None
    timezone: Zone = "UTC"
    where: Where = Field(default_factory=list)
    aggregate_by: Aggregation = "user"
    exclusions: list[Exclusion] = Field(default_factory=list, max_length=20)
    breakdown: Breakdown | None = None
    from_step: StepNumber | None = None
    to_step: StepNumber | None = None
    bin_count: Annotated[StrictInt, Field(ge=1)] | None = None
    interval: Interval | None = None

    @model_validator(mode="after")
    def _can_be_meant(self) -> FunnelQuery:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError("date_from: lies after date_to")
        spans = [("", self.from_step, self.to_step)]
        spans += [(f"exclusions[{n}].", span.from_step, span.to_step) for n, span in enumerate(self.exclusions)]
        for path, start, end in spans:
            if end is not None and end >= len(self.steps):
                raise ValueError(f"{path}to_step: there is no step {end}; the last is {len(self.steps) - 1}")
            if start is not None and start >= (len(self.steps) - 1 if end is None else end):
                raise ValueError(f"{path}from_step: must lie before to_step")
        for field in ("from_step", "to_step", "interval", "bin_count"):
            if getattr(self, field) is not None and self.kind not in _BELONGS[field]:
                raise ValueError(f"{field}: belongs to kind {' or '.join(_BELONGS[field])}")
        return self

    @property
    def window_microseconds(self) -> int | None:
        """The window's length; None for a funnel without one."""
        return None if self.window is None else self.window.seconds * 1_000_000

    def document(self) -> dict[str, Any]:
        """The same question as a document, defaults that matter spelled out."""
        short = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        kept = ("kind", "order", "window", "timezone")
        return {**self.model_dump(mode="json", by_alias=True, include=set(kept)), **short}


def parse_funnel(document: Mapping[str, Any], *, timezone: str = "UTC") -> FunnelQuery:
    """A query document as a question that can be answered; `timezone` is used where it names none.

    Raises:
        UsageError: with the path of the field that can not be meant, or is not answered yet.
    """
    query = parse(FunnelQuery, {"timezone": timezone, **document})
    for path, unbuilt in _unbuilt(query).items():
        if unbuilt:
            raise UsageError(f"query: {path} is not supported yet")
    return query


def _unbuilt(query: FunnelQuery) -> dict[str, bool]:
    found = {
        f"kind: {query.kind}": query.kind == "funnel_time_to_convert",
        "kind: funnel_trends of an unordered funnel": query.kind == "funnel_trends" and query.order == "unordered",
        f"aggregate_by: {query.aggregate_by}": query.aggregate_by != "user",
        "exclusions of an unordered funnel": bool(query.exclusions) and query.order == "unordered",
        "breakdown": query.breakdown is not None,
        "where: scope user": _asks_the_user(query.where),
    }
    for number, exclusion in enumerate(query.exclusions):
        found[f"exclusions[{number}].where: scope user"] = _asks_the_user(exclusion.where)
    for number, step in enumerate(query.steps):
        path = f"steps[{number}]"
        found[f"{path}.event: {step.event}"] = (step.event or "").startswith(MONEY_FACTS)
        found[f"{path}.where: scope user"] = _asks_the_user(step.where)
        found[f"{path}.first_time_for_user"] = step.first_time_for_user
        found[f"{path}.optional"] = step.optional
        found[f"{path}.window"] = step.window is not None
    return found


def _asks_the_user(where: Where) -> bool:
    return any(condition.scope == "user" for condition in conditions_of(where))
