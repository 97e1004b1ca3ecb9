"""Which messages of the tracking API are no events, and why, as far as that is seen without reading their times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pipelines.events.message import FIELDS, TYPES

MESSAGE_LIMIT = 32 * 1024
"""Bytes of a message."""

Reason = Literal["no_object", "type", "value", "nobody", "no_event", "no_group", "no_previous", "too_large"]

_IDS = (FIELDS["user_id"], FIELDS["anonymous_id"])
"""The load takes the first of each that holds something."""
_TEXTS = ("messageId", "event")
_OF_KIND = {"page": ("name",), "screen": ("name",), "group": ("groupId",), "alias": ("previousId",)}
_TEXT_FIELDS = {kind: (*_TEXTS, *_OF_KIND.get(kind, ())) for kind in TYPES}
_OBJECTS = ("properties", "traits", "context")
_SCALAR = (str, int, float)


@dataclass(frozen=True)
class Problem:
    """Why a message is bad: the reason that is counted, and the words that stand beside it when it is set aside."""

    reason: Reason
    words: str


_NO_OBJECT = Problem("no_object", "no JSON object")
_NO_TYPE = Problem("type", f"a type that is none of {', '.join(TYPES)}")
_NOBODY = Problem("nobody", "nobody: neither a user nor an anonymous id")
_NO_EVENT = Problem("no_event", "no event name")
TOO_LARGE = Problem("too_large", f"larger than {MESSAGE_LIMIT:,} bytes")
_NEEDS = {
    "track": ("event", _NO_EVENT),
    "group": ("groupId", Problem("no_group", "a group call without groupId")),
    "alias": ("previousId", Problem("no_previous", "an alias call without previousId")),
}
_NO_TEXT = {name: Problem("value", f"{name} is no text") for names in (*_TEXT_FIELDS.values(), *_IDS) for name in names}
_NO_DOCUMENT = {name: Problem("value", f"{name} is no JSON object") for name in _OBJECTS}


def problem_of(message: Any, kind: str | None) -> Problem | None:
    """Why a message of this kind is no event; None where it is one."""
    if type(message) is not dict:
        return _NO_OBJECT
    if kind not in _TEXT_FIELDS:
        return _NO_TYPE
    get = message.get
    for name in _TEXT_FIELDS[kind]:
        value = get(name)
        if value is not None and type(value) not in _SCALAR:
            return _NO_TEXT[name]
    for name in _OBJECTS:
        value = get(name)
        if value is not None and type(value) is not dict:
            return _NO_DOCUMENT[name]
    if kind in _NEEDS:
        name, problem = _NEEDS[kind]
        if get(name) in (None, ""):
            return problem
    nobody: Problem | None = _NOBODY
    for names in _IDS:
        for name in names:
            value = get(name)
            if value is not None and value != "":
                if type(value) not in _SCALAR:
                    return _NO_TEXT[name]
                nobody = None
                break
    return nobody
