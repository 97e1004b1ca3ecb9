"""The fault matrix of syncing, each fault by its name: after it we hold what Stripe holds, object by object.

One warehouse for all; each test has an account of its own in it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from pipelines import faults
from pipelines.errors import MillstreamError
from pipelines.landing import Journal, Label, Landing
from pipelines.settings import Settings
from pipelines.stripe import sync
from pipelines.stripe.catalogue import KINDS, TABLES
from pipelines.stripe.sync import SyncSummary
from pipelines.warehouse import Warehouse
from tests.stripe.account import Account, api_over

Json = dict[str, Any]
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
MINUTES = 60
DAYS = 86_400


class KilledError(BaseException):
    """The process would have ended here."""


class Shop:
    """One account at Stripe and its place in the warehouse."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings, self.name = settings, name
        self.account = Account(int(BEGIN.timestamp()))
        self.told: list[str] = []
        self.syncs = 0

    def sync(self, *, after: int = 0, skew: int = 0, full: bool = False) -> SyncSummary:
        """Let time pass, then sync; `skew` is what our clock is ahead."""
        self.account.clock += after
        self.syncs += 1
        now = datetime.fromtimestamp(self.account.clock + skew, UTC) + timedelta(microseconds=self.syncs)
        api = api_over(self.account, self.settings, at_once=4)
        self.told.clear()
        return sync(self.settings, api, account=self.name, full=full, now=now, progress=self.told.append)

    def webhooks(self, events: list[Json]) -> None:
        """Deliveries as the gateway lands them."""
        now = datetime.fromtimestamp(self.account.clock, UTC)
        options = {"account": self.name, "mode": "test", "source": "webhook", "fetched_at": now.isoformat()}
        lines = [orjson.dumps(event) for event in events]
        Landing(self.settings.landing_dir).add_lines(lines, source="stripe", name="webhook", options=options, now=now)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with Warehouse(self.settings).write("test") as connection:
            return connection.execute(sql, {"account": self.name}).fetchall()

    def held(self) -> dict[tuple[str, str], Json | None]:
        """Every object of the warehouse; None where it is marked as gone."""
        parts = [
            f"select '{kind.name}', id, is_deleted, payload from raw_stripe.{kind.table} where account = $account"
            for kind in KINDS
        ]
        rows = self.rows(" union all ".join(parts))
        found = {(row[0], row[1]): None if row[2] else orjson.loads(row[3]) for row in rows}
        assert len(found) == len(rows), "an object is held twice"
        return found

    def is_as_stripe_is(self) -> None:
        state, held = self.account.state(), self.held()
        for key in state.keys() | held.keys():
            assert held.get(key) == state.get(key), key


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Settings.model_config, "env_file", None)
        patch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path_factory.mktemp("faults")))
        patch.setenv("STRIPE_API_KEY", "sk_test_faults")
        yield Settings()


@pytest.fixture
def shop(product: Settings, request: pytest.FixtureRequest) -> Shop:
    return Shop(product, request.node.name.removeprefix("test_")[:60])


def test_duplicate_and_reordered_events(shop: Shop) -> None:
    customers = [shop.account.create("customer") for _ in range(3)]
    shop.sync(after=40 * MINUTES)
    for customer in customers * 2:
        shop.account.clock += 60
        shop.account.change(customer)
    told = shop.account.events[3:]
    shop.webhooks([*reversed(told), *told[:2], *told])
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()
    again = shop.sync(after=2 * MINUTES)
    assert again.loaded == 0


def test_events_of_the_second_of_the_cursor(shop: Shop) -> None:
    customer = shop.account.create("customer")
    shop.sync(after=60 * MINUTES)
    shop.sync(after=60 * MINUTES)
    # The cursor stands 30 seconds before the sync: one event was seen in that second, others come after it.
    shop.account.clock -= 30
    shop.account.create("customer")
    shop.account.change(customer)
    shop.account.clock += 30
    shop.sync(after=5)
    shop.is_as_stripe_is()


