"""A funnel's answer to a whole query document, counted in plain Python from what the documents promise.

Independent of the product: it shares no code with it but the names of things. Which attempt counts is
`brute_force`'s.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from statistics import mean, median
from typing import Any, NamedTuple

from tests.behaviour.brute_force import Asked, Attempt, best_by_trying_all

PAID = ("stripe:invoice_paid", "stripe:refund")
MAILS = {"email:click": "clicked", "email:open": "opened"}
PAIRS = {"gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b}


class Did(NamedTuple):
    """An event or a fact."""

    person: str
    second: int
    name: str
    properties: dict[str, Any]
    key: str
    """Its id."""
    amount: int = 0
    own_account: str | None = None
    """The account that its context names."""

    @property
    def is_fact(self) -> bool:
        return self.name in PAID or self.name in MAILS

    @property
    def identity(self) -> str:
        # As conftest has it: of the two visitors of a person only one came with a user id.
        visitor = 2 * int(self.person) + 1 + ord(self.name[0]) % 2
        return f"user {self.person}" if visitor % 2 else f"visitor {visitor}"


class World(NamedTuple):
    """Everything that happened, and what `dim_customers` knows: by person, column and text."""

    did: list[Did]
    customers: dict[str, dict[str, str | None]]

    def trait(self, person: str, name: str) -> str | None:
        """As the last `identify` that names it says, else as `dim_customers` has it."""
        told = [one for one in self.did if one.person == person and one.name == "identify" and name in one.properties]
        last = max(told, key=lambda one: (one.second, one.key), default=None)
        text = None if last is None else text_of(last.properties[name])
        return self.customers.get(person, {}).get(name) if text is None else text

    def account(self, did: Did) -> str | None:
        """The account that an event names, else that of its person's last `group` call until then."""
        if did.own_account and not did.is_fact:
            return did.own_account
        calls = [one for one in self.did if one.name == "group" and one.person == did.person]
        told = [one for one in calls if one.properties["groupId"] and one.second <= did.second]
        last = max(told, key=lambda one: (one.second, one.key), default=None)
        return None if last is None else text_of(last.properties["groupId"])


