"""SendGrid's own OpenAPI document, cut to what sending a mail is made of: nothing in that part is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEND = "/v3/mail/send"


def sending(material: Path) -> dict[str, Any]:
    """The one path and all that it refers to: with its other 218 paths a mock takes four times as long to start."""
    whole = json.loads((material / "sendgrid" / "v3_openapi_bundled.json").read_text())
    found: dict[str, Any] = {name: whole[name] for name in ("openapi", "info", "servers", "security")}
    found["paths"] = {SEND: whole["paths"][SEND]}
    found["components"] = {"securitySchemes": whole["components"]["securitySchemes"]}
    left, seen = list(_references(found)), set[str]()
    while left:
        reference = left.pop()
        if reference in seen:
            continue
        seen.add(reference)
        *way, name = [part.replace("~1", "/").replace("~0", "~") for part in reference.removeprefix("#/").split("/")]
        source, target = whole, found
        for part in way:
            source, target = source[part], target.setdefault(part, {})
        target[name] = source[name]
        left += _references(source[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
