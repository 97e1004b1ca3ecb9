"""A rule read word by word over a `World`: what the SQL of the product has to agree with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tests.segments.world import TOLD_AT, ZONE, World

OUTCOMES = {"click": "clicked", "open": "opened"}
_LENGTHS = {"h": "hours", "d": "days", "w": "weeks"}


def length(text: str) -> timedelta:
    return timedelta(**{_LENGTHS[text[-1]]: int(text[:-1])})


def holds(op: str, have: Any, want: Any) -> bool:
    """A comparison; a missing value equals nothing."""
    if op in ("ne", "not_in", "is_not_set"):
        return not holds({"ne": "eq", "not_in": "in", "is_not_set": "is_set"}[op], have, want)
    if op == "is_set":
        return have is not None and have != ""
    if have is None:
        return False
    return bool(
        {
            "eq": lambda: have == want,
            "in": lambda: have in want,
            "gt": lambda: have > want,
            "gte": lambda: have >= want,
            "lt": lambda: have < want,
            "lte": lambda: have <= want,
            "contains": lambda: want in have,
            "icontains": lambda: want.lower() in have.lower(),
            "regex": lambda: re.search(want, have) is not None,
        }[op]()
    )


class Reader:
    """Reads rules of one world at one moment (naive UTC)."""

    def __init__(self, world: World, at: datetime, *, looks_back: bool, segments: dict[str, Any] | None = None) -> None:
        self.world, self.at, self.looks_back, self.segments = world, at, looks_back, segments or {}

    def people(self) -> list[dict[str, Any]]:
        if not self.looks_back:
            return self.world.people
        return [
            {**one, **{name: self._then(one[name]) for name in ("first_seen_at", "customer_since")}}
            for one in self.world.people
            if one["first_seen_at"] is None or one["first_seen_at"] <= self.at
        ]

    def _then(self, moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= self.at else None

    def fitting(self, match: dict[str, Any]) -> list[str]:
        return [one["person_id"] for one in self.people() if self.fits(match, one)]

    def fits(self, match: dict[str, Any], one: dict[str, Any]) -> bool:
        ((kind, inner),) = match.items()
        who = one["person_id"]
        if kind in ("all", "any"):
            return {"all": all, "any": any}[kind](self.fits(part, one) for part in inner)
        if kind == "not":
            return not self.fits(inner, one)
        if kind == "segment":
            return self.fits(self.segments[inner], one)
        if kind == "trait":
            have = one[inner["field"]]
            return (
                self.time(inner, have) if isinstance(have, datetime) else holds(inner["op"], have, inner.get("value"))
            )
        if kind == "event":
            return self.happened(
                inner,
                [
                    row["at"]
                    for row in self.world.events
                    if row["person_id"] == who
                    and row["event"] == inner["name"]
                    and self.where(inner.get("where", []), row["properties"])
                ],
            )
        if kind == "email":
            wanted = OUTCOMES.get(inner["event"], inner["event"])
            return self.happened(
                inner,
                [
                    row["at"]
                    for row in self.world.mails
                    if row["person_id"] == who
                    and row["outcome"] == wanted
                    and not row["by_machine"]
                    and inner.get("campaign", "any") in ("any", row["campaign"])
                ],
            )
        if kind == "campaign":
            return any(self.received(inner, row) for row in self.world.recipients if row["person_id"] == who)
        if kind == "percent":
            place = int(hashlib.sha256(f"{inner['salt']}|{who}".encode()).hexdigest()[:15], 16) % 1_000_000 / 10_000
            return bool(inner.get("from", 0) <= place < inner.get("to", inner.get("of")))
        return self.scored(inner, who)

    def time(self, rule: dict[str, Any], have: datetime) -> bool:
        op: str = rule["op"]
        if op in ("is_set", "is_not_set"):
            return op == "is_set"
        value: str = rule["value"]
        if value.endswith(" ago"):
            return holds(op, have, self.at - length(value[:-4]))
        if value.startswith("in "):
            return holds(op, have, self.at + length(value[3:]))
        return holds(op, self.day(have), date.fromisoformat(value))

    def day(self, moment: datetime) -> date:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(ZONE)).date()

    def happened(self, rule: dict[str, Any], times: list[datetime]) -> bool:
        times = [at for at in times if at <= self.at]
        if rule.get("which"):
            times = [{"first": min, "last": max}[rule["which"]](times)] if times else []
            return any(self.inside(rule, at) for at in times)
        count = rule.get("count", {"op": "gte", "value": 1})
        return holds(count["op"], sum(self.inside(rule, at) for at in times), count["value"])

    def inside(self, rule: dict[str, Any], at: datetime) -> bool:
        tests: list[tuple[str, Callable[[str], bool]]] = [
            ("within", lambda value: at > self.at - length(value)),
            ("from", lambda value: self.time({"op": "gte", "value": value}, at)),
            ("after", lambda value: self.time({"op": "gt", "value": value}, at)),
            ("to", lambda value: self.time({"op": "lte", "value": value}, at)),
            ("before", lambda value: self.time({"op": "lt", "value": value}, at)),
        ]
        return all(test(rule[name]) for name, test in tests if name in rule)

    def where(self, nodes: list[Any] | dict[str, Any], properties: dict[str, Any]) -> bool:
        if isinstance(nodes, dict):
            nodes = [nodes]
        return all(self.node(node, properties) for node in nodes)

    def node(self, node: dict[str, Any], properties: dict[str, Any]) -> bool:
        for word, every in (("and", all), ("or", any)):
            if word in node:
                return every(self.node(part, properties) for part in node[word])
        op, value, have = node["op"], node.get("value"), properties.get(node["property"])
        text = (
            None
            if have is None
            else {True: "true", False: "false"}.get(have, str(have))
            if isinstance(have, bool)
            else str(have)
        )
        if op in ("is_set", "is_not_set"):
            return bool((text is not None) == (op == "is_set"))
        sample = value[0] if isinstance(value, list) else value
        if isinstance(sample, str) or text is None:
            return holds(op, text, value)
        try:
            return holds(op, float(text), value)
        except ValueError:
            return op in ("ne", "not_in")

    def received(self, rule: dict[str, Any], row: dict[str, Any]) -> bool:
        if row["planned_at"] > self.at or rule["name"] not in ("any", row["campaign"]):
            return False
        if "variant" in rule and row["variant"] != rule["variant"]:
            return False
        states = rule.get("state")
        if states is None:
            return True
        return any(self.in_state(state, row) for state in (states if isinstance(states, list) else [states]))

    def in_state(self, state: str, row: dict[str, Any]) -> bool:
        if state == "deferred":
            return any(
                mail["recipient_id"] == row["recipient_id"] and mail["outcome"] == "deferred" and mail["at"] <= self.at
                for mail in self.world.mails
            )
        if state in TOLD_AT:
            names = ("opened", "clicked") if state == "opened" else (state,)
            return any(self._then(row[TOLD_AT[name]]) for name in names)
        is_done = row["done_at"] is not None and row["done_at"] <= self.at
        return (row["state"] if is_done or not self.looks_back else "planned") == state

    def scored(self, rule: dict[str, Any], who: str) -> bool:
        since = self.at - length(rule.get("within", "999w"))
        paid: dict[str, list[dict[str, Any]]] = {}
        for row in self.world.payments:
            if row["person_id"] and since < row["at"] <= self.at:
                paid.setdefault(row["person_id"], []).append(row)
        charged = {name: [row["at"] for row in rows if row["kind"] == "charge"] for name, rows in paid.items()}
        charged = {name: times for name, times in charged.items() if times}
        money = {
            name: sum(row["amount"] for row in paid[name] if row["currency"] == rule["currency"])
            for name in charged
            if any(row["currency"] == rule.get("currency") for row in paid[name])
        }
        measures: dict[str, dict[str, float]] = {
            "recency": {name: max(times).timestamp() for name, times in charged.items()},
            "frequency": {name: len(times) for name, times in charged.items()},
            "monetary": money,
        }
        return all(
            holds(rule[measure]["op"], _fifth(values, who), rule[measure]["value"])
            for measure, values in measures.items()
            if measure in rule
        )


def _fifth(values: dict[str, float], who: str) -> int | None:
    """By numpy: how many of the sorted values lie below somebody's own."""
    if who not in values:
        return None
    below = np.searchsorted(np.sort(np.array(list(values.values()))), values[who], side="left")
    return 1 + int(5 * below / len(values))