def test_an_event_of_31_days_ago(shop: Shop) -> None:
    customer = shop.account.create("customer")
    late = shop.account.events[-1]
    shop.sync(after=40 * MINUTES)
    shop.account.change(customer, name="new")
    shop.sync(after=20 * DAYS)
    shop.sync(after=11 * DAYS)
    shop.webhooks([late])
    shop.sync(after=60)
    shop.is_as_stripe_is()


def test_pages_that_move_while_they_are_read(shop: Shop) -> None:
    """The object that the next page was to begin after is deleted, others are made and changed meanwhile."""
    customers = []
    for _ in range(250):
        shop.account.clock += 1
        customers.append(shop.account.create("customer"))
    asked = []

    def meanwhile(path: str) -> None:
        if path == "v1/customers":
            asked.append(path)
            if len(asked) == 2:
                shop.account.delete(customers[150])
                shop.account.change(customers[3])
                shop.account.create("customer")

    shop.account.knobs.meanwhile = meanwhile
    shop.sync(after=40 * MINUTES)
    assert len(asked) > 3
    shop.account.knobs.meanwhile = None
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_a_second_with_more_objects_than_a_page(shop: Shop) -> None:
    customers = [shop.account.create("customer") for _ in range(230)]
    shop.sync(after=40 * MINUTES)
    for customer in customers[::2]:
        shop.account.change(customer)
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


@pytest.mark.parametrize("name", ["customer", "price", "coupon", "invoice"])
def test_deleted(shop: Shop, name: str) -> None:
    draft: Json = {"status": "draft", "lines": {"object": "list", "data": [], "has_more": False}}
    things = [shop.account.create(name, **(draft if name == "invoice" else {})) for _ in range(2)]
    shop.sync(after=40 * MINUTES)
    shop.account.delete(things[0])
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()
    table = TABLES[name]
    # What it was is kept.
    last = shop.rows(f"select payload from raw_stripe.{table} where account = $account and is_deleted")
    assert [orjson.loads(row[0])["id"] for row in last] == [things[0]["id"]]
    assert {"created", "date"} & orjson.loads(last[0][0]).keys()


@pytest.mark.parametrize("name", ["price", "coupon", "invoice"])
def test_deleted_and_nobody_told(shop: Shop, name: str) -> None:
    """Its event is lost: the daily listing misses it."""
    draft: Json = {"status": "draft", "lines": {"object": "list", "data": [], "has_more": False}}
    things = [shop.account.create(name, **(draft if name == "invoice" else {})) for _ in range(2)]
    shop.sync(after=40 * MINUTES)
    shop.account.delete(things[0], told=None)
    shop.sync(after=2 * MINUTES)
    assert shop.held()[name, things[0]["id"]] is not None
    shop.sync(after=1 * DAYS)
    shop.is_as_stripe_is()


def test_changed_and_nobody_told(shop: Shop) -> None:
    """What the daily listing reads again: open and small things, and the late life of new ones."""
    made = [
        shop.account.create("price"),
        shop.account.create("subscription", status="active"),
        shop.account.create("invoice", status="open", lines={"object": "list", "data": [], "has_more": False}),
        shop.account.create("dispute", status="needs_response"),
        shop.account.create("refund"),
        shop.account.create("invoiceitem"),
        shop.account.create("balance_transaction", told=None, status="pending"),
    ]
    shop.sync(after=40 * MINUTES)
    for thing in made:
        shop.account.change(thing, told=None, **({"status": "won"} if thing["object"] == "dispute" else {}))
    shop.sync(after=2 * MINUTES)
    shop.sync(after=1 * DAYS)
    shop.is_as_stripe_is()


