"""What all query documents share: strict models, days in a time zone, and errors that name the field.

A document is refused, never guessed at: an unknown key or a value that can not be meant ends in a
`UsageError` with its path. What a document asks for stands in `query`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.errors import UsageError


class Document(BaseModel):
    """A part of a query document; keys that it does not name are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Model = TypeVar("Model", bound=Document)


def _calendar_day(value: object) -> object:
    # Left alone, pydantic takes numbers and times of day for days as well.
    if value is None or type(value) is date or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    raise ValueError("a calendar day is written like 2026-03-01")


def _known_zone(value: str | None) -> str | None:
    if value is not None:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write one like Europe/Berlin") from None
    return value


# The edges keep a day's begin in any zone, and a window after it, inside the engine's timestamps.
Day = Annotated[date, BeforeValidator(_calendar_day), Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))]
Zone = Annotated[str, AfterValidator(_known_zone)]


def read_query(raw: bytes | str, what: str = "query") -> dict[str, Any]:
    """A query document from its JSON text; `what` names it in messages.

    Raises:
        UsageError: no JSON, or no object.
    """
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        raise UsageError(f"{what}: no valid JSON ({problem.msg}, line {problem.lineno})") from None
    if not isinstance(document, dict):
        raise UsageError(f"{what}: a query document is one JSON object")
    return document


def parse(model: type[Model], document: Mapping[str, Any]) -> Model:
    """The document as `model`.

    Raises:
        UsageError: with the path of the first field that can not be meant.
    """
    try:
        return model.model_validate(document)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
        raise UsageError(f"query: {_path(first['loc'])}: {_words(first['type'], first['msg'])}") from None


def start_of(day: date, zone: str) -> datetime:
    """The moment at which a calendar day begins in `zone`, as naive UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def end_of(day: date, zone: str) -> datetime:
    """The first moment after a calendar day in `zone`, as naive UTC; the day may have 23 or 25 hours."""
    return start_of(day + timedelta(days=1), zone)


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<"):  # a tag of a union, not a key of the document
            path += f".{part}" if path else part
    return path or "the document"


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")
