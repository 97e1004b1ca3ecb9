"""How many of a segment may be mailed: one person per address, with the reason where there is one.

The campaign's audience is made of the same answer, so what a page promises is what will be planned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import tee
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Engine

from pipelines.privacy import MARKETING, Address, Candidate, Policy, Reason, parse_address, reasons
from pipelines.segments.ask import best_first, people_count
from pipelines.segments.document import SegmentDocument
from pipelines.segments.store import lookup_of
from pipelines.state import reading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipelines.warehouse import Snapshot

NEEDED = ("person_id", "email", "payments_count")
"""The traits that `addressed` looks at."""


class Addressed(NamedTuple):
    """One person, where their mail would go, and why it may not."""

    person: dict[str, Any]
    address: Address | None
    reason: Reason | None


def best_ones_first(people: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A few people in the order of `best_first`."""
    return sorted(people, key=lambda person: (-(person["payments_count"] or 0), person["person_id"]))


def addressed(
    connection: Connection, people: Iterable[dict[str, Any]], policy: Policy, purpose: str = MARKETING
) -> Iterator[Addressed]:
    """One of each address: of several people with one the first is addressed, so ask with the `best_first`."""
    read, asked = tee(people)
    candidates = (Candidate(person["email"], pays=(person["payments_count"] or 0) > 0) for person in asked)
    taken: set[bytes] = set()  # Half the size of the keys in hex, of which there may be a million.
    for person, reason in zip(read, reasons(connection, candidates, policy, purpose), strict=True):
        address = None if reason in ("no_address", "invalid_address") else parse_address(str(person["email"]))
        if address is not None:
            key = bytes.fromhex(address.key)
            if key in taken:
                continue
            taken.add(key)
        yield Addressed(person, address, reason)


def reach(
    engine: Engine,
    snapshot: Snapshot,
    document: SegmentDocument,
    policy: Policy,
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    rows: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """`people` that there are, how many addresses of the segment are `mailable`, and why the others are not.

    `not_mailable` counts people by reason; `same_address` are those whose mail another one gets. Who has asked for the
    members with `NEEDED` already gives them as `rows`.
    """
    if rows is None:
        lookup = lookup_of(engine)
        rows = list(best_first(snapshot, document, NEEDED, as_of, timezone=timezone, lookup=lookup))
    else:
        rows = best_ones_first(rows)
    with reading(engine) as connection:
        found = list(addressed(connection, rows, policy))
    why = Counter(one.reason for one in found if one.reason)
    shared = {"same_address": len(rows) - len(found)} if len(rows) > len(found) else {}
    return {
        "people": people_count(snapshot, as_of, timezone=timezone),
        "mailable": sum(one.reason is None for one in found),
        "not_mailable": dict(sorted(why.items())) | shared,
    }
