"""A shelf that lives in memory and changes: the fake Stripe's account under the hand of a test or a trial."""

from __future__ import annotations

from collections import defaultdict
from threading import RLock
from typing import Any

import orjson

from pipelines.demo.kinds import KINDS
from pipelines.demo.object_store import Shelf, Store

Json = dict[str, Any]


class LiveStore(Store):
    """Objects that are put, changed and dropped while requests are answered, from any thread."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._live: dict[str, Shelf] = {}
        self._lock = RLock()

    def put(self, kind: str, thing: Json) -> None:
        """Add or replace an object of a kind (`customers`, `events`, ...)."""
        with self._lock:
            self._lines[kind][thing["id"]] = orjson.dumps(thing)
            self._live.pop(kind, None)

    def drop(self, kind: str, identity: str) -> None:
        """Delete an object: nothing of it is left. A deleted customer is put as `{id, object, deleted}` instead."""
        with self._lock:
            del self._lines[kind][identity]
            self._live.pop(kind, None)

    def shelf(self, kind: str) -> Shelf:
        """All objects of a kind as they are now."""
        with self._lock:
            if kind not in self._live:
                self._live[kind] = Shelf(KINDS[kind], iter(self._lines[kind].values()))
            return self._live[kind]
