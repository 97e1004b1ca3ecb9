"""The segment document: YAML or JSON in, a checked rule out. No data and no SQL in here.

A condition is a mapping with exactly one key. Whatever is wrong is told with its path in the
document (`match.all[1].trait.field: ...`).
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from pipelines.conditions import Node, Op, Where, conditions_of
from pipelines.documents import load_mapping, problems
from pipelines.segments.times import span_text, when_text

CountOp: TypeAlias = Literal["eq", "ne", "gt", "gte", "lt", "lte"]
EmailEvent: TypeAlias = Literal[
    "delivered",
    "deferred",
    "bounce",
    "dropped",
    "open",
    "click",
    "spamreport",
    "unsubscribe",
]
LedgerState: TypeAlias = Literal[
    "planned",
    "claimed",
    "in_flight",
    "accepted",
    "rejected",
    "retry_wait",
    "ambiguous",
    "gave_up",
    "suppressed",
    "capped",
    "holdout",
    "cancelled",
]
ToldState: TypeAlias = Literal[
    "delivered", "deferred", "bounced", "dropped", "opened", "clicked", "complained", "unsubscribed"
]
State: TypeAlias = LedgerState | ToldState
"""What may become of a recipient: by the ledger, and by what the mailer told."""
_OUTCOMES = {
    "bounce": "bounced",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
}
ANY_CAMPAIGN = "any"
NAME = r"^[a-z0-9][a-z0-9_-]{0,99}$"


class Strict(BaseModel):
    """Refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _plain(value: object) -> object:
    # The document is stored as JSON, where a date is text.
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, (str, int, float, date, type(None))) for part in parts):
        raise ValueError("write a text, a number, true, false, a date, or a list of them")
    plain = [part.isoformat() if isinstance(part, date) else part for part in parts]
    return plain if isinstance(value, list) else plain[0]


