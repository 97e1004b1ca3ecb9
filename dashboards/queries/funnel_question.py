"""What the funnel builder asks: its steps as text in a link, and as a query document of `pipelines.behaviour`.

A link carries `steps=Pricing~Signed Up!plan!is!pro~Trial!optional~Paid`: steps parted by `~`, a step's condition
behind its event, parted by `!`, and behind all whether the step is optional. An empty event is any event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

LEAST, MOST = 2, 8
OPS = {
    "is": "eq",
    "is not": "ne",
    "is one of": "in",
    "contains": "icontains",
    "is more than": "gt",
    "is at least": "gte",
    "is less than": "lt",
    "is at most": "lte",
    "is set": "is_set",
    "is not set": "is_not_set",
}
"""What the page calls the ops of a query document; the words stand in links, so they stay as they are."""
ORDERS = {"in this order": "ordered", "strictly one after the other": "strict", "in any order": "unordered"}
TOUCHES = {
    "first seen": "first_touch",
    "last seen": "last_touch",
    "seen at the first step": "step:0",
    "each by its own events": "all_events",
}
"""Which value of a property counts for a person."""
WINDOWS: dict[str, dict[str, Any] | None] = {
    "1 hour": {"value": 1, "unit": "hour"},
    "1 day": {"value": 1, "unit": "day"},
    "7 days": {"value": 7, "unit": "day"},
    "14 days": {"value": 14, "unit": "day"},
    "30 days": {"value": 30, "unit": "day"},
    "90 days": {"value": 90, "unit": "day"},
    "no limit": None,
}


@dataclass(frozen=True)
class Step:
    """One step of the builder: an event (None is any) and at most one condition on a property of it.

    It may be left out where it is `optional`; where that can not be meant, it counts as any other (`is_optional`).
    """

    event: str | None
    field: str = ""
    op: str = "is"
    value: str = ""
    optional: bool = False

    @property
    def condition(self) -> str:
        """The condition in words; empty where there is none that can be meant."""
        if not self.where():
            return ""
        return " ".join(part for part in (self.field, self.op, "" if _needs_none(self.op) else self.value) if part)

    def where(self) -> list[dict[str, Any]]:
        """The condition as a query document has it; a half written one does not count yet."""
        if not self.field or self.op not in OPS:
            return []
        op = OPS[self.op]
        if _needs_none(self.op):
            return [{"property": self.field, "op": op}]
        value = _value(op, self.value)
        return [] if value is None else [{"property": self.field, "op": op, "value": value}]


@dataclass(frozen=True)
class Split:
    """By which property of the events an answer is split, and which value counts (`TOUCHES`)."""

    field: str
    touch: str


@dataclass(frozen=True)
class Without:
    """An event that must not come between two steps (counted from 0)."""

    event: str
    after: int
    before: int


def steps_of(text: str, known: Sequence[str]) -> list[Step]:
    """The steps of a link; what it can not mean is dropped, and with fewer than two steps all of it."""
    found = [step for part in text.split("~") if (step := _step(part, known)) is not None][:MOST] if text else []
    return found if len(found) >= LEAST else []


def text_of(steps: Sequence[Step]) -> str:
    """The steps as a link carries them."""
    return "~".join(_part(step) for step in steps)


def document_of(
    steps: Sequence[Step],
    *,
    order: str,
    window: str,
    days: tuple[date, date],
    timezone: str,
    without: Without | None = None,
    split: Split | None = None,
    by_account: bool = False,
) -> dict[str, Any]:
    """The builder's state as a query document."""
    ends = [number for number, step in enumerate(steps) if not is_optional(steps, number, order)]
    document: dict[str, Any] = {
        "steps": [
            {"event": step.event}
            | ({"where": step.where()} if step.where() else {})
            | ({} if number in ends else {"optional": True})
            for number, step in enumerate(steps)
        ],
        "order": ORDERS[order],
        "window": WINDOWS[window],
        "date_from": days[0].isoformat(),
        "date_to": days[1].isoformat(),
        "timezone": timezone,
    }
    if without is not None and without.after in ends and without.before in ends:
        span = {"from_step": without.after, "to_step": without.before}
        document["exclusions"] = [{"event": without.event} | span]
    if split is not None:
        document["breakdown"] = {"property": split.field, "attribution": TOUCHES[split.touch]}
    if by_account:
        document["aggregate_by"] = "account"
    return document


def is_optional(steps: Sequence[Step], number: int, order: str) -> bool:
    """Whether a step may be left out: never the first one.

    In any order it needs an event that no other step asks for, and two steps that may not be left out.
    """
    if number == 0 or not steps[number].optional:
        return False
    if ORDERS[order] != "unordered":
        return True
    events = [step.event for step in steps]
    needed = [step for step in steps[1:] if not step.optional]
    return bool(needed) and None not in events and events.count(steps[number].event) == 1


def repeated(steps: Sequence[Step]) -> list[str]:
    """Events that stand in more than one step, in order of their first."""
    names = [step.event or "any event" for step in steps]
    return list(dict.fromkeys(name for name in names if names.count(name) > 1))


def _step(part: str, known: Sequence[str]) -> Step | None:
    event, *condition = (unquote(piece) for piece in part.split("!"))
    if event and event not in known:
        return None
    optional = len(condition) in (1, 4) and condition.pop() == "optional"
    if len(condition) != 3 or condition[1] not in OPS:
        return Step(event or None, optional=optional)
    field, op, value = condition
    return Step(event or None, field, op, value, optional)


def _part(step: Step) -> str:
    condition = [step.field, step.op, step.value] if step.field else []
    pieces = [step.event or "", *condition, *(["optional"] if step.optional else [])]
    return "!".join(_escaped(piece) for piece in pieces)


def _escaped(piece: str) -> str:
    return piece.replace("%", "%25").replace("~", "%7E").replace("!", "%21")


def _needs_none(op: str) -> bool:
    return op in ("is set", "is not set")


def _value(op: str, text: str) -> object:
    """What is compared with: a number where the op compares numbers and the text is one."""
    if not text.strip():
        return None
    if op == "in":
        return [piece.strip() for piece in text.split(",") if piece.strip()] or None
    if op in ("gt", "gte", "lt", "lte"):
        try:
            number = float(text)
        except ValueError:
            return text
        return number if math.isfinite(number) else text
    return text
