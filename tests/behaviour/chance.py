"""Random logs and questions by a seed: a failure names the seed, and the same seed makes the same again.

Drawn with `random` and not by strategies: a hundred questions over a hundred logs cost what ten did.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from tests.behaviour.brute_force import Logged, Span, Wanted
from tests.behaviour.reference import MAILS, PAID, Did, World


class Question(NamedTuple):
    steps: list[Wanted]
    window: int | None
    order: str
    spans: list[Span]


def some_log(random: Random) -> list[Logged]:
    """Up to eight events of four names in seven seconds, or in three with many at the same instant."""
    seconds = random.choice((3, 7, 7))
    return [
        Logged(random.randrange(seconds), random.choice("ABCX"), random.choice(("red", "blue")))
        for _ in range(random.randrange(9))
    ]


def some_question(random: Random, orders: tuple[str, ...] = ("ordered", "ordered", "strict", "unordered")) -> Question:
    """Steps, window and order; with every second question exclusions, optional steps or windows of steps."""
    if random.random() < 0.5:
        steps = [some_wanted(random, ("A", "B", None)) for _ in range(random.randint(2, 4))]
    else:
        steps = [some_wanted(random, (name,)) for name in random.sample("ABC", 3)]
    order = random.choice(orders)
    if order != "unordered" and random.random() < 0.5:
        steps[1:] = [step._replace(wait=random.choice((None, 1, 1, 2, 3))) for step in steps[1:]]
    names = [step.name for step in steps]
    if (order != "unordered" or sorted(map(str, names)) == ["A", "B", "C"]) and random.random() < 0.5:
        steps[1:] = [step._replace(optional=random.random() < 0.5) for step in steps[1:]]
    spans: list[Span] = []
    if random.random() < 0.5:
        ends = [number for number, step in enumerate(steps) if not step.optional]
        pairs = some_pairs(random, ends if order != "unordered" else [0, len(steps) - 1])
        spans = [(some_wanted(random, ("B", "C", "X", None)), *pair) for pair in pairs]
    return Question(steps, some_window(random), order, spans)


def some_wanted(random: Random, names: tuple[str | None, ...]) -> Wanted:
    return Wanted(random.choice(names), random.choice(("red", None)))


def some_window(random: Random) -> int | None:
    return random.choice((None, 1, 2, 3, 4, 5, 6))


def some_pairs(random: Random, ends: list[int]) -> list[tuple[int, int]]:
    """One or two spans between steps; none where there are no two ends."""
    pairs = [(first, last) for first in ends for last in ends if first < last]
    return [random.choice(pairs) for _ in range(random.randint(1, 2))] if pairs else []


VALUES = ("red", "Red", "blue", "5", 5, 7.5, True, "", None)


def some_world(random: Random, people: int) -> World:
    """People with events, properties told by `identify`, facts, and rows in `dim_customers`."""
    did: list[Did] = []
    seconds = random.choice((2, 3, 7))
    for person in range(people):
        for _ in range(random.randrange(9)):
            second, name = (
                random.randrange(seconds),
                random.choice(("A", "A", "B", "B", "C", "identify", "group", *PAID, *MAILS)),
            )
            properties: dict[str, Any] = {}
            if name == "identify":
                properties = {"plan": random.choice(("pro", "free", 5, None))} if random.random() < 0.7 else {}
            elif name == "group":
                properties = {"groupId": random.choice(("acme", "acme", "globex", "", None))}
            elif name in PAID:
                properties = {"currency": random.choice(("EUR", "USD")), "customer_id": random.choice(("c1", "c2"))}
            elif name in MAILS:
                properties = {"campaign": random.choice(("spring", "autumn"))}
            else:
                properties = {"session": random.choice(("s1", "s2", "s3", None)), "colour": random.choice(VALUES)}
                properties = {key: properties[key] for key in properties if random.random() < 0.9}
            sign = -1 if name == "stripe:refund" else 1
            amount = sign * random.randrange(1, 99) if name in PAID else 0
            own = random.choice(("acme", "initech", "")) if random.random() < 0.1 else None
            did.append(Did(str(person), second, name, properties, f"{len(did):04}", amount, own))
    customers = {
        str(person): {"plan": random.choice(("pro", "gold", None)), "country": random.choice(("DE", "FR", None))}
        for person in range(people)
        if random.random() < 0.7
    }
    return World(did, customers)


def some_document(random: Random) -> dict[str, Any]:
    """A query document over such a world, with any of its features."""
    order = random.choice(("ordered", "ordered", "ordered", "strict", "unordered"))
    facts = (*PAID, "email:click") if random.random() < 0.4 else ()
    names = [random.choice(("A", "B", "C", None, *facts)) for _ in range(random.randint(2, 3))]
    if random.random() < 0.5:
        names = random.sample(("A", "B", "C", *facts), len(names))
    elif facts and random.random() < 0.5:
        names[:2] = [random.choice(PAID)] * 2
    steps = [{"event": name, "where": some_where(random)} for name in names]
    for number, step in enumerate(steps):
        if random.random() < 0.15:
            step["first_time_for_user"] = True
        is_alone = None not in names and names.count(step["event"]) == 1
        if number and (order != "unordered" or is_alone) and random.random() < 0.15:
            step["optional"] = True
        if number and order != "unordered" and random.random() < 0.15:
            step["window"] = {"value": random.randint(1, 6), "unit": "second"}
    window = some_window(random)
    document: dict[str, Any] = {
        "steps": steps,
        "order": order,
        "window": None if window is None else {"value": window, "unit": "second"},
        "where": some_where(random) if random.random() < 0.3 else [],
    }
    if random.random() < 0.25:
        ends = [number for number, step in enumerate(steps) if not step.get("optional")]
        pairs = some_pairs(random, ends if order != "unordered" else [0, len(steps) - 1])
        document["exclusions"] = [
            {
                "event": random.choice(("B", "C", *facts)),
                "where": some_where(random),
                "from_step": first,
                "to_step": last,
            }
            for first, last in pairs
        ]
    by = ["user", "user", "user", "account", "account", "event_property:session", "user_property:plan"]
    asks_facts = any(part["event"] in (*PAID, *MAILS) for part in (*steps, *document.get("exclusions", [])))
    document["aggregate_by"] = random.choice(by if asks_facts else [*by, "identity"])
    if random.random() < 0.5:
        places = [] if order == "unordered" else [f"step:{number}" for number in range(len(steps))]
        document["breakdown"] = {
            "attribution": random.choice(("first_touch", "last_touch", "all_events", *places)),
            **random.choice(
                (
                    {"property": "colour"},
                    {"property": "plan", "scope": "user"},
                    {"property": "country", "scope": "user"},
                )
            ),
        }
    return document


def some_part_of_it(random: Random, kind: str) -> dict[str, Any]:
    """A document about time: the part of a funnel that a trend or times to convert look at."""
    document = some_document(random) | {"kind": kind}
    steps, order = document["steps"], document["order"]
    ends = [
        n for n, step in enumerate(steps) if kind == "funnel_trends" or order != "unordered" or "optional" not in step
    ]
    if len(ends) < 2:
        return some_part_of_it(random, kind)
    document["from_step"], document["to_step"] = sorted(random.sample(ends, 2))
    if kind == "funnel_time_to_convert":
        return document | ({"bin_count": random.randint(1, 4)} if random.random() < 0.5 else {})
    return document | {"interval": "day", "date_from": "2026-03-01", "date_to": "2026-03-04"}


def some_where(random: Random, depth: int = 2) -> Any:
    """No condition, a few that all hold, or some nested by and/or."""
    if random.random() < 0.6:
        return []
    if depth and random.random() < 0.4:
        word = random.choice(("and", "or"))
        return {word: [some_node(random, depth) for _ in range(random.randint(1, 2))]}
    return [some_node(random, depth) for _ in range(random.randint(1, 2))]


def some_node(random: Random, depth: int) -> dict[str, Any]:
    if depth and random.random() < 0.3:
        return {random.choice(("and", "or")): [some_node(random, depth - 1) for _ in range(random.randint(1, 2))]}
    place: dict[str, Any] = {"property": random.choice(("colour", "colour", "session", "customer_id", "campaign"))}
    if random.random() < 0.25:
        place = {"property": random.choice(("plan", "country")), "scope": "user"}
    op = random.choice(
        ("eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "contains", "icontains", "regex", "is_set", "is_not_set")
    )
    known = ("red", "blue", "5", 5, 7.5, True, "pro", "DE", "c1", "spring")
    if op in ("is_set", "is_not_set"):
        return {**place, "op": op}
    if op in ("in", "not_in"):
        return {**place, "op": op, "value": random.sample(known, 3)}
    if op in ("gt", "gte", "lt", "lte"):
        return {**place, "op": op, "value": random.choice((5, 6, "blue", "pro"))}
    if op in ("contains", "icontains"):
        return {**place, "op": op, "value": random.choice(("re", "RE", "", "o"))}
    if op == "regex":
        return {**place, "op": op, "value": random.choice(("^r", "e$", "[0-9]", "."))}
    return {**place, "op": op, "value": random.choice(known)}
