"""One customer's desk: the agenda of what happens when, and the diary of what did.

Agenda entries run in the order of their time; entries at or after the story's end never run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

from pipelines.demo.books import Books
from pipelines.demo.catalogue import Catalogue
from pipelines.demo.people import Person
from pipelines.demo.rates import Rates

Json = dict[str, Any]


class Agenda:
    """What is still to happen to one customer."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._entries: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, moment: int, action: Callable[..., None], *arguments: Any) -> None:
        """Call `action(moment, *arguments)` when that second comes."""
        if moment < self._end:
            self._count += 1
            heapq.heappush(self._entries, (moment, self._count, action, arguments))

    def run(self) -> None:
        """Live until the story's end."""
        while self._entries:
            moment, _, action, arguments = heapq.heappop(self._entries)
            action(moment, *arguments)


@dataclass
class Diary:
    """What truly happened to one customer. Money is minor units of the customer's currency.

    `milestones`: (second, event name, properties). `mrr`: (second, exact MRR from then on).
    `spans`: [from, to) seconds with access to the product.
    """

    person: Person
    milestones: list[tuple[int, str, Json]] = field(default_factory=list)
    mrr: list[tuple[int, Fraction]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Desk:
    """Everything that the dealings of one customer need."""

    books: Books
    catalogue: Catalogue
    rates: Rates
    person: Person
    rng: Random
    agenda: Agenda
    diary: Diary
    customer: Json
