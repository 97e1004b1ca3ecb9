"""The campaign document: YAML or JSON in, a checked campaign with its body out. No data in here.

Keys that later versions understand are refused by name, so that nobody believes in a schedule that
is not kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from croniter import croniter
from pydantic import AfterValidator, Field, ValidationError, model_validator

from pipelines.campaigns.inline import inlined
from pipelines.campaigns.mjml import html_of
from pipelines.documents import load_mapping, problems
from pipelines.errors import UsageError
from pipelines.mail import one_line
from pipelines.money import minor
from pipelines.privacy import InvalidAddressError, parse_address
from pipelines.segments import NAME, Condition, Strict, span_text
from pipelines.settings import is_zone

LATER = ("goal",)
MAX_BODY = 2_000_000
"""Bytes; mail programs cut far smaller ones."""
_INLINE = ("html", "text")
"""Bodies inside the document; they are stored beside it."""


def _address(value: str) -> str:
    try:
        return parse_address(value).deliverable
    except InvalidAddressError as problem:
        raise ValueError(str(problem)) from None


def _single_line(value: str) -> str:
    if one_line(value) != value:
        raise ValueError("has to be one line without control characters")
    return value


def _wall_clock(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("write a date and a time, for example 2026-11-27T09:00") from None
    if moment.tzinfo is not None:
        raise ValueError("write the time without a zone; 'timezone' names it")
    return moment.strftime("%Y-%m-%dT%H:%M")


def _cron(value: str) -> str:
    if len(value.split()) != 5 or not croniter.is_valid(value):
        raise ValueError("write five fields, for example '0 9 * * 1' for Mondays at nine")
    return value


def _zone(value: str) -> str:
    if value != RECIPIENT and not is_zone(value):
        raise ValueError("there is no such time zone; write one like Europe/Berlin, or recipient")
    return value


def _quiet_hours(value: str) -> str:
    times = value.split("-")
    try:
        begin, end = (time.fromisoformat(part) for part in times)
    except ValueError:
        raise ValueError("write two times, for example 21:00-08:00") from None
    if begin == end:
        raise ValueError("the two times have to differ")
    return value


class Sender(Strict):
    """Who the mail comes from."""

    email: Annotated[str, AfterValidator(_address)]
    name: Annotated[str, AfterValidator(_single_line)] = ""


class Variant(Strict):
    """One version of the mail; people are split by weight."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    subject: Annotated[str, Field(min_length=1)] | None = None
    preheader: str | None = None
    body: str | None = None
    html: str | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _has_at_most_one_body(self) -> Variant:
        if self.body is not None and self.html is not None:
            raise ValueError("write either 'body' (a file) or 'html'")
        return self


