"""The segment document: YAML or JSON in, a checked rule out. No data and no SQL in here.

A condition is a mapping with exactly one key. Whatever is wrong is told with its path in the
document (`match.all[1].trait.field: ...`).
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from pipelines.documents import load_mapping, problems

Op: TypeAlias = Literal[
    "eq",
    "ne",
    "in",
    "not_in",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "icontains",
    "regex",
    "is_set",
    "is_not_set",
]
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
_OUTCOMES = {
    "bounce": "bounced",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
}
ANY_CAMPAIGN = "any"
NAME = r"^[a-z0-9][a-z0-9_-]{0,99}$"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,4})([mhdw])")


class Strict(BaseModel):
    """Refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def span_text(value: str) -> str:
    """A length of time as a document has it (`30d`); anything else is refused."""
    if not _SPAN.fullmatch(value):
        raise ValueError("write a number and m, h, d or w, for example 30d")
    return value


def _plain(value: object) -> object:
    # The document is stored as JSON, where a date is text.
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, (str, int, float, date, type(None))) for part in parts):
        raise ValueError("write a text, a number, true, false, a date, or a list of them")
    plain = [part.isoformat() if isinstance(part, date) else part for part in parts]
    return plain if isinstance(value, list) else plain[0]


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


class EventRule(Strict):
    """So many events of this name, in the time before the moment of asking."""

    name: Annotated[str, Field(min_length=1)]
    count: Count = Count()
    within: Annotated[str, AfterValidator(span_text)] | None = None

    @property
    def span(self) -> timedelta | None:
        """How far back events count; None = ever."""
        return None if self.within is None else span_length(self.within)


class EmailRule(Strict):
    """So many times the mailer told this of a campaign's mails, in the time before the moment of asking."""

    event: EmailEvent
    campaign: Annotated[str, Field(pattern=NAME)] = ANY_CAMPAIGN
    count: Count = Count()
    within: Annotated[str, AfterValidator(span_text)] | None = None

    @property
    def outcome(self) -> str:
        """The event as `fct_email_events.outcome` has it."""
        return _OUTCOMES.get(self.event, self.event)

    @property
    def span(self) -> timedelta | None:
        """How far back it counts; None = ever."""
        return None if self.within is None else span_length(self.within)


def span_length(text: str) -> timedelta:
    """How long `30d` is."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class Condition(Strict):
    """Exactly one of its keys."""

    all: list[Condition] | None = None
    any: list[Condition] | None = None
    not_: Condition | None = Field(None, alias="not")
    trait: Trait | None = None
    event: EventRule | None = None
    segment: Annotated[str | None, Field(pattern=NAME)] = None
    email: EmailRule | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        given = [name for name in self.model_fields_set if getattr(self, name) is not None]
        if len(given) != 1 or len(self.model_fields_set) != 1:
            raise ValueError("write exactly one of all, any, not, trait, event, email, segment")
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
