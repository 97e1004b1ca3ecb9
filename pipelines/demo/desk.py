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
from pipelines.demo.coupons import Offers
from pipelines.demo.mailing import Mailing, Mailings
from pipelines.demo.outage import Outage
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
    """What truly happened to one customer (or guest, who has no id). Money is minor units of their currency.

    `milestones`: (second, event name, properties). `mrr`: (second, exact MRR from then on).
    `spans`: [from, to) seconds with access to the product. `paid`: when an invoice of theirs was paid.
    `by_mail`: those of them that paid for what a mail had offered.
    `clicked`: a second, and the campaign whose link was clicked in it.
    """

    person: Person
    customer_id: str = ""
    milestones: list[tuple[int, str, Json]] = field(default_factory=list)
    mrr: list[tuple[int, Fraction]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    paid: list[int] = field(default_factory=list)
    by_mail: list[int] = field(default_factory=list)
    clicked: list[tuple[int, Mailing]] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """What is the same for everybody."""

    seed: int
    start: int
    books: Books
    catalogue: Catalogue
    offers: Offers
    rates: Rates
    outage: Outage
    mailings: Mailings


@dataclass
class Desk:
    """Everything that the dealings of one customer need. `consent`: the record of their consent to mail, if any."""

    world: World
    person: Person
    rng: Random
    agenda: Agenda
    diary: Diary
    customer: Json
    consent: Json | None = None

    @property
    def books(self) -> Books:
        """Stripe's objects."""
        return self.world.books

    @property
    def catalogue(self) -> Catalogue:
        """What is sold."""
        return self.world.catalogue

    @property
    def rates(self) -> Rates:
        """Exchange rates."""
        return self.world.rates