def test_refunds_that_only_their_charge_tells(shop: Shop) -> None:
    charge = shop.account.create("charge", told="succeeded")
    shop.sync(after=40 * MINUTES)
    refund = shop.account.refund(charge, 500)
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()
    # Weeks later it fails: only the charge says something.
    shop.sync(after=25 * DAYS)
    shop.account.change(refund, told=None, status="failed")
    shop.account.change(charge, told="refund.updated")
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_balance_transactions_that_only_their_owners_tell(shop: Shop) -> None:
    """Weeks after they were made: the charge's own, and the one of a refund that its charge tells."""
    entry = shop.account.create("balance_transaction", told=None, status="pending")
    charge = shop.account.create("charge", told="succeeded", balance_transaction=entry["id"])
    refund = shop.account.refund(charge, 500)
    shop.sync(after=25 * DAYS)
    for identity in (entry["id"], refund["balance_transaction"]):
        shop.account.change({"object": "balance_transaction", "id": identity}, told=None, status="available")
    shop.account.change(charge)
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_a_balance_transaction_that_shows_later_than_its_charge(shop: Shop) -> None:
    charge = shop.account.create("charge", told="succeeded", balance_transaction=None)
    shop.sync(after=40 * MINUTES)
    shop.account.knobs.visibility_lag, shop.account.knobs.event_lag = 240, 0
    entry = shop.account.create("balance_transaction", told=None)
    shop.account.change(charge, told="captured", balance_transaction=entry["id"])
    shop.sync(after=2 * MINUTES)
    # Not visible yet is not gone.
    assert ("balance_transaction", entry["id"]) not in shop.held()
    shop.sync(after=4 * MINUTES)
    shop.is_as_stripe_is()


def test_a_storm_of_429(shop: Shop) -> None:
    for _ in range(120):
        shop.account.create("customer")
    shop.account.knobs.rate_limit_every = 2
    summary = shop.sync(after=40 * MINUTES)
    assert summary.rate_limit_refusals >= 10
    shop.is_as_stripe_is()


def test_truncated_json(shop: Shop) -> None:
    for _ in range(120):
        shop.account.create("customer")
    shop.account.knobs.truncate_every = 3
    shop.sync(after=40 * MINUTES)
    for thing in list(shop.account.state()):
        shop.account.change({"object": thing[0], "id": thing[1]})
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_objects_that_show_later_than_their_events(shop: Shop) -> None:
    shop.sync(after=40 * MINUTES)
    shop.account.knobs.visibility_lag, shop.account.knobs.event_lag = 240, 0
    customer = shop.account.create("customer")
    shop.account.create("refund", told=None)
    shop.sync(after=2 * MINUTES)
    assert ("customer", customer["id"]) not in {key for key, thing in shop.held().items() if thing is None}
    shop.sync(after=4 * MINUTES)
    shop.is_as_stripe_is()


def test_events_that_show_late(shop: Shop) -> None:
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES)
    shop.account.knobs.event_lag = 200
    shop.account.change(customer)
    shop.sync(after=2 * MINUTES)
    shop.sync(after=5 * MINUTES)
    shop.is_as_stripe_is()


def test_a_cursor_older_than_29_days(shop: Shop) -> None:
    """What was deleted meanwhile has no event any more."""
    customers = [shop.account.create("customer") for _ in range(3)]
    shop.sync(after=40 * MINUTES)
    shop.account.delete(customers[0])
    shop.account.change(customers[1])
    shop.account.create("customer")
    shop.sync(after=40 * DAYS)
    assert any("the last sync was 40 days ago, events are lost" in line for line in shop.told)
    shop.is_as_stripe_is()


def test_28_days_are_followed_window_by_window_each_object_once(shop: Shop) -> None:
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES)
    for _ in range(9):
        shop.account.clock += 3 * DAYS
        shop.account.change(customer)
    summary = shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()
    # Nine events name it, in nine windows of 28.
    assert next(line for line in shop.told if "fetched again" in line) == "stripe: 1 changed objects fetched again"
    assert summary.requests < 28 * 5 + 40
    assert summary.fetched < 9 + 1 + 10


