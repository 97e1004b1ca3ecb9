"""The fake Stripe's shelf: raw lines of the data files and a small index over them.

Each file is read when its kind is first asked for, and again when it has changed, so tests may append
to a file (the later line of an id counts) while the server runs. Objects stay bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipelines.demo.kinds import KINDS, LINES, PREFIXES, KindSpec

Json = dict[str, Any]


@dataclass(slots=True)
class Row:
    """One object: when it was made, its id, its line, what filters need, and whether it has hidden parts."""

    created: int
    id: str
    line: bytes
    facets: tuple[Any, ...]
    covered: bool
    deleted: bool


class Shelf:
    """All objects of one kind. `rows` is newest first by (created, id), without deleted ones."""

    def __init__(self, spec: KindSpec, lines: Iterator[bytes]) -> None:
        self.names = tuple(spec.filters)
        self.by_id: dict[str, Row] = {}
        self.items: dict[str, str] = {}
        for line in lines:
            row = self._row(spec, line)
            self.by_id[row.id] = row
        shown = (row for row in self.by_id.values() if not row.deleted)
        self.rows = sorted(shown, key=lambda row: (row.created, row.id), reverse=True)
        self.position = {row.id: number for number, row in enumerate(self.rows)}
        self.ages = [-row.created for row in self.rows]
        self._groups: dict[str, dict[Any, list[Row]]] = {}

    def grouped(self, name: str, value: str) -> list[Row]:
        """The rows whose filter `name` looks at `value`, in the order of the file."""
        if name not in self._groups:
            groups = self._groups[name] = defaultdict(list)
            for row in self.by_id.values():
                groups[self.facet(row, name)].append(row)
        return self._groups[name].get(value, [])

    def facet(self, row: Row, name: str) -> Any:
        """The value that the filter `name` looks at."""
        return row.facets[self.names.index(name)]

    def _row(self, spec: KindSpec, line: bytes) -> Row:
        obj: Json = orjson.loads(line)
        facets = tuple(_reach(obj, place) for place in spec.filters.values())
        if spec.singular == "subscription" and not obj.get("deleted"):
            self.items |= {item["id"]: obj["id"] for item in obj["items"]["data"]}
        deleted = obj.get("deleted") is True
        return Row(obj.get(spec.created) or 0, obj["id"], line, facets, not spec.hidden.isdisjoint(obj), deleted)


class Store:
    """The data folder: `<kind>.jsonl` files, themselves or in `stripe/`."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "stripe" if (data / "stripe").is_dir() else data
        self._shelves: dict[str, tuple[tuple[int, int], Shelf]] = {}

    def shelf(self, kind: str) -> Shelf:
        """All objects of a kind as its file is now; empty where there is no file."""
        path = self._folder / f"{kind.replace('/', '_')}.jsonl"
        stamp = (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else (0, 0)
        known = self._shelves.get(kind)
        if known is None or known[0] != stamp:
            lines = iter(path.read_bytes().splitlines()) if path.exists() else iter(())
            known = (stamp, Shelf(KINDS[kind], (line for line in lines if line.strip())))
            self._shelves[kind] = known
        return known[1]

    def put(self, kind: str, thing: Json) -> None:
        """Add or replace an object: its line at the end of the file counts."""
        with (self._folder / f"{kind.replace('/', '_')}.jsonl").open("ab") as file:
            file.write(orjson.dumps(thing) + b"\n")

    def find(self, identity: str) -> tuple[str, Json] | None:
        """The kind and the object that an id of any kind stands for."""
        # A coupon's id is whatever its owner called it.
        kind = PREFIXES.get(identity.split("_", 1)[0], "coupons")
        found = self.item(identity) if kind == "subscription_items" else self.load(kind, identity)
        return None if found is None else (kind, found)

    def load(self, kind: str, identity: str) -> Json | None:
        """One object as a dict, with what only `expand` shows still in it."""
        row = self.shelf(kind).by_id.get(identity)
        loaded: Json | None = None if row is None else orjson.loads(row.line)
        return loaded

    def item(self, identity: str) -> Json | None:
        """A subscription item, from its subscription or from the overflow file."""
        owner = self.shelf("subscriptions").items.get(identity)
        if owner is None:
            return self.load("subscription_items", identity)
        subscription = self.load("subscriptions", owner)
        items: list[Json] = subscription["items"]["data"] if subscription else []
        return next((item for item in items if item["id"] == identity), None)

    def items_of(self, subscription: str) -> list[Json]:
        """All items of a subscription, those past the first page included."""
        owner = self.load("subscriptions", subscription)
        items: list[Json] = owner["items"]["data"] if owner else []
        known = {item["id"] for item in items}
        return items + [item for item in self._children("subscription_items", subscription) if item["id"] not in known]

    def lines_of(self, kind: str, owner: Json) -> list[Json]:
        """All lines of an invoice or a credit note, those past the first ten included."""
        if not owner["lines"]["has_more"]:
            lines: list[Json] = owner["lines"]["data"]
            return lines
        # The overflow file keeps the order in which the lines stand on the invoice.
        every = self._children(LINES[kind], owner["id"])
        first = {line["id"] for line in owner["lines"]["data"]}
        return [*owner["lines"]["data"], *(line for line in every if line["id"] not in first)]

    def _children(self, kind: str, owner: str) -> list[Json]:
        shelf = self.shelf(kind)
        return [orjson.loads(row.line) for row in shelf.grouped(shelf.names[0], owner)]


def _reach(obj: Any, place: str) -> Any:
    """The value at a dotted place, or None."""
    for step in place.split("."):
        if isinstance(obj, list):
            obj = obj[int(step)] if len(obj) > int(step) else None
        elif isinstance(obj, dict):
            obj = obj.get(step)
        else:
            return None
    return obj