def _plain_nodes(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain_nodes(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain_nodes(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def _of_events(nodes: list[Node]) -> list[Node]:
    if any(condition.scope == "user" for condition in conditions_of(nodes)):
        raise ValueError("scope: where asks about the event; ask about the person with a trait")
    return nodes


def _in_ten_thousandths(value: int | float) -> int | float:
    if not math.isclose(value * 10_000, round(value * 10_000), abs_tol=1e-6):
        raise ValueError("has more than four decimals")
    return value


When = Annotated[str, BeforeValidator(_plain), AfterValidator(when_text)]
Percentage = Annotated[StrictInt | StrictFloat, Field(ge=0, le=100), AfterValidator(_in_ten_thousandths)]
Fifth = Annotated[StrictInt, Field(ge=1, le=5)]


class Trait(Strict):
    """A comparison with one column of `dim_customers`."""

    field: str
    op: Op
    value: Annotated[Any, BeforeValidator(_plain)] = None
    currency: Annotated[str | None, Field(pattern=r"^[A-Za-z]{3}$")] = None


class Count(Strict):
    """How often: the number of events is compared with `value`."""

    op: CountOp = "gte"
    value: Annotated[int, Field(ge=0, le=10**9)] = 1


class Happened(Strict):
    """How often and when; a moment is a date, a time, or so long before the moment of asking (`30d ago`).

    `within`, `from` and `after` are begins of the time that is looked at, `to` and `before` are ends of it.
    `which` asks when the first or the last one was, in place of how many there were.
    """

    count: Count = Count()
    which: Literal["first", "last"] | None = None
    within: Annotated[str, AfterValidator(span_text)] | None = None
    from_: When | None = Field(None, alias="from")
    after: When | None = None
    to: When | None = None
    before: When | None = None

    @model_validator(mode="after")
    def _can_be_meant(self) -> Happened:
        if sum(begin is not None for begin in (self.within, self.from_, self.after)) > 1:
            raise ValueError("write one of within, from, after")
        if self.to is not None and self.before is not None:
            raise ValueError("write either to or before")
        if self.which is not None:
            if "count" in self.model_fields_set:
                raise ValueError("which: the first or last one is one; leave out count")
            if not self.has_bounds:
                raise ValueError("which: say when it was, with within, from, after, to or before")
        return self

    @property
    def has_bounds(self) -> bool:
        """Whether only a certain time is looked at."""
        return any(bound is not None for bound in (self.within, self.from_, self.after, self.to, self.before))


class EventRule(Happened):
    """So many events of this name, under `where`; a fact (`stripe:invoice_paid`) is an event, too."""

    name: Annotated[str, Field(min_length=1)]
    where: Annotated[Where, BeforeValidator(_plain_nodes), AfterValidator(_of_events)] = Field(default_factory=list)


class EmailRule(Happened):
    """So many times the mailer told this of a campaign's mails."""

    event: EmailEvent
    campaign: Annotated[str, Field(pattern=NAME)] = ANY_CAMPAIGN

    @property
    def outcome(self) -> str:
        """The event as `fct_email_events.outcome` has it."""
        return _OUTCOMES.get(self.event, self.event)


class CampaignRule(Strict):
    """Was among a campaign's recipients, in one of these states."""

    name: Annotated[str, Field(pattern=NAME)]
    state: State | Annotated[list[State], Field(min_length=1)] | None = None
    variant: Annotated[str, Field(min_length=1, max_length=40)] | None = None

    @property
    def states(self) -> list[State]:
        """Those that are asked for; none = any."""
        return self.state if isinstance(self.state, list) else [] if self.state is None else [self.state]


class PercentRule(Strict):
    """A part of everybody, by a hash of the person and `salt`: always the same people, evenly spread.

    `of: 20` is `from: 0, to: 20`. Parts of one salt that do not overlap share nobody.
    """

    of: Percentage | None = None
    from_: Percentage | None = Field(None, alias="from")
    to: Percentage | None = None
    salt: Annotated[str, Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _can_be_meant(self) -> PercentRule:
        if (self.of is None) == (self.from_ is None and self.to is None):
            raise ValueError("write either of, or from and to")
        if self.of is None and (self.from_ is None or self.to is None):
            raise ValueError("from and to go together")
        low, high = self.millionths
        if low >= high:
            raise ValueError("it is a part of nobody")
        return self

    @property
    def millionths(self) -> tuple[int, int]:
        """The part as a begin and an end among a million."""
        low, high = (0, self.of) if self.of is not None else (self.from_, self.to)
        return round((low or 0) * 10_000), round((high or 0) * 10_000)


class Score(Strict):
    """A comparison with a score of 1 (the lowest fifth) to 5."""

    op: Literal["eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte"]
    value: Fifth | Annotated[list[Fifth], Field(min_length=1)]

    @model_validator(mode="after")
    def _value_fits_op(self) -> Score:
        if isinstance(self.value, list) != (self.op in ("in", "not_in")):
            raise ValueError(f"value: {self.op} takes {'one score' if isinstance(self.value, list) else 'a list'}")
        return self


class RfmRule(Strict):
    """How lately, how often and how much somebody paid, each scored among all who paid."""

    recency: Score | None = None
    frequency: Score | None = None
    monetary: Score | None = None
    currency: Annotated[str | None, Field(pattern=r"^[A-Za-z]{3}$")] = None
    within: Annotated[str, AfterValidator(span_text)] | None = None

    @model_validator(mode="after")
    def _can_be_meant(self) -> RfmRule:
        if not self.scores:
            raise ValueError("write one or more of recency, frequency, monetary")
        if (self.monetary is None) != (self.currency is None):
            raise ValueError("monetary and currency go together: amounts of two currencies are not added")
        return self

    @property
    def scores(self) -> dict[str, Score]:
        """What is asked of which measure."""
        given = {"recency": self.recency, "frequency": self.frequency, "monetary": self.monetary}
        return {measure: score for measure, score in given.items() if score is not None}


KINDS = ("all", "any", "not", "trait", "event", "email", "segment", "campaign", "percent", "rfm")
"""What a condition may be."""


class Condition(Strict):
    """Exactly one of its keys."""

    all: list[Condition] | None = None
    any: list[Condition] | None = None
    not_: Condition | None = Field(None, alias="not")
    trait: Trait | None = None
    event: EventRule | None = None
    segment: Annotated[str | None, Field(pattern=NAME)] = None
    email: EmailRule | None = None
    campaign: CampaignRule | None = None
    percent: PercentRule | None = None
    rfm: RfmRule | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        given = [name for name in self.model_fields_set if getattr(self, name) is not None]
        if len(given) != 1 or len(self.model_fields_set) != 1:
            raise ValueError(f"write exactly one of {', '.join(KINDS)}")
        return self


class SegmentDocument(Strict):
    """One named rule."""

    name: Annotated[str, Field(pattern=NAME)]
    description: str = ""
    match: Condition

    def plain(self) -> dict[str, Any]:
        """The document as it was written, ready for JSON or YAML."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    def canonical(self) -> str:
        """The stored form: the same rule gives the same text."""
        return json.dumps(self.plain(), sort_keys=True, ensure_ascii=False)

    def content_hash(self) -> str:
        """SHA-256 of the stored form."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def parse_segment(text: str) -> SegmentDocument:
    """Read a segment document.

    Raises:
        UsageError: it can not be meant; every problem with its path.
    """
    try:
        return SegmentDocument.model_validate(load_mapping(text, "segment"))
    except ValidationError as error:
        raise problems(error, "segment") from None