@pytest.mark.parametrize("skew", [-7200, -90, 90, 7200])
def test_a_clock_that_is_off(shop: Shop, skew: int) -> None:
    """Stripe's own time counts where its answers tell it."""
    shop.account.knobs.tells_time = True
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES, skew=skew)
    shop.account.change(customer)
    shop.webhooks(shop.account.events[-1:])
    shop.sync(after=2 * MINUTES, skew=skew)
    shop.is_as_stripe_is()
    # It is set right.
    shop.account.change(customer)
    shop.account.create("customer")
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_a_clock_that_was_ahead_and_no_time_told(shop: Shop) -> None:
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES, skew=2 * 3600)
    shop.account.change(customer)
    shop.account.clock += 60
    shop.sync(after=2 * MINUTES, skew=2 * 3600)
    shop.account.change(customer)
    shop.account.create("customer")
    shop.sync(after=2 * MINUTES)
    assert any("the clock was ahead" in line for line in shop.told)
    shop.is_as_stripe_is()


def test_a_webhook_ahead_of_our_clock(shop: Shop) -> None:
    """Its payload is later than now, and yet what was fetched because of it is newer."""
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES, skew=-200)
    shop.account.change(customer)
    shop.webhooks(shop.account.events[-1:])
    shop.sync(after=10, skew=-200)
    shop.is_as_stripe_is()
    shop.account.change(customer)
    shop.sync(after=20 * MINUTES, skew=-200)
    shop.is_as_stripe_is()


