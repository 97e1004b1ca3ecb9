"""A random timeline of one account: what happens at Stripe, what is delivered, and syncs that fail or are killed."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from pipelines import faults
from pipelines.errors import MillstreamError
from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.stripe.feed import Feed
from tests.stripe.account import Account, StoredOracle, api_over, landed_state

Json = dict[str, Any]
BEGIN = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
POINTS = [point for point in faults.POINTS if point.partition(".")[0] in ("landing", "stripe")]
FEED = [point for point in POINTS if point not in ("stripe.before_commit", "stripe.after_commit")]
TOLD = ("customer", "price", "coupon", "subscription", "invoice", "charge", "invoiceitem", "dispute")
STEPS = ("create", "create_silently", "change", "delete", "tick", "webhooks", "sync", "glimpse", "pause")
OFTEN = (*STEPS, "create", "change", "change", "tick", "tick", "sync", "sync")
FAULTS = ("rate_limit_every", "error_every", "drop_every", "truncate_every")


class KilledError(BaseException):
    """The process would have ended here."""


class Timeline:
    """One account, its feed, and what landed."""

    points = FEED
    bad_lines: tuple[int, ...] = (0, 0, 0, 3, 5)
    """Each n-th answer is bad."""

    def __init__(self, folder: Path, settings: Settings, number: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.account = Account(BEGIN, prefix=f"t{number}x")
        knobs = self.account.knobs
        knobs.visibility_lag = self.random.choice([0, 0, 8, 90, 200])
        knobs.event_lag = self.random.choice([None, 0, 40])
        knobs.tells_time = self.random.random() < 0.5
        self.skew = self.random.choice([0, 0, 0, 3, -3, 200, -200])
        """Seconds that our clock is ahead of Stripe's."""
        self.settings = settings.model_copy(update={"data_dir": folder})
        self.name = f"t{number}"
        self.landing = Landing(folder / "landing")
        self.syncs = self.kills = 0
        self.undelivered = 0
        self.live: list[Json] = []

    def create(self) -> None:
        name = self.random.choice(TOLD)
        made: dict[str, Callable[[], Json]] = {
            "invoice": lambda: self.account.create("invoice", status="draft", lines=_lines()),
            "subscription": lambda: self.account.create("subscription", status="active"),
            "dispute": lambda: self.account.create("dispute", status="needs_response"),
            "charge": lambda: self.account.create("charge", told="succeeded", balance_transaction=self._entry()["id"]),
        }
        self.live.append(made.get(name, lambda: self.account.create(name))())

    def create_silently(self) -> None:
        """An object whose making tells no event."""
        name = self.random.choice(["checkout.session", "refund", "balance_transaction", "invoice_payment"])
        self.account.create(name, told=None)

    def change(self) -> None:
        thing = self._any()
        kind = thing["object"] if thing else None
        if thing is None:
            return
        if kind == "charge":
            self._refund(thing)
        elif kind == "invoiceitem":
            self._bill(thing)
        elif kind == "invoice":
            self.account.change(thing, status=self.random.choice(["draft", "open", "paid"]))
        elif kind == "subscription" and self.random.random() < 0.3:
            self.account.change(thing, told="deleted", status="canceled")
        else:
            self.account.change(thing)

    def _refund(self, charge: Json) -> None:
        """The charge tells, the refund does not: neither that it was made nor that it arrived."""
        made = [refund for refund in self.live if refund["object"] == "refund" and refund["charge"] == charge["id"]]
        if made and self.random.random() < 0.6:
            self.account.change(made[0], told=None, status="succeeded")
            self.account.change(charge)
        else:
            self.live.append(self.account.refund(charge, 5))

    def _bill(self, item: Json) -> None:
        """An item that an invoice takes tells nothing; the invoice does."""
        invoice = self.account.create("invoice", status="open", lines=_lines(item))
        self.account.create("invoice_payment", told=None, invoice=invoice["id"], status="open")
        self.account.change(item, told=None, invoice=invoice["id"])
        self.live.append(invoice)

    def _entry(self) -> Json:
        return self.account.create("balance_transaction", told=None)

    def delete(self) -> None:
        thing = self._any()
        if thing is None or thing["object"] in ("subscription", "charge", "dispute", "refund"):
            return
        if thing["object"] == "invoice" and self.account.get(thing)["status"] != "draft":
            return
        self.live.remove(thing)
        self.account.delete(thing)

    def _any(self) -> Json | None:
        return self.random.choice(self.live) if self.live else None

    def tick(self) -> None:
        self.account.clock += self.random.choice([1, 7, 45, 45, 60, 300, 4_000, 90_000])

    def glimpse(self) -> None:
        """A sync while the newest object may only show by its event."""
        self.create()
        self.account.clock += self.random.choice([45, 60])
        self.sync()

    def pause(self) -> None:
        """So long that Stripe forgets events, some of a deletion among them."""
        self.delete()
        self.account.clock += self.random.choice([5, 31, 45]) * 86_400
        self.create()

    def webhooks(self) -> None:
        """What was told since the last delivery, partly lost, twice or in another order."""
        told = self.account.events[self.undelivered :]
        self.undelivered = len(self.account.events)
        delivered = [event for event in told for _ in range(self.random.choice([0, 1, 1, 2]))]
        self.random.shuffle(delivered)
        moment = datetime.fromtimestamp(self.account.clock, UTC)
        options = {"account": self.name, "mode": "test", "source": "webhook", "fetched_at": moment.isoformat()}
        self.landing.add_lines(
            map(_as_webhook, delivered), source="stripe", name="webhook", options=options, now=moment
        )

    def sync(self, *, may_fail: bool = True) -> None:
        """One sync, perhaps over a bad line, perhaps with changes meanwhile, perhaps killed."""
        knobs = self.account.knobs
        for name in FAULTS:
            setattr(knobs, name, self.random.choice(self.bad_lines) if may_fail else 0)
        point = self.random.choice([None, *self.points]) if may_fail else None
        if may_fail and self.random.random() < 0.3:
            knobs.meanwhile = self._meanwhile(self.random.randrange(1, 25))
        try:
            self._sync(f"{point}:{self.random.choice([1, 2, 3])}" if point else "")
        except KilledError:
            self.kills += 1
        except MillstreamError:
            # Of several workers one may meet the bad line at every attempt.
            assert may_fail
        finally:
            knobs.meanwhile = None

    def _sync(self, fault: str) -> None:
        """The product's feed, in this process."""
        os.environ["MILLSTREAM_FAULT"] = fault
        faults._passages.clear()
        try:
            self._feed().run()
        finally:
            os.environ["MILLSTREAM_FAULT"] = ""

    def _feed(self) -> Feed:
        self.syncs += 1
        now = datetime.fromtimestamp(self.account.clock + self.skew, UTC) + timedelta(microseconds=self.syncs)
        api = api_over(self.account, self.settings, at_once=self.random.choice([1, 1, 1, 4]))
        stored = StoredOracle(landed_state(self.lines()))
        return Feed(
            self.settings, api, account=self.name, now=now, stored=stored, load=lambda: None, progress=lambda _: None
        )

    def _meanwhile(self, at: int) -> Callable[[str], None]:
        turns = itertools.count(1)

        def change(_: str) -> None:
            # One counter for all workers: the turn comes once.
            if next(turns) == at:
                self.random.choice([self.create, self.change, self.delete])()

        return change

    def lines(self) -> Iterator[tuple[bytes, str]]:
        for segment in self.landing.segments("stripe"):
            for line in self.landing.path(segment).read_bytes().splitlines():
                yield line, segment.options["fetched_at"]


def _as_webhook(event: Json) -> bytes:
    """An endpoint has a version of its own."""
    thing = {**event["data"]["object"], "another_shape": True}
    return orjson.dumps({**event, "data": {"object": thing}})


def _lines(item: Json | None = None) -> Json:
    """An invoice's lines: none, or the one of an item."""
    lines = []
    if item is not None:
        parent = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": item["id"]}}
        lines = [{"id": f"il_{item['id']}", "object": "line_item", "parent": parent}]
    return {"object": "list", "data": lines, "has_more": False}


def compare(held: dict[tuple[str, str], Json | None], account: Account) -> None:
    """Object by object; one that came and went before we looked need not be known at all."""
    state = account.state()
    for key, thing in state.items():
        assert held.get(key) == thing, key
    assert held.keys() <= state.keys()
