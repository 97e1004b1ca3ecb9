"""Fetch changed objects again, many at once, each with the lists that belong to it.

An object that Stripe no longer has (404) becomes a tombstone, unless it is so new that it may only
not be visible yet: then it is left to the next run, which reads the same events again. The result
does not depend on the order in which the answers come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from pipelines.stripe.catalogue import BY_NAME, Kind
from pipelines.stripe.client import CursorGoneError, Page, Parameters, StripeApi
from pipelines.stripe.payout_members import members_of_payout
from pipelines.stripe.signals import Key, Signal

Thing = dict[str, Any]
AGAIN = 5
"""Times that a list is begun anew because the object at its next page's edge was deleted."""
BATCH = 500
"""Objects fetched before their answers are landed."""


@dataclass
class Fetched:
    """What came of some changed objects."""

    bodies: list[bytes] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    """What the bodies show."""
    too_new: set[Key] = field(default_factory=set)
    """Not found, and so new that the next run is to look again."""
    named: dict[Key, Key] = field(default_factory=dict)
    """Objects that change with these, and which of these named them."""

    def add(self, other: Fetched) -> None:
        """Put another one's findings to these."""
        self.bodies += other.bodies
        self.keys |= other.keys
        self.too_new |= other.too_new
        self.named |= other.named


def fetch_again(
    api: StripeApi, pool: Executor, changed: dict[Key, Signal], *, known: Collection[Key], young: int
) -> Iterable[Fetched]:
    """The changed objects as Stripe has them now, in batches; not those that are `known` to be as new.

    An object without a deletion event that no one finds is too new if its newest event is not before `young`.
    """
    done = set(known)
    named: dict[Key, Key] = {}
    # Owners first: their lists show others of the changed objects.
    owners = {key: signal for key, signal in changed.items() if BY_NAME[key[0]].beside}
    rest = {key: signal for key, signal in changed.items() if key not in owners}
    for group in (owners, rest, named):
        wanted = _spread(key for key in group if key not in done)
        for begin in range(0, len(wanted), BATCH):
            batch = Fetched()
            keys = [key for key in wanted[begin : begin + BATCH] if key not in done]
            signals = [changed.get(key, Signal(at=young)) for key in keys]
            for one in pool.map(lambda key, signal: _fetch(api, key, signal, young), keys, signals):
                batch.add(one)
            done |= batch.keys
            named |= batch.named
            # Whoever named what is not visible yet is to name it again.
            batch.too_new = {named.get(key, key) for key in batch.too_new}
            yield batch


def _spread(keys: Iterable[Key]) -> list[Key]:
    """Kinds by turns, so that no endpoint's limit holds up the others."""
    by_kind: dict[str, list[Key]] = {}
    for key in sorted(keys):
        by_kind.setdefault(key[0], []).append(key)
    places = [(number, key) for keys in by_kind.values() for number, key in enumerate(keys)]
    return [key for _, key in sorted(places)]


def _fetch(api: StripeApi, key: Key, signal: Signal, young: int) -> Fetched:
    kind = BY_NAME[key[0]]
    expand: Parameters = {"expand": list(kind.expand)} if kind.expand else {}
    answer = api.get(f"{kind.path}/{in_path(key[1])}", **expand)
    if answer is None:
        if signal.at >= young and not signal.is_deletion:
            return Fetched(too_new={key})
        return Fetched([tombstone(key, signal.at)], keys={key})
    found = Fetched([answer.body], keys={key})
    found.bodies += rest_of_children(api, answer.document)
    _note_named(found, key, kind, answer.document)
    for beside in kind.beside:
        if beside.when(answer.document):
            for page in whole_list(api, beside.path, {beside.parameter: key[1]}):
                found.bodies.append(page.body)
                for thing in page.objects:
                    found.keys.add((str(thing.get("object")), str(thing.get("id"))))
                    if (other := BY_NAME.get(str(thing.get("object")))) is not None:
                        _note_named(found, key, other, thing)
    return found


def _note_named(found: Fetched, key: Key, kind: Kind, thing: Thing) -> None:
    named = (thing.get(name) for name in kind.names)
    found.named |= {("balance_transaction", identity): key for identity in named if isinstance(identity, str)}


def tombstone(key: Key, at: int) -> bytes:
    """What is landed for an object that Stripe no longer has; its last payload stays in the warehouse."""
    return orjson.dumps({"id": key[1], "object": key[0], "deleted": True, "deleted_at": at})


def rest_of_children(api: StripeApi, thing: Thing) -> list[bytes]:
    """Pages of lines and items that do not fit into their object (Stripe puts in ten), and a payout's entries."""
    if thing.get("object") == "payout":
        return members_of_payout(api, thing)
    kind = BY_NAME.get(str(thing.get("object")))
    children = kind.children if kind else None
    inside = thing.get(children.field) if children else None
    if not (children and isinstance(inside, dict) and inside.get("has_more")):
        return []
    given: Parameters = {children.parameter: thing["id"]} if children.parameter else {}
    return [page.body for page in whole_list(api, children.path.format(in_path(thing["id"])), given)]


def whole_list(api: StripeApi, path: str, given: Parameters) -> list[Page]:
    """Every page of an object's own list, from one reading without a gap; none where the object is gone."""
    for attempt in range(AGAIN):
        try:
            return list(api.pages(path, given, may_be_gone=True))
        except CursorGoneError:
            if attempt == AGAIN - 1:
                raise
    raise AssertionError("unreachable")


def in_path(identifier: object) -> str:
    """An id as a part of a path: a coupon may be called SUMMER#1 or A/B."""
    return quote(str(identifier), safe="")
