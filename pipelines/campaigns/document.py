"""The campaign document: YAML or JSON in, a checked campaign with its body out. No data in here.

Keys that later versions understand are refused by name, so that nobody believes in a schedule that
is not kept.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, ValidationError, model_validator

from pipelines.campaigns.mjml import html_of
from pipelines.documents import load_mapping, problems
from pipelines.errors import UsageError
from pipelines.mail import one_line
from pipelines.privacy import InvalidAddressError, parse_address
from pipelines.segments import NAME, Strict

LATER = ("discount", "schedule", "limits", "goal")
MAX_BODY = 2_000_000
"""Bytes; mail programs cut far smaller ones."""


def _address(value: str) -> str:
    try:
        return parse_address(value).deliverable
    except InvalidAddressError as problem:
        raise ValueError(str(problem)) from None


def _single_line(value: str) -> str:
    if one_line(value) != value:
        raise ValueError("has to be one line without control characters")
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


class CampaignDocument(Strict):
    """One campaign."""

    name: Annotated[str, Field(pattern=NAME)]
    segment: Annotated[str, Field(pattern=NAME)]
    from_: Sender | None = Field(None, alias="from")
    subject: Annotated[str, Field(min_length=1)]
    body: str | None = None
    html: str | None = None
    text: str | None = None
    variants: list[Variant] = Field(default_factory=list)
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _has_one_body(self) -> CampaignDocument:
        if (self.body is None) == (self.html is None):
            raise ValueError("write either 'body' (a file) or 'html'")
        names = [variant.name for variant in self.variants]
        if len(set(names)) != len(names):
            raise ValueError("variants: a name stands twice")
        return self

    def subjects(self) -> dict[str, str]:
        """The subject of each variant; one without a name where there are no variants."""
        if not self.variants:
            return {"": self.subject}
        return {variant.name: variant.subject or self.subject for variant in self.variants}

    def weights(self) -> dict[str, int]:
        """The weight of each variant, in the order of the document."""
        return {variant.name: variant.weight for variant in self.variants} or {"": 1}


class Content(NamedTuple):
    """A document with its body; `text` is empty where it is derived from the HTML."""

    document: CampaignDocument
    html: str
    text: str

    def canonical(self) -> str:
        """The stored form of the document, without the bodies that stand beside it."""
        plain = self.document.model_dump(by_alias=True, exclude_unset=True, exclude={"html", "text"})
        return json.dumps(plain, sort_keys=True, ensure_ascii=False)

    def content_hash(self) -> str:
        """SHA-256 over the document and its bodies: what an approval stands for."""
        whole = json.dumps([self.canonical(), self.html, self.text], ensure_ascii=False)
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def parse_campaign(text: str, folder: Path) -> Content:
    """Read a campaign document; its body file is looked up from `folder`.

    Raises:
        UsageError: it can not be meant, every problem with its path; or the body is not there.
    """
    found = load_mapping(text, "campaign")
    later = [key for key in LATER if key in found]
    if later:
        raise UsageError(f"{', '.join(later)}: not supported yet. Leave it out. Nothing was saved.")
    try:
        document = CampaignDocument.model_validate(found)
    except ValidationError as error:
        raise problems(error, "campaign") from None
    html = html_of(document.html, "html") if document.html is not None else _body(folder, document.body or "")
    return Content(document, html, document.text or "")


def stored(document: str, html: str, text: str) -> Content:
    """A campaign as the state store keeps it."""
    plain: dict[str, Any] = json.loads(document)
    if "body" not in plain:
        plain["html"] = html
    return Content(CampaignDocument.model_validate(plain), html, text)


def _body(folder: Path, name: str) -> str:
    path = folder / name
    if path.suffix.lower() not in (".mjml", ".html", ".htm"):
        raise UsageError(f"body: {name} has to be an .mjml or .html file. Nothing was saved.")
    try:
        if path.stat().st_size > MAX_BODY:
            raise UsageError(f"body: {name} is larger than {MAX_BODY:,} bytes. Nothing was saved.")
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise UsageError(f"body: there is no file {path}. Nothing was saved.") from None
    except UnicodeDecodeError:
        raise UsageError(f"body: {name} is no text in UTF-8. Nothing was saved.") from None
    return html_of(text, "body") if path.suffix.lower() == ".mjml" else text
