"""A rule in plain words, so that whoever built it can read whether it says what was meant."""

from __future__ import annotations

from typing import Any

from pipelines.segments.document import ANY_CAMPAIGN, Condition, Count, EmailRule, EventRule, SegmentDocument, Trait

COMPARED = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "contains": "contains",
    "icontains": "contains (in any case)",
    "regex": "matches",
    "is_set": "is known",
    "is_not_set": "is not known",
}
"""Each comparison in words."""
TIMES = {"eq": "exactly", "ne": "not", "gt": "more than", "gte": "at least", "lt": "fewer than", "lte": "at most"}
"""Each comparison of a number of times in words."""
_NOT = "not those"
_SAID = 10
"""So many values of a list are said; the rest is counted."""
_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_TOLD = {
    "delivered": "got {}",
    "deferred": "were told to wait by their mailbox for {}",
    "bounce": "bounced {}",
    "dropped": "were dropped from {}",
    "open": "opened {}",
    "click": "clicked in {}",
    "spamreport": "complained about {}",
    "unsubscribe": "unsubscribed from {}",
}


def sentence(document: SegmentDocument) -> str:
    """`Everybody whose plan is pro, and who did "login" at least 3 times in the last 30 days.`"""
    if document.match.all == []:
        return "Everybody."
    words = _words(document.match, outer=True)
    return f"Everybody, but {words}." if words.startswith(_NOT) else f"Everybody {words}."


def phrases(document: SegmentDocument) -> list[str]:
    """The parts that must all hold, each in words, in the order of `loss_by_rule`."""
    return [_words(part) for part in (document.match.all if document.match.all is not None else [document.match])]


def _words(condition: Condition, *, outer: bool = False) -> str:
    if condition.all is not None:
        return _joined(condition.all, ", and ", "who exists", outer=outer)
    if condition.any is not None:
        return _joined(condition.any, ", or ", "of whom there are none", outer=outer)
    if condition.not_ is not None:
        return f"{_NOT} {_words(condition.not_)}"
    if condition.trait is not None:
        return _trait(condition.trait)
    if condition.event is not None:
        return _event(condition.event)
    if condition.email is not None:
        return _email(condition.email)
    return f"in the segment {condition.segment}"


def _joined(parts: list[Condition], word: str, empty: str, *, outer: bool) -> str:
    if not parts:
        return empty
    said = word.join(_words(part) for part in parts)
    return said if outer or len(parts) == 1 else f"({said})"


def _trait(trait: Trait) -> str:
    field = trait.field.replace("_", " ")
    if trait.op in ("is_set", "is_not_set"):
        return f"whose {field} {COMPARED[trait.op]}"
    currency = f" {trait.currency.upper()}" if trait.currency else ""
    return f"whose {field} {COMPARED[trait.op]} {_value(trait.value)}{currency}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        said = ", ".join(_value(part) for part in value[:_SAID]) or "nothing"
        return said if len(value) <= _SAID else f"{said} and {len(value) - _SAID:,} more"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _event(rule: EventRule) -> str:
    did = "did not do" if _never(rule.count) else "did"
    return f'who {did} "{rule.name}"{_times(rule.count)}{_within(rule.within)}'


def _email(rule: EmailRule) -> str:
    what = "a campaign" if rule.campaign == ANY_CAMPAIGN else f"the campaign {rule.campaign}"
    said = f"{_TOLD[rule.event].format(what)}{_times(rule.count)}{_within(rule.within)}"
    return f"{_NOT} who {said}" if _never(rule.count) else f"who {said}"


def _never(count: Count) -> bool:
    return (count.op, count.value) in (("eq", 0), ("lt", 1), ("lte", 0))


def _times(count: Count) -> str:
    if _never(count) or (count.op, count.value) in (("gte", 1), ("gt", 0)):
        return ""
    return f" {TIMES[count.op]} {count.value:,} {'time' if count.value == 1 else 'times'}"


def _within(within: str | None) -> str:
    if within is None:
        return ""
    number, unit = int(within[:-1]), _UNITS[within[-1]]
    return f" in the last {number:,} {unit}s" if number != 1 else f" in the last {unit}"