def test_the_disk_is_full(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    things = [shop.account.create("customer") for _ in range(5)]
    shop.sync(after=40 * MINUTES)
    for passage in range(1, 5):
        for thing in things:
            shop.account.change(thing)
        left = [passage]

        def full(handle: int, left: list[int] = left, real: Callable[[int], None] = os.fsync) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space left"):
                shop.sync(after=2 * MINUTES)
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


POINTS = [point for point in faults.POINTS if point.partition(".")[0] in ("landing", "stripe")]


def test_killed_at_every_named_point(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(code: int) -> None:
        raise KilledError(code)

    monkeypatch.setattr(os, "_exit", killed)
    things = [shop.account.create("customer") for _ in range(2)]
    for passage in (1, 2):
        for point in POINTS:
            shop.account.change(things[0])
            shop.account.create("customer")
            monkeypatch.setenv("MILLSTREAM_FAULT", f"{point}:{passage}")
            faults._passages.clear()
            with pytest.raises(KilledError):
                shop.sync(after=2 * MINUTES)
    monkeypatch.setenv("MILLSTREAM_FAULT", "")
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_a_first_sync_that_fails_goes_on_where_it_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last 30 days come first, and what was listed is not listed again."""
    monkeypatch.setattr("pipelines.stripe.listing.PAGES", 4)
    monkeypatch.setattr("pipelines.stripe.feed.PAGES", 4)
    for _ in range(200):
        shop.account.clock += DAYS
        for _ in range(10):
            shop.account.create("customer", told=None)
    asked = []

    def fails(path: str) -> None:
        asked.append(path)
        if path == "v1/customers" and asked.count(path) == 15:
            raise KilledError

    shop.account.knobs.meanwhile = fails
    with pytest.raises(KilledError):
        shop.sync(after=40 * MINUTES)
    recent = datetime.fromtimestamp(shop.account.clock - 30 * DAYS, UTC).replace(tzinfo=None)
    loaded = shop.rows(
        "select count(*), min(to_timestamp(json_extract(payload, '/created')::bigint) at time zone 'UTC') "
        "from raw_stripe.customers where account = $account"
    )
    assert loaded[0][0] >= 290
    assert loaded[0][1] <= recent
    shop.account.knobs.meanwhile = asked.append
    asked.clear()
    shop.sync(after=2 * MINUTES)
    assert asked.count("v1/customers") < 15
    shop.is_as_stripe_is()


def test_stripe_down_leaves_the_cursor_and_the_next_sync_heals(shop: Shop) -> None:
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES)
    shop.account.change(customer)
    shop.account.knobs.down = True
    with pytest.raises(MillstreamError, match="did not answer"):
        shop.sync(after=2 * MINUTES)
    shop.account.knobs.down = False
    shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()


def test_a_sync_after_some_changes_costs_what_changed(shop: Shop) -> None:
    """One request per changed object and list below it, and twenty; and only their rows are written."""
    customers = [shop.account.create("customer") for _ in range(600)]
    invoices = [
        shop.account.create("invoice", status="open", lines={"object": "list", "data": [], "has_more": False})
        for _ in range(200)
    ]
    first = shop.sync(after=40 * MINUTES)
    for thing in [*customers[:60], *invoices[:40]]:
        shop.account.change(thing)
        shop.account.change(thing)
    summary = shop.sync(after=2 * MINUTES)
    shop.is_as_stripe_is()
    assert summary.requests <= 100 + 40 + 20 < first.fetched
    written = "select count(*) from raw_stripe.{} where account = $account and version_at >= $since".format
    since = datetime.fromtimestamp(shop.account.clock - MINUTES, UTC).replace(tzinfo=None).isoformat()
    for table, count in (("customers", 60), ("invoices", 40)):
        assert shop.rows(written(table).replace("$since", f"timestamp '{since}'")) == [(count,)]
    idle = shop.sync(after=2 * MINUTES)
    assert idle.requests <= 20


def test_a_delivery_that_lies_in_the_journal_is_followed(shop: Shop) -> None:
    """What the gateway has acknowledged a moment ago counts, sealed or not; the events' list shows it later."""
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES)
    shop.account.change(customer)
    label = Label(source="stripe", name="webhook", options={"account": shop.name, "mode": "test", "source": "webhook"})
    journal = Journal(shop.settings.landing_dir)
    now = datetime.fromtimestamp(shop.account.clock, UTC)
    journal.append(label.encoded(), orjson.dumps(shop.account.events[-1]) + b"\n", now=now).result()
    shop.sync(after=5)
    journal.close()
    shop.is_as_stripe_is()


def test_an_event_is_followed_once_and_its_late_webhook_all_the_same(shop: Shop) -> None:
    """The list shows an event for ten minutes; a webhook is later than the state that we have, and in another shape."""
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES)
    asked: list[str] = []

    def changes_again(path: str) -> None:
        asked.append(path)
        if len(asked) == 1:
            shop.account.clock += 20
            shop.account.change(customer)

    shop.account.change(customer)
    shop.account.clock += 2 * MINUTES
    shop.account.knobs.meanwhile = changes_again
    shop.sync()
    late = shop.account.events[-1]
    # Its state is fetched already, under a time before it: this fetch shows nothing new.
    shop.sync(after=2 * MINUTES)
    one = f"v1/customers/{customer['id']}"
    assert asked.count(one) == 2
    shop.account.knobs.meanwhile = asked.append
    shop.sync(after=1 * MINUTES)
    assert asked.count(one) == 2
    shop.is_as_stripe_is()
    shop.webhooks([late])
    shop.sync(after=1 * MINUTES)
    assert asked.count(one) == 3
    shop.is_as_stripe_is()


def test_a_thin_webhook_names_its_object(shop: Shop) -> None:
    customer = shop.account.create("customer")
    shop.sync(after=40 * MINUTES)
    shop.account.change(customer, told=None)
    related = {"id": customer["id"], "type": "customer", "url": f"/v1/customers/{customer['id']}"}
    thin = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.customer.updated", "related_object": related}
    shop.webhooks([{**thin, "created": "2026-06-01T00:20:00.000Z"}])
    shop.sync(after=10)
    shop.is_as_stripe_is()
