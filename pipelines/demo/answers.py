"""The fake Stripe's answers: which bytes a GET of a path gets. No HTTP in here, and no faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from pipelines.demo.clock import DAY
from pipelines.demo.expansion import expand, paths_of
from pipelines.demo.kinds import INSIDE, KINDS, LINES, KindSpec
from pipelines.demo.knobs import Knobs
from pipelines.demo.list_pages import Parameters, check_names, page_of, parameters, part_of
from pipelines.demo.object_store import Row, Shelf, Store
from pipelines.demo.refusals import Refusal, invalid, missing

Json = dict[str, Any]

ACCOUNT: Json = {
    "id": "acct_1NorthwindDemo0", "object": "account", "business_type": "company", "charges_enabled": True,
    "country": "US", "created": 1_600_000_000, "default_currency": "usd", "details_submitted": True,
    "email": "owner@example.com", "metadata": {}, "payouts_enabled": True, "type": "standard",
}  # fmt: skip
ENDED = ("canceled", "incomplete_expired")


class Answers:
    """Answers about one data folder."""

    def __init__(self, store: Store, knobs: Knobs) -> None:
        self._store, self._knobs = store, knobs

    def get(self, path: str, query: str) -> bytes:
        """The body for `GET /v1/<path>?<query>`; refuses as Stripe does."""
        given = parameters(query)
        if path == "account":
            return orjson.dumps(ACCOUNT)
        if path in KINDS and path not in INSIDE:
            return self._list(path, given)
        kind, _, rest = path.partition("/") if not path.startswith("checkout/") else _checkout(path)
        if kind in KINDS and kind not in INSIDE and rest:
            identity, _, below = rest.partition("/")
            if not below:
                return self._one(kind, identity, given)
            if kind in LINES and below == "lines":
                return self._lines(kind, identity, given)
        raise Refusal(404, f"Unrecognized request URL (GET: /v1/{path}).")

    def _one(self, kind: str, identity: str, given: Parameters) -> bytes:
        if unknown := given.keys() - {"expand"}:
            name = min(unknown)
            raise invalid(f"Received unknown parameter: {name}", name, code="parameter_unknown")
        spec = KINDS[kind]
        if kind == "subscription_items":
            found = self._store.item(identity)
        else:
            row = self._store.shelf(kind).by_id.get(identity)
            found = self._store.load(kind, identity) if row is not None and self._visible(kind)(row) else None
        if found is None or (found.get("deleted") and kind != "customers"):
            raise missing(spec.singular, identity)
        return orjson.dumps(expand(self._store, kind, found, paths_of(given.get("expand"), False)))

    def _list(self, kind: str, given: Parameters) -> bytes:
        spec = KINDS[kind]
        check_names(given, spec)
        if kind == "subscription_items":
            return self._items(given)
        shelf = self._store.shelf(kind)
        visible, own = self._visible(kind), self._own_rules(kind, shelf, given)
        rows, more = page_of(shelf, spec, given, lambda row: visible(row) and own(row))
        return _page(f"/v1/{kind}", self._bodies(kind, spec, rows, given), more)

    def _bodies(self, kind: str, spec: KindSpec, rows: list[Row], given: Parameters) -> list[bytes]:
        paths = paths_of(given.get("expand"), True)
        return [
            orjson.dumps(expand(self._store, kind, orjson.loads(row.line), paths)) if paths or row.covered else row.line
            for row in rows
        ]

    def _items(self, given: Parameters) -> bytes:
        owner = given["subscription"]
        if self._store.load("subscriptions", owner) is None:
            raise missing("subscription", owner, param="subscription")
        items, more = part_of(self._store.items_of(owner), given, "subscription_item")
        paths = paths_of(given.get("expand"), True)
        bodies = [orjson.dumps(expand(self._store, "subscription_items", item, paths)) for item in items]
        return _page("/v1/subscription_items", bodies, more)

    def _lines(self, kind: str, identity: str, given: Parameters) -> bytes:
        owner = self._store.load(kind, identity)
        if owner is None or owner.get("deleted"):
            raise missing(KINDS[kind].singular, identity)
        lines, more = part_of(self._store.lines_of(kind, owner), given, "line item")
        paths = paths_of(given.get("expand"), True)
        bodies = [orjson.dumps(expand(self._store, LINES[kind], line, paths)) for line in lines]
        return _page(f"/v1/{kind}/{identity}/lines", bodies, more)

    def _visible(self, kind: str) -> Callable[[Row], bool]:
        """Whether an object can be seen yet, and an event still."""
        now, days = self._knobs.now(), self._knobs.event_retention_days
        lag = self._knobs.visibility_lag
        if kind == "events" and self._knobs.event_lag is not None:
            lag = self._knobs.event_lag
        latest = now - lag if lag else None
        oldest = now - days * DAY if kind == "events" and days is not None else None
        return lambda row: (latest is None or row.created <= latest) and (oldest is None or row.created >= oldest)

    def _own_rules(self, kind: str, shelf: Shelf, given: Parameters) -> Callable[[Row], bool]:
        """The rules that only one kind has."""
        if kind == "subscriptions":
            return _status_rule(shelf, given.get("status"), "test_clock" in given)
        if kind == "customers" and "test_clock" not in given:
            return lambda row: shelf.facet(row, "test_clock") is None
        if kind == "events":
            return _type_rule(shelf, given)
        if kind == "products" and "ids" in given:
            return lambda row: row.id in given["ids"]
        if kind == "invoiceitems" and "pending" in given:
            return lambda row: (shelf.facet(row, "invoice") is None) == (given["pending"] == "true")
        return lambda row: True


def _status_rule(shelf: Shelf, status: str | None, clocked: bool) -> Callable[[Row], bool]:
    """Canceled subscriptions stay out unless they are asked for, and test clocks' always do."""

    def fits(row: Row) -> bool:
        own = shelf.facet(row, "status")
        if not clocked and shelf.facet(row, "test_clock") is not None:
            return False
        if status is None:
            return bool(own != "canceled")
        return status == "all" or (own in ENDED if status == "ended" else own == status)

    return fits


def _type_rule(shelf: Shelf, given: Parameters) -> Callable[[Row], bool]:
    types, one = given.get("types"), given.get("type")
    if isinstance(types, list) and len(types) > 20:
        raise invalid("You may pass at most 20 event types.", "types")
    if types is not None and one is not None:
        raise invalid("You may only specify one of these parameters: type, types.", "type")

    def fits(row: Row) -> bool:
        kind = shelf.facet(row, "type")
        if types is not None:
            return kind in types
        if one is None or one == "*":
            return True
        return bool(kind.startswith(one[:-1])) if one.endswith("*") else bool(kind == one)

    return fits


def _checkout(path: str) -> tuple[str, str, str]:
    return "checkout/sessions", "/", path.removeprefix("checkout/sessions").lstrip("/")


def _page(url: str, bodies: list[bytes], more: bool) -> bytes:
    """A list object around raw members, which need no parsing on their way."""
    head = b'{"object":"list","url":' + orjson.dumps(url) + b',"has_more":' + (b"true" if more else b"false")
    return head + b',"data":[' + b",".join(bodies) + b"]}"
