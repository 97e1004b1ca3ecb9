"""The funnel's query document: its whole shape, its defaults, and what can not be meant.

The shape is the contract's. How a funnel is counted stands in `funnels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictInt, StringConstraints, model_validator

from pipelines.behaviour.documents import Day, Document, Zone, parse
from pipelines.behaviour.facts import REVENUE, check_name, facts_in
from pipelines.behaviour.periods import Interval
from pipelines.conditions import Condition, Where, conditions_of

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

Name = Annotated[str, StringConstraints(min_length=1)]
EventName = Annotated[Name, AfterValidator(check_name)]
StepNumber = Annotated[StrictInt, Field(ge=0)]
Aggregation = Annotated[str, StringConstraints(pattern=r"^(user|account|identity|(event|user)_property:.+)$")]
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
    """What fills a step; `event` null is any event.

    `first_time_for_user`: only the first event of that name that the person ever did, whatever the dates and the
    filters. `optional`: an attempt may leave the step out. `window`: the longest time since the step before.
    """

    event: EventName | None = None
    where: Where = Field(default_factory=list)
    first_time_for_user: bool = False
    optional: bool = False
    window: Window | None = None


class Exclusion(Document):
    """What voids an attempt when it happens after `from_step` and before `to_step`."""

    event: EventName | None = None
    where: Where = Field(default_factory=list)
    from_step: StepNumber = 0
    to_step: StepNumber


class Breakdown(Document):
    """The property by which an answer is split, and which of a person's events says the value.

    The first or last that bears one of those that could fill a step, the one that fills a certain step, or all:
    then each value has a funnel of its own events. A property of the user has one value.
    """

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
        for field, kinds in _BELONGS.items():
            if getattr(self, field) is not None and self.kind not in kinds:
                raise ValueError(f"{field}: belongs to kind {' or '.join(kinds)}")
        return self

    @model_validator(mode="after")
    def _steps_fit_together(self) -> FunnelQuery:
        last = len(self.steps) - 1
        for number, step in enumerate(self.steps):
            path = f"steps[{number}]"
            if step.window is not None and (number == 0 or self.order == "unordered"):
                raise ValueError(f"{path}.window: is the time since the step before, and there is none")
            if step.optional and number == 0:
                raise ValueError(f"{path}.optional: the first step begins the funnel, so everybody does it")
            if step.optional and self.order == "unordered" and not self._is_alone(number):
                raise ValueError(f"{path}.optional: in any order it needs an event that no other step asks for")
        for number, span in enumerate(self.exclusions):
            path = f"exclusions[{number}]"
            if self.order == "unordered" and (span.from_step, span.to_step) != (0, last):
                raise ValueError(f"{path}: in any order nothing lies between two certain steps; write 0 to {last}")
            for end in ("from_step", "to_step"):
                if self.order != "unordered" and self.steps[getattr(span, end)].optional:
                    raise ValueError(f"{path}.{end}: that step is optional and may be left out")
        for name, step_number in zip(("from_step", "to_step"), self.ends, strict=True):
            if self.kind == "funnel_time_to_convert" and not self.is_placed(step_number):
                raise ValueError(f"{name}: step {step_number} is optional: in any order there is no time to or from it")
        if self.kind == "funnel_time_to_convert" and self.ends[0] >= self.ends[1]:
            raise ValueError("to_step: there is no step after the first one to measure to")
        self._check_breakdown()
        check_identity(self.aggregate_by, self.facts)
        return self

    def _check_breakdown(self) -> None:
        if (number := self.attributed_step) is None:
            return
        if number >= len(self.steps):
            raise ValueError(f"breakdown.attribution: there is no step {number}; the last is {len(self.steps) - 1}")
        if self.order == "unordered":
            raise ValueError("breakdown.attribution: in any order no event belongs to a certain step")

    def _is_alone(self, number: int) -> bool:
        """Whether no other step could be filled by this one's events."""
        names = {step.event for other, step in enumerate(self.steps) if other != number}
        return None not in names | {self.steps[number].event} and self.steps[number].event not in names

    @property
    def window_microseconds(self) -> int | None:
        """The window's length; None for a funnel without one."""
        return None if self.window is None else self.window.seconds * 1_000_000

    @property
    def facts(self) -> list[str]:
        """The facts of Stripe and of mails that it asks for."""
        return facts_in(part.event for part in self._parts())

    @property
    def revenue_steps(self) -> list[int]:
        """The steps whose facts bear revenue; none in any order, where no step has a place."""
        if self.order == "unordered":
            return []
        return [number for number, step in enumerate(self.steps) if step.event in REVENUE]

    @property
    def attributed_step(self) -> int | None:
        """The step whose event says the value of the breakdown, where one does."""
        if self.breakdown is None or not self.breakdown.attribution.startswith("step:"):
            return None
        return int(self.breakdown.attribution.removeprefix("step:"))

    @property
    def splits_events(self) -> bool:
        """Whether each value of the breakdown has a funnel of its own events."""
        return self.breakdown is not None and self.breakdown.attribution == "all_events"

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last step of what a trend or times to convert look at.

        Left out, the last is the one that ends the funnel: in any order none that is optional.
        """
        last = max(number for number in range(len(self.steps)) if self.is_placed(number))
        return self.from_step or 0, last if self.to_step is None else self.to_step

    @property
    def has_detours(self) -> bool:
        """Whether steps may be left out or have a window of their own."""
        return any(step.optional or step.window is not None for step in self.steps)

    def base_of(self, step: int) -> int | None:
        """The step that ratios and times of this one are measured from: the last before that is not optional.

        In any order an optional step is measured from the first: who did it need not have done the others.
        """
        if not self.is_placed(step):
            return 0
        return next((number for number in range(step - 1, -1, -1) if not self.steps[number].optional), None)

    def is_placed(self, step: int) -> bool:
        """Whether the step comes after the one that it is measured from, so that there is a time between them."""
        return self.order != "unordered" or not self.steps[step].optional

    def count_of(self, step: int) -> int | None:
        """In any order: of how many of the steps that are not optional this one stands for any; else None."""
        if self.order != "unordered" or self.steps[step].optional:
            return None
        return sum(not earlier.optional for earlier in self.steps[: step + 1])

    def unsplit(self) -> FunnelQuery:
        """The same without its breakdown."""
        return self.model_copy(update={"breakdown": None})

    def conditions(self) -> Iterator[Condition]:
        """Every condition anywhere in it."""
        for where in (self.where, *(part.where for part in self._parts())):
            yield from conditions_of(where)

    def _parts(self) -> list[Step | Exclusion]:
        return [*self.steps, *self.exclusions]

    def document(self) -> dict[str, Any]:
        """The same question as a document, defaults that matter spelled out."""
        short = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        kept = ("kind", "order", "window", "timezone")
        return {**self.model_dump(mode="json", by_alias=True, include=set(kept)), **short}


def check_identity(aggregate_by: str, facts: Sequence[str]) -> None:
    """Refuse to count by the ids of events what has none.

    Raises:
        ValueError: facts are counted by identity.
    """
    if aggregate_by == "identity" and facts:
        raise ValueError("aggregate_by: identity: facts of Stripe and of mails are known by person only")


def parse_funnel(document: Mapping[str, Any], *, timezone: str = "UTC") -> FunnelQuery:
    """A query document as a question that can be answered; `timezone` is used where it names none.

    Raises:
        UsageError: with the path of the field that can not be meant.
    """
    return parse(FunnelQuery, {"timezone": timezone, **document})
