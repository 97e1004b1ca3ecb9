"""Which lists a full listing and a daily one ask for, and what of them is left after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import orjson

from pipelines.stripe.catalogue import EVENT, KINDS
from pipelines.stripe.listing import Listed, Span

Purpose = Literal["full", "daily"]
BEHIND = timedelta(seconds=30)
"""We stay this far behind now with events: they become visible some time after their timestamp."""


@dataclass
class Plan:
    """A listing that was begun (in seconds): its lists, and the spans of them that are still to be read."""

    purpose: Purpose
    began: int
    lists: dict[str, Listed]
    open: list[Span] = field(default_factory=list)
    count: int = 0

    def document(self, spans: list[Span]) -> str:
        """What a checkpoint keeps of it."""
        left = [[span.name, span.low, span.high] for span in spans]
        return orjson.dumps({"purpose": self.purpose, "began": self.began, "open": left, "count": self.count}).decode()


def new_plan(purpose: Purpose, began: int) -> Plan:
    """A listing that begins now."""
    if purpose == "full":
        lists = _full()
        spans = [Span(name, None, began) for name in lists]
        spans = [
            Span(EVENT.name, None, began - int(BEHIND.total_seconds())) if span.name == EVENT.name else span
            for span in spans
        ]
    else:
        lists, spans = _daily(began)
    return Plan(purpose, began, lists, spans)


def resumed(document: str | None) -> Plan | None:
    """The listing that a checkpoint tells of; None where there is none, or one that another version began."""
    if document is None:
        return None
    told = orjson.loads(document)
    plan = new_plan(told["purpose"], told["began"])
    plan.open = [Span(name, low, high) for name, low, high in told["open"]]
    plan.count = told["count"]
    return plan if all(span.name in plan.lists for span in plan.open) else None


def _full() -> dict[str, Listed]:
    """Everything. What was read is compared with what is stored only where something can be deleted."""
    lists = {kind.name: Listed(kind, known="true" if kind.may_go else None) for kind in KINDS}
    subscription = lists["subscription"].kind
    # `status=all` leaves out those of deleted customers.
    lists["subscription canceled"] = Listed(subscription, {"status": "canceled"})
    return lists | {EVENT.name: Listed(EVENT)}


def _daily(began: int) -> tuple[dict[str, Listed], list[Span]]:
    lists: dict[str, Listed] = {}
    spans: list[Span] = []

    def add(name: str, listed: Listed, low: int | None, high: int = began) -> None:
        lists[name] = listed
        spans.append(Span(name, low, high))

    for kind in KINDS:
        for daily in kind.daily:
            name = " ".join([kind.name, *daily.parameters.values()])
            add(name, Listed(kind, daily.parameters, daily.known), None)
        if kind.lookback is not None:
            known = "true" if kind.may_go else None
            add(f"{kind.name} of late", Listed(kind, known=known), began - int(kind.lookback.total_seconds()))
        if kind.weekly is not None:
            part = int(kind.weekly.total_seconds()) // 7
            low = began - part * (1 + began // 86_400 % 7)
            add(f"{kind.name} of a while", Listed(kind), low, low + part)
    return lists, spans