def text_of(value: Any) -> str | None:
    """A property as it is compared."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def number_of(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def holds(node: dict[str, Any], did: Did, world: World) -> bool:
    if "and" in node:
        return all(holds(part, did, world) for part in node["and"])
    if "or" in node:
        return any(holds(part, did, world) for part in node["or"])
    name, op = node["property"], node["op"]
    text = world.trait(did.person, name) if node.get("scope") == "user" else text_of(did.properties.get(name))
    if op in ("ne", "not_in", "is_not_set"):
        return not compared({"ne": "eq", "not_in": "in", "is_not_set": "is_set"}[op], text, node.get("value"))
    return compared(op, text, node.get("value"))


def compared(op: str, text: str | None, value: Any) -> bool:
    if text is None:
        return False
    if op == "eq":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return number_of(text) == value
        return text == text_of(value)
    if op == "in":
        return any(compared("eq", text, one) for one in value)
    if op in PAIRS:
        mine = text if isinstance(value, str) else number_of(text)
        return mine is not None and PAIRS[op](mine, value)
    words = {"contains": lambda: value in text, "icontains": lambda: value.lower() in text.lower()}
    return {**words, "regex": lambda: re.search(value, text) is not None, "is_set": lambda: True}[op]()


def where_holds(where: Any, did: Did, world: World) -> bool:
    return all(holds(node, did, world) for node in ([where] if isinstance(where, dict) else where or []))


def answer(world: World, document: dict[str, Any]) -> dict[str, Any]:
    """`steps` and, where the document asks for one, `breakdown`, as `--json --users` prints them."""
    told, parts = split(world, document)
    found = [{"value": value, "steps": steps_of(document, part)} for value, part in parts.items() if part]
    return {"steps": steps_of(document, told), "breakdown": sorted(found, key=lambda part: in_order(part, people_in))}


def people_in(part: dict[str, Any]) -> int:
    users: int = part["steps"][0]["users"]
    return users


def trends(world: World, document: dict[str, Any]) -> dict[str, Any]:
    """Of `funnel_trends`: by value (under `whole` of everybody) how many entered and came through, day by day."""
    days: list[tuple[list[int], dict[str | None, list[int]]]] = []
    for day in range(4):
        told, parts = split(world, document, range(2 * day, 2 * day + 2))
        days.append((entered(told, document), {value: entered(part, document) for value, part in parts.items()}))
    values = {value for _, parts in days for value in parts}
    split_by_day = [(value, [parts.get(value, [0, 0]) for _, parts in days]) for value in values]
    found = [{"value": value, "days": counts} for value, counts in split_by_day if any(there for there, _ in counts)]
    in_order_of = lambda part: sum(there for there, _ in part["days"])  # noqa: E731
    return {"whole": [whole for whole, _ in days], "parts": sorted(found, key=lambda p: in_order(p, in_order_of))}


def entered(best: Best, document: dict[str, Any]) -> list[int]:
    """How many got to the first step that is looked at, and how many of these to the last."""
    first, last = ({who for who in best if is_filled(best[who], document[end])} for end in ("from_step", "to_step"))
    return [len(first), len(first & last)]


def times(world: World, document: dict[str, Any]) -> dict[str, Any]:
    """Of `funnel_time_to_convert`: by value (under `whole` of everybody) the sorted times."""
    told, parts = split(world, document)
    split_times = [{"value": value, "taken": taken(part, document)} for value, part in parts.items()]
    found = [part for part in split_times if part["taken"]]
    return {
        "whole": taken(told, document),
        "parts": sorted(found, key=lambda p: in_order(p, lambda q: len(q["taken"]))),
    }


def taken(best: Best, document: dict[str, Any]) -> list[int]:
    first, last = document["from_step"], document["to_step"]
    through = [way for way in best.values() if is_filled(way, first) and is_filled(way, last)]
    return sorted(second_at(way, last) - second_at(way, first) for way in through)


def is_filled(way: Sequence[Fill | None], number: int) -> bool:
    return len(way) > number and way[number] is not None


def split(
    world: World, document: dict[str, Any], begins: Container[int | None] | None = None
) -> tuple[Best, dict[str | None, Best]]:
    """Everybody's attempt that counts, of those that begin then; and the same by value, nothing without a breakdown."""
    rows = relevant(world, document)
    whole = best_of(rows, document, world, begins)
    parts: dict[str | None, Best] = defaultdict(dict)
    breakdown = document.get("breakdown", {"attribution": None})
    if breakdown["attribution"] == "all_events":
        for value in {value_of(did, document, world) for did in rows}:
            alike = [did for did in rows if value_of(did, document, world) == value]
            parts[value] = best_of(alike, document, world, begins)
    elif breakdown["attribution"]:
        for subject, filled in whole.items():
            value = attributed(subject, rows, filled, document, world)
            if value is not None or not breakdown["attribution"].startswith("step:"):
                parts[value][subject] = filled
    return whole, parts


def in_order(part: dict[str, Any], size: Callable[[dict[str, Any]], int]) -> tuple[int, bool, str]:
    """The largest part first, then by the alphabet, nothing last."""
    return (-size(part), part["value"] is None, part["value"] or "")


class Fill(NamedTuple):
    """What a step of the attempt that counts is filled by: the moment, and the events of it that could."""

    second: int
    could: list[Did]
    turn: int
    """Which of them it takes: how many earlier steps of the same name were filled at that moment."""


Best = dict[str, list[Fill | None]]
"""By whom is counted, what fills the steps of the attempt that counts."""


def relevant(world: World, document: dict[str, Any]) -> list[Did]:
    """What can count: facts only where the document names them; under its `where`; of somebody to be counted."""
    named = {part["event"] for part in (*document["steps"], *document.get("exclusions", []))}
    known = [did for did in world.did if not did.is_fact or did.name in named]
    return [
        did
        for did in known
        if where_holds(document.get("where"), did, world) and subject_of(did, document, world) is not None
    ]


def subject_of(did: Did, document: dict[str, Any], world: World) -> str | None:
    kind, _, name = document.get("aggregate_by", "user").partition(":")
    return {
        "user": lambda: did.person,
        "account": lambda: world.account(did),
        "identity": lambda: did.identity,
        "event_property": lambda: text_of(did.properties.get(name)),
        "user_property": lambda: world.trait(did.person, name),
    }[kind]()


def value_of(did: Did, document: dict[str, Any], world: World) -> str | None:
    name = document["breakdown"]["property"]
    user = document["breakdown"].get("scope") == "user"
    return world.trait(did.person, name) if user else text_of(did.properties.get(name))


