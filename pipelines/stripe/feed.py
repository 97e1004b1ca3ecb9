"""The feed of one account: from Stripe's API into the landing zone, with a checkpoint after each step.

Only the main thread lands and writes checkpoints; workers ask Stripe. Everything of one call carries
the call's moment as its version time, by Stripe's clock where ours is off, and never earlier than an
earlier call's: so the order of answers does not matter. A change during the call has an event after
the cursor, which the next call follows.

What a crash leaves, whichever line it falls on: landed answers without their checkpoint. The next
call asks for the same again; what did not change adds no version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import orjson

from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.stripe.catalogue import BY_NAME, EVENT, KINDS, OPEN_ELSEWHERE
from pipelines.stripe.checkpoints import Checkpoints, Name
from pipelines.stripe.client import StripeApi
from pipelines.stripe.fetch import fetch_again
from pipelines.stripe.listing import BYTES, PAGES, Chunk, Listed, Lists, Span
from pipelines.stripe.pace import Pace
from pipelines.stripe.plans import BEHIND, Plan, new_plan, resumed
from pipelines.stripe.signals import Key, Signals, events_of, landed_webhooks
from pipelines.stripe.stored import Stored
from pipelines.stripe.workers import workers

OVERLAP = timedelta(minutes=10)
"""Events and objects become visible some time after their timestamp: so much is read again."""
EVENTS_KEPT = timedelta(days=29)
"""Stripe forgets events after 30 days."""
WINDOW = timedelta(days=1)
FIRST = timedelta(days=30)
"""A first sync brings so much before anything older."""
DAY = timedelta(days=1)
SKEW = timedelta(seconds=5)
"""Our clock counts while it is so close to Stripe's."""
AHEAD = timedelta(days=1)
"""An event from farther ahead than this moves no version time."""
_INSTANT = timedelta(microseconds=1)


