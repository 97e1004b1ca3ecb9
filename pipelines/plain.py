"""An answer as JSON text, the same from the command line and from the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal


def json_text(document: Mapping[str, object]) -> str:
    """One JSON document: times and days in ISO 8601, decimal numbers as text."""
    return json.dumps(document, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