class Discount(Strict):
    """What the mail offers; a code for each recipient, or one for all."""

    percent_off: Annotated[float, Field(gt=0, le=100)] | None = None
    amount_off: Annotated[Decimal, Field(gt=0)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$")] | None = None
    duration: Literal["once", "repeating", "forever"] = "once"
    duration_in_months: Annotated[int, Field(ge=1, le=36)] | None = None
    expires_in: Annotated[str, AfterValidator(span_text)] | None = None
    max_redemptions: Annotated[int, Field(ge=1)] | None = None
    per_recipient: bool = False
    code: Annotated[str, Field(pattern=r"^[A-Z0-9-]{3,40}$")] | None = None

    @model_validator(mode="after")
    def _can_be_meant(self) -> Discount:
        if (self.percent_off is None) == (self.amount_off is None):
            raise ValueError("write either 'percent_off' or 'amount_off'")
        if (self.amount_off is None) != (self.currency is None):
            raise ValueError("'amount_off' and 'currency' go together")
        if self.amount_off is not None and self.currency is not None and minor(self.amount_off, self.currency) % 1:
            raise ValueError("'amount_off' has more decimals than its currency")
        if (self.duration == "repeating") != (self.duration_in_months is not None):
            raise ValueError("'duration_in_months' goes with 'duration: repeating'")
        if self.per_recipient and self.code is not None:
            raise ValueError("'code' is one code for all, so it can not be 'per_recipient'")
        return self


RECIPIENT = "recipient"
"""The time zone of each person."""


class Schedule(Strict):
    """When it goes out: once `at` a time of the clock on the wall, or again and again by `cron`."""

    at: Annotated[str, AfterValidator(_wall_clock)] | None = None
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    max_lateness: Annotated[str, AfterValidator(span_text)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Schedule:
        if (self.at is None) == (self.cron is None):
            raise ValueError("write either 'at' or 'cron'")
        return self


class Trigger(Strict):
    """Who enters the segment gets it, each time or the first time only."""

    on: Literal["segment_entry"]
    again: bool = False

    @model_validator(mode="before")
    @classmethod
    def _on_is_a_word(cls, told: object) -> object:
        # To YAML 1.1 a bare `on` is true, as a key as well.
        return {"on" if key is True else key: value for key, value in told.items()} if isinstance(told, dict) else told


class FrequencyCap(Strict):
    """So many mails to one address, over all campaigns, within a rolling time."""

    count: Annotated[int, Field(ge=1, le=1000)]
    within: Annotated[str, AfterValidator(span_text)]


class Limits(Strict):
    """How fast and when mails may leave, and how many one person may get."""

    per_minute: Annotated[int, Field(ge=1, le=600_000)] | None = None
    quiet_hours: Annotated[str, AfterValidator(_quiet_hours)] | None = None
    frequency_cap: FrequencyCap | None = None


class Goal(Strict):
    """What counts as success, within so long after the mail (or the time of it, for whoever was held out)."""

    event: Annotated[str, Field(min_length=1)]
    within: Annotated[str, AfterValidator(span_text)] = "14d"


class Step(Strict):
    """One mail of a sequence; `wait` counts from the one before it, or from the entry."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    wait: Annotated[str, AfterValidator(span_text)] = "0m"
    subject: Annotated[str, Field(min_length=1)]
    body: str | None = None
    html: str | None = None
    text: str | None = None
    preheader: str | None = None

    @model_validator(mode="after")
    def _has_one_body(self) -> Step:
        if (self.body is None) == (self.html is None):
            raise ValueError("write either 'body' (a file) or 'html'")
        return self


class CampaignDocument(Strict):
    """One campaign."""

    name: Annotated[str, Field(pattern=NAME)]
    segment: Annotated[str, Field(pattern=NAME)]
    from_: Sender | None = Field(None, alias="from")
    subject: str = ""
    body: str | None = None
    html: str | None = None
    text: str | None = None
    preheader: str | None = None
    purpose: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")] = "marketing"
    discount: Discount | None = None
    variants: list[Variant] = Field(default_factory=list)
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    schedule: Schedule | None = None
    trigger: Trigger | None = None
    steps: list[Step] = Field(default_factory=list)
    exit: Condition | None = None
    limits: Limits | None = None
    goal: Goal | None = None

    @model_validator(mode="after")
    def _has_something_to_send(self) -> CampaignDocument:
        if self.body is not None and self.html is not None:
            raise ValueError("write either 'body' (a file) or 'html'")
        # A sequence may leave its own mail out: its steps have theirs.
        if not self.steps and not self.has_own_body:
            raise ValueError("write either 'body' (a file) or 'html'")
        if not self.subject and (not self.steps or self.has_own_body):
            raise ValueError("write a 'subject'")
        return self

    @model_validator(mode="after")
    def _tells_its_mails_apart(self) -> CampaignDocument:
        for place, named in (("variants", self.variants), ("steps", self.steps)):
            names = [one.name for one in named]
            if len(set(names)) != len(names):
                raise ValueError(f"{place}: a name stands twice")
        if self.variants and self.steps:
            raise ValueError("'variants' and 'steps' do not go together")
        return self

    @model_validator(mode="after")
    def _goes_in_one_way(self) -> CampaignDocument:
        for name, told in (("steps", self.steps), ("exit", self.exit)):
            if told and self.trigger is None:
                raise ValueError(f"'{name}' need a 'trigger'" if name == "steps" else f"'{name}' needs a 'trigger'")
        if self.trigger is not None and self.schedule is not None:
            raise ValueError("'trigger' and 'schedule' do not go together: an entry has its own time")
        return self

    @property
    def has_own_body(self) -> bool:
        """Whether there is a mail beside those of the steps."""
        return self.body is not None or self.html is not None

    def mails(self) -> dict[str, Wording]:
        """Subject and preheader of each mail by the name of its variant or step; without a name where it has none."""
        found = {step.name: Wording(step.subject, step.preheader or "") for step in self.steps}
        if self.has_own_body and not self.variants:
            found[""] = Wording(self.subject, self.preheader or "")
        for variant in self.variants:
            preheader = self.preheader if variant.preheader is None else variant.preheader
            found[variant.name] = Wording(variant.subject or self.subject, preheader or "")
        return found

    def weights(self) -> dict[str, int]:
        """The weight of each variant, in the order of the document."""
        return {variant.name: variant.weight for variant in self.variants} or {"": 1}


class Wording(NamedTuple):
    """What stands around a body: the subject, and the words that a mail program shows beside it."""

    subject: str
    preheader: str


class Body(NamedTuple):
    """The two parts of a mail; `text` is empty where it is derived from the HTML."""

    html: str
    text: str


class Content(NamedTuple):
    """A document with its body, and with those of the variants and steps that have one of their own."""

    document: CampaignDocument
    html: str
    text: str
    bodies: Mapping[str, Body] = MappingProxyType({})

    def body_of(self, name: str) -> Body:
        """The body of this variant or step."""
        return self.bodies.get(name) or Body(self.html, self.text)

    def canonical(self) -> str:
        """The stored form of the document, without the bodies that stand beside it."""
        inside = {"__all__": set(_INLINE)}
        left_out: dict[str, Any] = {**dict.fromkeys(_INLINE, True), "variants": inside, "steps": inside}
        plain = self.document.model_dump(by_alias=True, mode="json", exclude_unset=True, exclude=left_out)
        return json.dumps(plain, sort_keys=True, ensure_ascii=False)

    def stored_bodies(self) -> str:
        """The stored form of the bodies of variants and steps."""
        return json.dumps({name: body._asdict() for name, body in sorted(self.bodies.items())}, ensure_ascii=False)

    def written(self) -> dict[str, Any]:
        """The document with its bodies in it: what can be changed and saved again, without any file."""
        plain: dict[str, Any] = json.loads(self.canonical())
        own = {"": Body(self.html, self.text)} if self.document.has_own_body else {}
        places = {"": plain} | {one["name"]: one for kind in ("variants", "steps") for one in plain.get(kind, [])}
        for name, body in {**own, **self.bodies}.items():
            place = places[name]
            place.pop("body", None)
            place |= {"html": body.html} | ({"text": body.text} if body.text else {})
        return plain

    def content_hash(self) -> str:
        """SHA-256 over the document and its bodies: what an approval stands for."""
        parts = [self.canonical(), self.html, self.text]
        # A campaign without them keeps the hash that it was approved with.
        whole = json.dumps([*parts, self.stored_bodies()] if self.bodies else parts, ensure_ascii=False)
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def parse_campaign(text: str, folder: Path) -> Content:
    """Read a campaign document; its body files are looked up from `folder`.

    Raises:
        UsageError: it can not be meant, every problem with its path; or a body is not there.
    """
    found = load_mapping(text, "campaign")
    later = [key for key in LATER if key in found]
    if later:
        raise UsageError(f"{', '.join(later)}: not supported yet. Leave it out. Nothing was saved.")
    try:
        document = CampaignDocument.model_validate(found)
    except ValidationError as error:
        raise problems(error, "campaign") from None
    own = Body(_html(folder, document, "") or "", document.text or "")
    with_mails: tuple[tuple[str, Sequence[Variant | Step]], ...] = (
        ("variants", document.variants),
        ("steps", document.steps),
    )
    bodies = {
        one.name: body
        for kind, named in with_mails
        for number, one in enumerate(named)
        if (body := _own_body(folder, one, f"{kind}[{number}].", own)) is not None
    }
    return Content(document, own.html, own.text, bodies)


def stored(document: str, html: str, text: str, bodies: str = "{}") -> Content:
    """A campaign as the state store keeps it."""
    plain: dict[str, Any] = json.loads(document)
    own = {name: Body(**body) for name, body in json.loads(bodies).items()}
    if "body" not in plain and (html or "steps" not in plain):
        plain["html"] = html
    for step in plain.get("steps", []):
        if "body" not in step:
            step["html"] = own[step["name"]].html
    return Content(CampaignDocument.model_validate(plain), html, text, own)


def _own_body(folder: Path, one: Variant | Step, place: str, whole: Body) -> Body | None:
    """The body of a variant or step; None where it says nothing of its own."""
    html = _html(folder, one, place)
    if html is not None:
        return Body(html, one.text or "")
    return Body(whole.html, one.text) if one.text is not None else None


def _html(folder: Path, one: CampaignDocument | Variant | Step, place: str) -> str | None:
    if one.html is not None:
        return _finished(one.html, f"{place}html")
    return None if one.body is None else _file(folder, one.body, f"{place}body")


def _file(folder: Path, name: str, place: str) -> str:
    path = folder / name
    if path.suffix.lower() not in (".mjml", ".html", ".htm"):
        raise UsageError(f"{place}: {name} has to be an .mjml or .html file. Nothing was saved.")
    try:
        if path.stat().st_size > MAX_BODY:
            raise UsageError(f"{place}: {name} is larger than {MAX_BODY:,} bytes. Nothing was saved.")
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise UsageError(f"{place}: there is no file {path}. Nothing was saved.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{place}: {name} is no text in UTF-8. Nothing was saved.") from None
    return html_of(text, place) if path.suffix.lower() == ".mjml" else inlined(text, place)


def _finished(text: str, place: str) -> str:
    """The HTML that goes out: MJML puts its own rules into the elements."""
    html = html_of(text, place)
    return inlined(text, place) if html == text else html