class Feed:
    """One call: what it asks with, where it lands, and as of when."""

    def __init__(
        self,
        settings: Settings,
        api: StripeApi,
        *,
        account: str,
        now: datetime,
        stored: Stored,
        load: Callable[[], None],
        progress: Callable[[str], None],
    ) -> None:
        self._api, self._account, self._stored, self._load, self._progress = api, account, stored, load, progress
        self._landing = Landing(settings.landing_dir)
        self._checkpoints = Checkpoints(open_state(settings), account, api.mode)
        self._now = now
        self._moment = now
        self._given = now
        self._fresh: set[Key] = set()
        """Objects that this call fetched: as new as every event that it will read."""
        self.fetched = 0

    def run(self, *, full: bool = False) -> None:
        """Bring the landing zone up to now."""
        self._landing.seal_received()
        self._tell_time()
        self._workers = self._api.limiter.limits.at_once
        with workers(self._workers) as pool:
            self._pool = pool
            try:
                self._run(full)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _run(self, full: bool) -> None:
        cursor = self._checkpoints.moment("events")
        plan = self._full_plan(full, cursor)
        if plan is not None:
            self._list_everything(plan)
            if plan.began >= _seconds(self._moment):
                return
            # What happened since a listing began that took more than one call.
            cursor = datetime.fromtimestamp(plan.began, UTC) - OVERLAP
        assert cursor is not None
        self._follow_events(cursor)
        daily = self._checkpoints.moment("daily")
        if daily is None or self._moment - daily >= DAY:
            self._list_daily()

    def _tell_time(self) -> None:
        """The call's moment: ours, or Stripe's where ours is off; never before one that was given already."""
        self._api.get("/v1/events", limit=1)
        moment, told = self._now, self._api.stripe_time
        if told is not None and abs(told - moment) > SKEW:
            self._progress(f"stripe: this machine's clock is {_seconds(moment) - _seconds(told):+,} s off Stripe's")
            moment += timedelta(seconds=round((told - moment).total_seconds()))
        last = self._checkpoints.read("moment")
        given = datetime.fromisoformat(last) if last else None
        self._moment = moment
        self._given = given + _INSTANT if given is not None and moment < given else moment
        if self._given != given:
            self._write({"moment": self._given.isoformat()})

    # The first sync, and whenever events are lost.

    def _full_plan(self, full: bool, cursor: datetime | None) -> Plan | None:
        """The full listing to do in this call: one that was begun, or a new one where it is needed."""
        plan = resumed(self._checkpoints.read("listing"))
        begun = plan if plan is not None and plan.purpose == "full" else None
        if begun is not None and self._moment - datetime.fromtimestamp(begun.began, UTC) <= EVENTS_KEPT:
            self._progress(f"stripe: going on with the listing of everything, {begun.count:,} objects are landed")
            return begun
        is_lost = cursor is not None and not timedelta(0) <= self._moment - cursor <= EVENTS_KEPT
        if cursor is not None and is_lost:
            days = (self._moment - cursor).days
            why = f"the last sync was {days} days ago" if days >= 0 else "the clock was ahead at the last sync"
            self._progress(f"stripe: {why}, events are lost: LISTING EVERYTHING")
        if not (full or is_lost or cursor is None or begun is not None):
            return None
        plan = new_plan("full", _seconds(self._moment))
        # Webhooks that landed before a listing began tell nothing that it does not show.
        _, last = landed_webhooks(self._landing, self._account, self._api.mode, None)
        self._write({"listing": plan.document(plan.open), "webhooks": last})
        return plan

    def _list_everything(self, plan: Plan) -> None:
        self._load()
        pace = Pace(self._progress)
        floor = plan.began - _seconds_of(FIRST)
        lists = Lists(self._api, self._pool, plan.lists, workers=self._workers)
        small = [span for span in plan.open if plan.lists[span.name].kind.is_small]
        recent = [span for span in plan.open if span not in small and span.high >= floor]
        self._read(plan, self._first(lists, small, recent, floor), pace)
        if plan.open:
            self._load()
            self._progress(f"stripe: the last {FIRST.days} days are loaded; {pace.line(plan.open)}")
            self._read(plan, lists.read(plan.open), pace)
        began = datetime.fromtimestamp(plan.began, UTC)
        self._write({"events": str(_seconds(began - OVERLAP)), "seen": None, "listing": None, "daily": str(plan.began)})
        self._progress(pace.line([]))

    @staticmethod
    def _first(lists: Lists, small: list[Span], recent: list[Span], floor: int) -> Iterator[Chunk]:
        """The last 30 days of every list, and small ones whole: prices are older than what is sold today."""
        yield from lists.read(small)
        yield from lists.read(recent, floor=floor)

    def _list_daily(self) -> None:
        """What may have changed without an event that we heard of."""
        plan = resumed(self._checkpoints.read("listing"))
        if plan is None or self._moment - datetime.fromtimestamp(plan.began, UTC) > DAY:
            plan = new_plan("daily", _seconds(self._moment))
        self._load()
        signals = Signals()
        for name, condition in OPEN_ELSEWHERE.items():
            for identity in self._stored.ids(BY_NAME[name], condition):
                signals.add((name, identity), at=_seconds(self._moment))
        self._refetch(signals)
        lists = Lists(self._api, self._pool, plan.lists, workers=self._workers)
        self._read(plan, lists.read(plan.open), Pace(self._progress))
        self._write({"listing": None, "daily": str(plan.began)})

    def _read(self, plan: Plan, chunks: Iterator[Chunk], pace: Pace) -> None:
        """Land chunks as they come; what is left of the plan is written after what was read is landed."""
        waiting: list[Chunk] = []
        for chunk in chunks:
            plan.open = [span for span in plan.open if span != chunk.span] + chunk.left
            plan.count += len(chunk.objects)
            pace.take(chunk, plan.lists[chunk.span.name].kind.created, plan.open)
            waiting.append(chunk)
            if _is_much(waiting):
                self._land_chunks(plan, waiting)
                waiting = []
        self._land_chunks(plan, waiting)

    def _land_chunks(self, plan: Plan, chunks: list[Chunk]) -> None:
        missing = Signals()
        for chunk in chunks:
            for key in self._not_shown(plan.lists[chunk.span.name], chunk):
                missing.add(key, at=_seconds(self._moment))
        self._seal([body for chunk in chunks for body in chunk.bodies], source="list")
        self.fetched += sum(len(chunk.objects) for chunk in chunks)
        self._refetch(missing)
        self._write({"listing": plan.document(plan.open)})

    def _not_shown(self, listed: Listed, chunk: Chunk) -> Iterator[Key]:
        """Stored objects that the list would show if they were as we know them."""
        if listed.known is None:
            return
        shown = {str(thing.get("id")) for thing in chunk.objects} | chunk.span.tied
        for identity in self._stored.ids(listed.kind, listed.known, chunk.low, chunk.span.high) - shown:
            yield listed.kind.name, identity

    # What changed since.

    def _follow_events(self, cursor: datetime) -> None:
        """Window by window: its events, the new objects that tell none, what they name; then the checkpoint."""
        seen = set(orjson.loads(self._checkpoints.read("seen") or "[]"))
        end = self._moment - BEHIND
        low = cursor - OVERLAP
        segments, last = landed_webhooks(
            self._landing, self._account, self._api.mode, self._checkpoints.read("webhooks")
        )
        told = Signals()
        for segment in segments:
            for event in events_of(self._landing, segment):
                told.note(event)
        while True:
            high = min(low + WINDOW, end)
            is_last = high >= end
            ids = self._follow_window(told, low, max(high, low), seen, is_last=is_last)
            values: dict[Name, str | None] = {"events": str(_seconds(max(high, cursor))), "webhooks": last}
            if is_last:
                values["seen"] = orjson.dumps(sorted(ids)).decode()
            self._write(values)
            if is_last:
                return
            low, told, seen = high, Signals(), set()

    def _follow_window(
        self, signals: Signals, low: datetime, high: datetime, seen: set[str], *, is_last: bool
    ) -> set[str]:
        """Land one window; answers the ids of its newest events that need not be followed again."""
        lists = {kind.name: Listed(kind) for kind in (EVENT, *KINDS) if kind is EVENT or kind.is_silent}
        until = _seconds(self._moment) if is_last else _seconds(high)
        spans = [Span(name, _seconds(low), _seconds(high) if name == EVENT.name else until) for name in lists]
        again = _seconds(high - OVERLAP)
        newest: set[str] = set()
        waiting: list[Chunk] = []
        for chunk in Lists(self._api, self._pool, lists, workers=self._workers).read(spans):
            for thing in chunk.objects:
                if chunk.span.name != EVENT.name:
                    self._fresh.add((str(thing.get("object")), str(thing.get("id"))))
                    continue
                signals.note(thing, seen=seen)
                if int(thing.get("created") or 0) >= again:
                    newest.add(str(thing.get("id")))
            self.fetched += len(chunk.objects)
            waiting.append(chunk)
            if _is_much(waiting):
                self._seal([body for one in waiting for body in one.bodies], source="list")
                waiting = []
        self._seal([body for one in waiting for body in one.bodies], source="list")
        too_new = self._refetch(signals)
        return newest - {event for key in too_new for event in signals.changed[key].events}

    def _refetch(self, signals: Signals) -> set[Key]:
        """Fetch changed objects again and land them; answers those that may only not be visible yet."""
        if not signals.changed:
            return set()
        # What was fetched after a webhook is newer than its event, whatever our clocks say.
        newest = datetime.fromtimestamp(signals.newest, UTC) + _INSTANT
        given = max(self._given, min(newest, self._moment + AHEAD))
        if given != self._given:
            self._given = given
            self._write({"moment": given.isoformat()})
        young = _seconds(self._moment - OVERLAP)
        too_new: set[Key] = set()
        count = 0
        for batch in fetch_again(self._api, self._pool, signals.changed, known=self._fresh, young=young):
            self._seal(batch.bodies, source="refetch")
            self._fresh |= batch.keys
            too_new |= batch.too_new
            count += len(batch.keys)
        self.fetched += count
        self._progress(f"stripe: {count:,} changed objects fetched again")
        return too_new

    def _seal(self, bodies: list[bytes], *, source: str) -> None:
        options = {
            "account": self._account,
            "mode": self._api.mode,
            "source": source,
            "fetched_at": self._given.isoformat(),
        }
        self._landing.add_lines(bodies, source="stripe", name=source, options=options, now=self._now)

    def _write(self, values: dict[Name, str | None]) -> None:
        self._checkpoints.write(values, now=self._now)


def _is_much(chunks: list[Chunk]) -> bool:
    return sum(len(chunk.bodies) for chunk in chunks) >= PAGES or sum(chunk.size for chunk in chunks) >= BYTES


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _seconds_of(span: timedelta) -> int:
    return int(span.total_seconds())
