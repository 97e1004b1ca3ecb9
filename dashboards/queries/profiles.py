"""Why profiles differ on one day, as `revenue compare` answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.queries.cache import per_snapshot
from pipelines.people import people, persons_of
from pipelines.revenue import CAUSES, DEFAULT_PROFILE, Question, compare
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Apart:
    """One customer's difference for one cause; `person_id` is None where only Stripe's id is known."""

    customer_id: str
    person_id: str | None
    name: str | None
    cause: str
    difference_minor: int


@dataclass(frozen=True)
class Pair:
    """A profile against the default one: both totals, what each cause does, and to whom; minor units of `currency`."""

    profile: str
    currency: str
    from_minor: int
    to_minor: int
    causes: dict[str, int]
    customers: list[Apart]


@dataclass(frozen=True)
class Compared:
    """The default profile's pairs with all others, with what was left out."""

    pairs: list[Pair]
    unconverted: list[str]


@per_snapshot
def compared(snapshot: Snapshot, *, day: date, currency: str, timezone: str) -> Compared:
    """The answer of `revenue compare` for the end of `day`."""
    answer = compare(snapshot, Question(date_from=day, date_to=day, by="day", currency=currency, timezone=timezone))
    rows, totals, unconverted = answer["rows"], answer["totals"], answer["unconverted"]
    assert isinstance(rows, list)
    assert isinstance(totals, list)
    assert isinstance(unconverted, list)
    mrr = {row["profile"]: int(row["mrr_minor"]) for row in totals}
    persons = persons_of(snapshot, (row["customer"] for row in rows))
    names = {row["person_id"]: row["name"] for row in people(snapshot, sorted(set(persons.values())))}
    pairs = []
    for profile in [name for name in mrr if name != DEFAULT_PROFILE]:
        own = [row for row in rows if row["profile_b"] == profile]
        sums = {cause: sum(row["difference_minor"] for row in own if row["cause"] == cause) for cause in CAUSES}
        behind = [
            Apart(
                customer_id=row["customer"],
                person_id=(person := persons.get(row["customer"])),
                name=names.get(person) if person else None,
                cause=row["cause"],
                difference_minor=row["difference_minor"],
            )
            for row in own
        ]
        behind.sort(key=lambda one: (-abs(one.difference_minor), one.cause, one.customer_id))
        there = {cause: minor for cause, minor in sums.items() if any(one.cause == cause for one in behind)}
        pairs.append(Pair(profile, currency, mrr[DEFAULT_PROFILE], mrr[profile], there, behind))
    return Compared(pairs, unconverted)
