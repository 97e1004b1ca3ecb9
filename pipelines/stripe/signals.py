"""What changed, as events tell it: ids to fetch again, each once, however many events name it.

An event's own payload may be in an old shape, may tie with another within a second and may come
late; so it is only a signal. Events come from Stripe's list and, sooner, from webhooks that were
landed; a webhook's thin form (`v2.core.event`) names its object and carries none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from pipelines.landing import Landing, Segment
from pipelines.landing.split import open_plain
from pipelines.stripe.catalogue import BY_NAME, KINDS, OWNERS

Key = tuple[str, str]
"""Kind and id."""
Thing = dict[str, Any]


@dataclass
class Signal:
    """What is known of one changed object: the newest event that names it, and whether one told its deletion."""

    at: int = 0
    is_deletion: bool = False
    events: set[str] = field(default_factory=set)


class Signals:
    """Changed objects, and the newest moment that told of one."""

    def __init__(self) -> None:
        self.changed: dict[Key, Signal] = {}
        self.newest = 0

    def note(self, event: Thing, *, seen: Collection[object] = ()) -> None:
        """Take an event's signal, unless its id is among those that were followed before."""
        if event.get("id") in seen:
            return
        at = _seconds(event.get("created"))
        is_deletion = str(event.get("type", "")).endswith(".deleted")
        for key, is_its_own in _named(event):
            signal = self.changed.setdefault(key, Signal())
            signal.at = max(signal.at, at)
            signal.events.add(str(event.get("id")))
            # A subscription that ended is still an object.
            signal.is_deletion |= is_deletion and is_its_own and key[0] != "subscription"
            self.newest = max(self.newest, at)

    def add(self, key: Key, *, at: int) -> None:
        """Take an object that no list shows as we know it: found nowhere, it is gone."""
        self.changed.setdefault(key, Signal(at, is_deletion=True))


def _named(event: Thing) -> Iterator[tuple[Key, bool]]:
    """The objects that an event says changed, and whether it is the event's own."""
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        related = event.get("related_object")
        if isinstance(related, dict) and related.get("id"):
            kind = _kind_of(related)
            if kind:
                yield (kind, str(related["id"])), True
        return
    name = str(thing.get("object"))
    if name in BY_NAME and thing.get("id"):
        yield (name, str(thing["id"])), True
    for pointer, kind in OWNERS.get(name, ()):
        owner = thing.get(pointer)
        identity = owner.get("id") if isinstance(owner, dict) else owner
        if identity:
            yield (kind, str(identity)), False
            return


def _kind_of(related: Thing) -> str | None:
    told = str(related.get("type", "")).removeprefix("v1.")
    if told in BY_NAME:
        return told
    path = str(related.get("url", ""))
    return next((kind.name for kind in KINDS if path.startswith(f"{kind.path}/")), None)


def _seconds(value: object) -> int:
    """An event's time; a thin event tells it as text. 0 where it is no time."""
    if isinstance(value, str):
        try:
            return int(datetime.fromisoformat(value).timestamp())
        except ValueError:
            return 0
    return value if isinstance(value, int) and 0 <= value < 253_402_300_800 else 0


def landed_webhooks(landing: Landing, account: str, mode: str, after: str | None) -> tuple[list[Segment], str | None]:
    """The segments of webhooks that landed after the one of this input id, and the id to remember.

    Where that one is no longer listed (erased, or another folder), all of them: following a webhook
    twice costs a request and changes nothing.
    """
    segments = [
        segment
        for segment in landing.segments("stripe")
        if segment.options.get("source") == "webhook"
        and segment.options.get("account", "default") == account
        and segment.options.get("mode", mode) == mode
    ]
    ids = [segment.input_id for segment in segments]
    begin = len(ids) - ids[::-1].index(after) if after in ids else 0
    return segments[begin:], ids[-1] if ids else after


def events_of(landing: Landing, segment: Segment) -> Iterator[Thing]:
    """The events of a landed segment; a line that is none is the load's to set aside."""
    with open_plain(landing.path(segment)) as lines:
        for line in lines:
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(event, dict):
                yield event
