"""Failing rows are shown to whoever may see the data health page: personal data in them is masked.

A value is masked whole where its column's name says that it is personal, and an e-mail address or an
IP address is masked wherever it stands. Ids, keys, amounts and states stay readable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from pipelines.quality.result import FailingRow

MASK = "•••"
_PERSONAL = frozenset({"email", "mail", "name", "address", "phone", "ip", "city", "postal", "line1", "line2", "traits"})
# dbt's own tests rename the column that they look at, so nobody can tell whether it is personal.
_RENAMED = frozenset({"unique_field", "value_field"})
_NO_PERSON = frozenset({"product_name", "event_name", "plan_name", "table_name", "column_name"})
_EMAIL = re.compile(r"[^\s@\"'<>:/?&=,;]+@[^\s@\"'<>/?&=,;]+\.[^\s@\"'<>/?&=,;.]+")
_IP = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.I
)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")
LONGEST = 80


def masked(column: str, value: object) -> str | None:
    """The value as text that may be shown; None stays None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = str(value)
    if is_personal(column) and text:
        return MASK
    text = masked_text(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def masked_text(text: str) -> str:
    """The text with every e-mail and IP address in it masked."""
    return text if _MOMENT.fullmatch(text) else _IP.sub(MASK, _EMAIL.sub(MASK, text))


def is_personal(column: str) -> bool:
    """Whether the column's name says that its values are about a person. Ids and keys are not."""
    lower = column.lower()
    if lower in _RENAMED:
        return True
    if lower in _NO_PERSON or lower.endswith(("_id", "_key", "_count")):
        return False
    return not _PERSONAL.isdisjoint(re.split(r"[^a-z0-9]+", lower))


def masked_row(key: object, values: Mapping[str, object]) -> FailingRow:
    """A failing row that may be shown."""
    return FailingRow(
        key=masked("key", key) or "", values={column: masked(column, value) for column, value in values.items()}
    )
