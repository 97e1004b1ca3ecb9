"""Random timelines of an account, with losses, repetitions and kills: in the end we hold what Stripe holds.

Each timeline runs the product's feed over an account in memory, and what landed is compared with the
account after its last sync, by a second implementation of the rule by which the newest version wins.
Some of the landing zones are then loaded into the warehouse, and compared there.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipelines import faults
from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, load_landed
from pipelines.stripe.catalogue import BY_NAME, KINDS
from pipelines.stripe.feed import Feed
from pipelines.stripe.limiter import Limits
from pipelines.warehouse import Warehouse
from tests.stripe.account import Account, InProcess, StoredOracle, landed_state

Json = dict[str, Any]
BEGIN = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
TIMELINES = 500
LOADED = 6
"""Of these are loaded into the warehouse too."""
POINTS = [
    point
    for point in faults.POINTS
    if point.startswith("landing.") or point in ("stripe.before_checkpoint", "stripe.after_checkpoint")
]
TOLD = ("customer", "price", "coupon", "subscription", "invoice", "charge", "invoiceitem", "dispute")
STEPS = ("create", "create_silently", "change", "delete", "tick", "webhooks", "sync", "glimpse", "pause")
OFTEN = (*STEPS, "create", "change", "change", "tick", "tick", "sync", "sync")
FAULTS = ("rate_limit_every", "error_every", "drop_every", "truncate_every")


class KilledError(BaseException):
    """The process would have ended here."""


class Timeline:
    """One account, its feed, and what landed."""

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
        self.syncs = 0
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
            setattr(knobs, name, self.random.choice([0, 0, 0, 3, 5]) if may_fail else 0)
        point = self.random.choice([None, *POINTS]) if may_fail else None
        os.environ["MILLSTREAM_FAULT"] = f"{point}:{self.random.choice([1, 2, 3])}" if point else ""
        faults._passages.clear()
        if may_fail and self.random.random() < 0.3:
            knobs.meanwhile = self._meanwhile(self.random.randrange(1, 25))
        try:
            self._feed().run()
        except KilledError:
            pass
        finally:
            knobs.meanwhile = None
            os.environ["MILLSTREAM_FAULT"] = ""

    def _feed(self) -> Feed:
        self.syncs += 1
        now = datetime.fromtimestamp(self.account.clock + self.skew, UTC) + timedelta(microseconds=self.syncs)
        limits = Limits(1e6, 1e6, at_once=self.random.choice([1, 1, 1, 4]))
        transport = InProcess(self.account.replies)
        api = StripeApi(self.settings, sleep=lambda _: None, limits=limits, transport=transport)
        stored = StoredOracle(landed_state(self.lines()))
        return Feed(
            self.settings, api, account=self.name, now=now, stored=stored, load=lambda: None, progress=lambda _: None
        )

    def _meanwhile(self, at: int) -> Callable[[str], None]:
        left = [at]

        def change(_: str) -> None:
            left[0] -= 1
            if left[0] == 0:
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


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """Without a disk under it: nothing here is about power cuts."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shm if os.access(shm, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


def test_after_random_timelines_we_hold_what_stripe_holds(quick_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(quick_folder))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_timeline")
    monkeypatch.setenv("MILLSTREAM_FAULT", "")
    monkeypatch.setenv("MILLSTREAM_STATE_URL", f"sqlite:///{quick_folder}/state.sqlite")
    product = Settings()
    done: list[Timeline] = []

    def killed(code: int) -> None:
        raise KilledError(code)

    with monkeypatch.context() as without_a_disk:
        without_a_disk.setattr(os, "_exit", killed)
        without_a_disk.setattr(os, "fsync", lambda handle: None)

        @examples(max_examples=TIMELINES, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.sampled_from(OFTEN), min_size=5, max_size=16), st.integers(0, 2**32))
        def run(steps: list[str], seed: int) -> None:
            number = len(done)
            timeline = Timeline(quick_folder / f"{number}", product, number, seed)
            for step in steps:
                getattr(timeline, step)()
            timeline.account.clock += 900
            timeline.sync(may_fail=False)
            held = {key: thing for key, thing in landed_state(timeline.lines()).items() if key[0] in BY_NAME}
            _compare(held, timeline.account)
            done.append(timeline)

        run()
    assert len(done) >= TIMELINES
    with Warehouse(product).write("test") as connection:
        for timeline in done[:: TIMELINES // LOADED]:
            load_landed(connection, timeline.settings, now=datetime.fromtimestamp(timeline.account.clock, UTC))
        parts = (
            f"select account, '{kind.name}', id, is_deleted, payload from raw_stripe.{kind.table}" for kind in KINDS
        )
        rows = connection.execute(" union all ".join(parts)).fetchall()
    for timeline in done[:: TIMELINES // LOADED]:
        own = [row[1:] for row in rows if row[0] == timeline.name]
        held = {(name, identity): None if gone else orjson.loads(body) for name, identity, gone, body in own}
        assert len(held) == len(own), "an object is held twice"
        _compare(held, timeline.account)


def _compare(held: dict[tuple[str, str], Json | None], account: Account) -> None:
    """Object by object; one that came and went before we looked need not be known at all."""
    state = account.state()
    for key, thing in state.items():
        assert held.get(key) == thing, key
    assert held.keys() <= state.keys()
