"""What SendGrid refuses of a mail: its documented limits, with the field named as it names them.

One wrong entry refuses the whole request. Not here: what it does with a good one (sendgrid_account.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
MOST = 1000
"""Personalizations in a request, and recipients in all of them together."""
ARGUMENT_BYTES = 10_000
RESERVED = (
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
    *("to", "from", "subject", "reply-to", "cc", "bcc"),
)

_ADDRESS = re.compile(r"[^\s@<>\",;]+@[^\s@<>\",;]+\.[^\s@<>\",;]+")
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"


def errors(mail: object) -> list[Json]:
    """The entries of the answer's `errors`; empty for a mail that is taken."""
    if not isinstance(mail, dict):
        return [_error("Bad Request", None)]
    return [_error(message, field) for message, field in _wrong(mail)]


def _error(message: str, field: str | None) -> Json:
    return {"message": message, "field": field, "help": f"{_HELP}#message.{field}" if field else None}


def _wrong(mail: Json) -> Iterator[tuple[str, str]]:
    yield from _wrong_sender(mail.get("from"))
    people = mail.get("personalizations")
    if not isinstance(people, list) or not 0 < len(people) <= MOST:
        yield "The personalizations field is required and must have at least one personalization.", "personalizations"
        return
    seen: set[str] = set()
    for place, one in enumerate(people):
        yield from _wrong_personalization(one, f"personalizations.{place}", seen)
        if not (one.get("subject") or mail.get("subject")):
            yield "The subject is required.", "subject"
    if len(seen) > MOST:
        yield f"There is a limit of {MOST} total recipients (to + cc + bcc) per request.", "personalizations"
    yield from _wrong_content(mail.get("content"))
    categories = mail.get("categories", [])
    if len(categories) > 10 or any(not isinstance(one, str) or len(one) > 255 for one in categories):
        yield "There is a limit of 10 categories of 255 characters.", "categories"


def _wrong_sender(sender: Any) -> Iterator[tuple[str, str]]:
    address = sender.get("email") if isinstance(sender, dict) else None
    if not isinstance(address, str) or not address:
        yield "The from object must be provided for every email send.", "from.email"
    elif not address.isascii() or not _ADDRESS.fullmatch(address):
        yield "The from email does not contain a valid address.", "from.email"


def _wrong_personalization(one: Any, where: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    to = one.get("to") if isinstance(one, dict) else None
    if not isinstance(to, list) or not to:
        yield "The to array is required for all personalization objects, and must have at least one email.", where
        return
    for number, person in enumerate(to):
        address, name = str(person.get("email", "")), str(person.get("name", ""))
        if not _ADDRESS.fullmatch(address):
            yield "Does not contain a valid address.", f"{where}.to.{number}.email"
        if address.lower() in seen:
            yield "Each email address in the personalization block should be unique.", where
        seen.add(address.lower())
        if ";" in name or "," in name:
            yield "The name can not contain ; or ,.", f"{where}.to.{number}.name"
    if any(name.lower() in RESERVED for name in one.get("headers", {})):
        yield "Reserved headers can not be set.", f"{where}.headers"
    arguments = one.get("custom_args", {})
    if not all(isinstance(value, str) for value in arguments.values()):
        yield "The custom_args values must be strings.", f"{where}.custom_args"
    elif sum(len(f"{name}{value}".encode()) for name, value in arguments.items()) > ARGUMENT_BYTES:
        yield "The total length of custom arguments must be under 10,000 bytes.", f"{where}.custom_args"


def _wrong_content(content: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(content, list) or not content:
        yield "Unless a valid template_id is provided, the content parameter is required.", "content"
        return
    if not all(part.get("value") and isinstance(part["value"], str) for part in content):
        yield "The content value must be a string at least one character in length.", "content.0.value"
    kinds = [part.get("type") for part in content]
    if "text/plain" in kinds[1:]:
        yield "If present, text/plain content must be first, followed by text/html content.", "content"
