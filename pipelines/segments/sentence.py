"""A rule in plain words, so that whoever built it can read whether it says what was meant."""

from __future__ import annotations

from typing import Any

from pipelines.conditions import AllOf, Node
from pipelines.conditions import Condition as AskedOfEvent
from pipelines.segments.document import (
    ANY_CAMPAIGN,
    CampaignRule,
    Condition,
    Count,
    EmailRule,
    EventRule,
    Happened,
    PercentRule,
    RfmRule,
    SegmentDocument,
    Trait,
)
from pipelines.segments.times import is_relative

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
_IN_TIME = {"gt": "is after", "gte": "is not before", "lt": "is before", "lte": "is not after"}
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


def phrase(condition: Condition) -> str:
    """One condition in words: `whose plan is pro`."""
    return _words(condition)


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
    if condition.campaign is not None:
        return _campaign(condition.campaign)
    if condition.percent is not None:
        return _percent(condition.percent)
    if condition.rfm is not None:
        return _rfm(condition.rfm)
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
    words = _IN_TIME.get(trait.op, COMPARED[trait.op]) if is_relative(trait.value) else COMPARED[trait.op]
    return f"whose {field} {words} {_value(trait.value)}{currency}"


def _value(value: Any) -> str:
    if is_relative(value):
        return _moment(value)
    if isinstance(value, list):
        said = ", ".join(_value(part) for part in value[:_SAID]) or "nothing"
        return said if len(value) <= _SAID else f"{said} and {len(value) - _SAID:,} more"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _event(rule: EventRule) -> str:
    what = f'"{rule.name}"{_where(rule.where)}'
    if rule.which is not None:
        return f"who {rule.which} did {what}{_when(rule)}"
    did = "did not do" if _never(rule.count) else "did"
    return f"who {did} {what}{_times(rule.count)}{_when(rule)}"


def _email(rule: EmailRule) -> str:
    said = _TOLD[rule.event].format(_campaign_name(rule.campaign))
    if rule.which is not None:
        return f"who {rule.which} {said}{_when(rule)}"
    said = f"{said}{_times(rule.count)}{_when(rule)}"
    return f"{_NOT} who {said}" if _never(rule.count) else f"who {said}"


def _campaign(rule: CampaignRule) -> str:
    states = " or ".join(state.replace("_", " ") for state in rule.states)
    told = [*([states] if states else []), *([f"variant {rule.variant}"] if rule.variant else [])]
    return f"who are recipients of {_campaign_name(rule.name)}" + (f" ({', '.join(told)})" if told else "")


def _campaign_name(name: str) -> str:
    return "a campaign" if name == ANY_CAMPAIGN else f"the campaign {name}"


def _percent(rule: PercentRule) -> str:
    if rule.of is not None:
        return f"who are among {rule.of:g} % of everybody (split {rule.salt})"
    return f"who lie between {rule.from_:g} % and {rule.to:g} % of everybody (split {rule.salt})"


def _rfm(rule: RfmRule) -> str:
    said = " and ".join(
        f"whose {measure} score {COMPARED[score.op]} {_value(score.value)}" for measure, score in rule.scores.items()
    )
    money = f", money in {rule.currency.upper()}" if rule.currency else ""
    return f"{said} (of 5, by payments{_last(rule.within) if rule.within else ''}{money})"


def _where(nodes: list[Node]) -> str:
    return f" ({_joined_nodes(nodes, ' and ')})" if nodes else ""


def _joined_nodes(nodes: list[Node], word: str) -> str:
    return word.join(_node(node, is_alone=len(nodes) == 1) for node in nodes)


def _node(node: Node, *, is_alone: bool) -> str:
    if isinstance(node, AskedOfEvent):
        if node.op in ("is_set", "is_not_set"):
            return f"whose {node.property} {COMPARED[node.op]}"
        return f"whose {node.property} {COMPARED[node.op]} {_value(node.value)}"
    said = _joined_nodes(node.nodes, " and " if isinstance(node, AllOf) else " or ")
    return said if is_alone or len(node.nodes) == 1 else f"({said})"


def _never(count: Count) -> bool:
    return (count.op, count.value) in (("eq", 0), ("lt", 1), ("lte", 0))


def _times(count: Count) -> str:
    if _never(count) or (count.op, count.value) in (("gte", 1), ("gt", 0)):
        return ""
    return f" {TIMES[count.op]} {count.value:,} {'time' if count.value == 1 else 'times'}"


def _when(rule: Happened) -> str:
    begin = _last(rule.within) if rule.within else ""
    if rule.from_ is not None:
        begin = f" from {_moment(rule.from_)}{' on' if rule.to is None and rule.before is None else ''}"
    elif rule.after is not None:
        begin = f" after {_moment(rule.after)}"
    joined = " and" if begin and (rule.after or rule.within) and (rule.to or rule.before) else ""
    if rule.to is not None:
        return f"{begin}{joined} up to {_moment(rule.to)}"
    return f"{begin}{joined} before {_moment(rule.before)}" if rule.before is not None else begin


def _last(within: str) -> str:
    number, unit = int(within[:-1]), _UNITS[within[-1]]
    return f" in the last {number:,} {unit}s" if number != 1 else f" in the last {unit}"


def _moment(value: str) -> str:
    """`30d ago` as `30 days ago`; a date as it is."""
    if not is_relative(value):
        return value
    length = value.removeprefix("in ").removesuffix(" ago")
    number, unit = int(length[:-1]), _UNITS[length[-1]]
    said = f"{number:,} {unit}{'' if number == 1 else 's'}"
    return f"{said} ago" if value.endswith(" ago") else f"{said} from now"
