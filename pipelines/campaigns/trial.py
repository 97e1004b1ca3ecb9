"""Made-up readers for trial mails: one who has every trait, one who has none, one whose traits are hostile."""

from __future__ import annotations

from typing import Any

from pipelines.segments import trait_kinds

MARK = "zq9"
HOSTILE = f"{MARK}\" {MARK}' {MARK} <{MARK}>"
"""A trait that would be markup wherever it is not escaped, and would end an attribute without quotes."""
LINKS = {
    "unsubscribe_url": f"https://unsubscribe.invalid/u/{'trial' * 24}",
    "postal_address": "Trial Street 1, Testtown",
}
"""As long as real ones."""
CODE = "TRIAL-CODE-0000"


class _Properties(dict[str, object]):
    """Properties of an event that has whatever the template asks for."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, key: str) -> str:
        return self._value


def reader(text: str = "Trial") -> dict[str, Any]:
    """A reader with every trait; `text` is what stands in those that are text."""
    values: dict[str, Any] = {
        "text": text,
        "number": 7,
        "flag": True,
        "moment": "2026-01-31T09:30:00",
        "list": [text],
        "money": "12.50",
    }
    event = {"name": text, "time": values["moment"], "properties": _Properties(text)}
    return {**{name: values[kind] for name, kind in trait_kinds().items()}, "recent_events": [event]}