def could_fill(did: Did, part: dict[str, Any], world: World) -> bool:
    if did.is_fact if part["event"] is None else did.name != part["event"]:
        return False
    if part.get("first_time_for_user"):
        # Of everything that the person ever did, whatever is asked about.
        alike = [
            one.second
            for one in world.did
            if one.person == did.person and (not one.is_fact if part["event"] is None else one.name == part["event"])
        ]
        if did.second != min(alike):
            return False
    return where_holds(part.get("where"), did, world)


def best_of(
    rows: Sequence[Did], document: dict[str, Any], world: World, begins: Container[int | None] | None = None
) -> Best:
    """By whom is counted, the attempt that counts of those that begin then."""
    groups: dict[str, list[Did]] = defaultdict(list)
    for did in rows:
        groups[subject_of(did, document, world) or ""].append(did)
    found = {}
    for subject, group in groups.items():
        attempt = best_by_trying_all(asked(group, document, world), begins)
        if attempt:
            found[subject] = [fill(number, attempt, group, document, world) for number in range(len(attempt))]
    return found


def asked(group: Sequence[Did], document: dict[str, Any], world: World) -> Asked:
    def fitting(part: dict[str, Any]) -> set[int]:
        return {index for index, did in enumerate(group) if could_fill(did, part, world)}

    steps = document["steps"]
    return Asked(
        [did.second for did in group],
        [fitting(step) for step in steps],
        document["order"],
        document["window"] and document["window"]["value"],
        {number for number, step in enumerate(steps) if step.get("optional")},
        [step.get("window") and step["window"]["value"] for step in steps],
        [(fitting(part), part["from_step"], part["to_step"]) for part in document.get("exclusions", [])],
    )


def fill(number: int, attempt: Attempt, group: Sequence[Did], document: dict[str, Any], world: World) -> Fill | None:
    second, steps = attempt[number], document["steps"]
    if second is None:
        return None
    could = [did for did in group if did.second == second and could_fill(did, steps[number], world)]
    alike = [n for n in range(number) if attempt[n] == second and steps[n]["event"] == steps[number]["event"]]
    return Fill(second, sorted(could, key=lambda did: did.key), len(alike))


def attributed(
    subject: str, rows: Sequence[Did], filled: Sequence[Fill | None], document: dict[str, Any], world: World
) -> str | None:
    attribution = document["breakdown"]["attribution"]
    if attribution.startswith("step:"):
        number = int(attribution.removeprefix("step:"))
        there = filled[number] if len(filled) > number else None
        values = [value_of(did, document, world) for did in there.could] if there else []
        return min((value for value in values if value is not None), default=None)
    touches = []
    for did in rows:
        steps = [number for number, step in enumerate(document["steps"]) if could_fill(did, step, world)]
        value = value_of(did, document, world)
        if subject_of(did, document, world) == subject and steps and value is not None:
            first = attribution == "first_touch"
            touches.append((did.second, min(steps) if first else max(steps), value))
    if not touches:
        return None
    return min(touches)[2] if attribution == "first_touch" else max(touches)[2]


def steps_of(document: dict[str, Any], best: Best) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    base = 0
    for number, step in enumerate(document["steps"]):
        there = {who: filled for who, filled in best.items() if len(filled) > number and filled[number] is not None}
        # In any order it is one of the steps for itself, at no certain time, and measured from the first.
        is_loose = document["order"] == "unordered" and bool(step.get("optional"))
        before = 0 if is_loose else base
        is_timed = number and not is_loose
        taken = [second_at(filled, number) - second_at(filled, before) for filled in there.values()] if is_timed else []
        one = {
            "step": number,
            "event": None if document["order"] == "unordered" and not is_loose else step["event"],
            "users": len(there),
            "conversion_from_start": ratio(len(there), told[0]["users"] if told else len(there)),
            "conversion_from_previous": ratio(len(there), told[before]["users"]) if number else None,
            "average_conversion_seconds": mean(taken) if taken else None,
            "median_conversion_seconds": median(taken) if taken else None,
            "user_ids": sorted(there),
        }
        if step["event"] in PAID and document["order"] != "unordered":
            one["revenue"] = revenue(filled[number] for filled in there.values())
        told.append(one)
        base = base if step.get("optional") else number
    return told


def revenue(filled: Iterable[Fill | None]) -> list[dict[str, Any]]:
    total: dict[str, int] = defaultdict(int)
    for one in filled:
        if one is not None:
            did = one.could[one.turn]
            total[did.properties["currency"]] += did.amount
    return [{"currency": currency, "amount_minor": total[currency]} for currency in sorted(total)]


def second_at(filled: Sequence[Fill | None], number: int) -> int:
    there = filled[number]
    assert there is not None
    return there.second


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
