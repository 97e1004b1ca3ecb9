"""Fetching from Stripe: CPU and time per object, against the SDK's own loop and against bare HTTP.

All ask one fake Stripe, which is a process of its own, for the same lists. The floor is `requests`
over the same pages, parsed by nobody. The peer is `auto_paging_iter`, which hands out the SDK's
objects and keeps nothing; ours brings every answer to disk. The load into the warehouse is timed
apart. The last figures are a sync under a rate limit against what that limit allows, and a sync after
100 changes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import requests
import stripe

from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.stripe import StripeApi, load_landed, prepare_stripe
from pipelines.stripe.feed import Feed
from pipelines.stripe.limiter import Limits
from pipelines.stripe.stored import StoredObjects
from pipelines.warehouse import Warehouse
from pipelines.warehouse.writer import Connection

OBJECTS = 200_000
"""Invoices, charges and customers, a third each: what a growing business has most of."""
PEER_OBJECTS = 6_000
"""Of each kind, for the SDK's loop, which takes long."""
RATE = Limits(per_endpoint=20, in_all=80, at_once=24)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = "sk_test_benchmark"
Json = dict[str, Any]


@dataclass(frozen=True)
class Spent:
    """What a way took for how many objects."""

    objects: int
    seconds: float
    cpu: float

    @property
    def micros(self) -> float:
        """CPU microseconds per object."""
        return self.cpu / self.objects * 1e6


def measure(objects: int = OBJECTS, peer: int = PEER_OBJECTS) -> str:
    """Fetch them in each way, then a sync under a limit, then one after 100 changes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        count = objects // 3
        write_account(folder / "stripe", count)
        with served(folder / "stripe") as base:
            floor = spent(lambda: bare(base, peer))
            loop = spent(lambda: sdk_loop(base, peer))
            settings = told(folder / "data", base)
            with Warehouse(settings).write("benchmark") as connection:
                prepare_stripe(connection)
                open_state(settings)
                fetched = spent(lambda: fetch(settings, connection, NOW).fetched)
                loaded = spent(lambda: load_landed(connection, settings, now=NOW).read)
                change(folder / "stripe", 100)
                later = NOW + timedelta(hours=1)
                changed = spent(lambda: fetch(settings, connection, later)._api.requests)
                reloaded = spent(lambda: load_landed(connection, settings, now=later).read)
                rewritten = written_since(connection, NOW)
            limited = under_limit(told(folder / "limited", base), count // 100)
    return (
        f"{fetched.micros:.0f} µs of CPU per object fetched and landed ({fetched.objects:,} objects, "
        f"{fetched.objects / fetched.seconds:,.0f} a second), {fetched.micros / loop.micros:.3f} of the SDK's loop "
        f"({loop.micros:.0f} µs), {fetched.micros / floor.micros:.1f} times bare HTTP ({floor.micros:.0f} µs); "
        f"with the load {(fetched.cpu + loaded.cpu) / fetched.objects * 1e6:.0f} µs, "
        f"{(fetched.cpu + loaded.cpu) / fetched.objects * 1e6 / loop.micros:.2f} of the SDK's loop; "
        f"under a limit of {RATE.per_endpoint:.0f} a second and endpoint {limited:.2f} of what it allows; "
        f"after 100 changes {changed.objects} requests in {changed.seconds:.1f} s, {rewritten} rows rewritten in "
        f"{reloaded.seconds:.2f} s"
    )


def write_account(folder: Path, count: int) -> None:
    """So many customers, invoices and charges, one a minute up to now, in the shape of Stripe's own examples."""
    folder.mkdir(parents=True)
    makers: dict[str, Callable[[int, int], Json]] = {"customers": customer, "invoices": invoice, "charges": charge}
    for name, make in makers.items():
        with (folder / f"{name}.jsonl").open("wb") as file:
            for number in range(count):
                at = int(NOW.timestamp()) - (count - number) * 60
                file.write(orjson.dumps(make(number, at)) + b"\n")


def customer(number: int, at: int) -> Json:
    """A customer of usual size."""
    address = {"city": "Berlin", "country": "DE", "line1": f"{number} Mill Lane", "line2": None, "postal_code": "10115"}
    return {
        "id": f"cus_{number:08d}", "object": "customer", "created": at, "livemode": False, "balance": 0,
        "address": address, "currency": "eur", "email": f"person{number}@example.com", "name": f"Person {number}",
        "description": None, "metadata": {"plan": "pro", "source": "web"}, "preferred_locales": ["de"], "phone": None,
        "invoice_settings": {"custom_fields": None, "default_payment_method": f"pm_{number:08d}", "footer": None},
        "shipping": None, "tax_exempt": "none", "delinquent": False, "discount": None, "next_invoice_sequence": 7,
    }  # fmt: skip


def invoice(number: int, at: int) -> Json:
    """An invoice with three lines, some 5 KB."""
    lines = [line(number, place, at) for place in range(3)]
    return {
        "id": f"in_{number:08d}", "object": "invoice", "created": at, "livemode": False, "status": "paid",
        "customer": f"cus_{number:08d}", "currency": "eur", "amount_due": 2900, "amount_paid": 2900, "total": 2900,
        "amount_remaining": 0, "discounts": [], "subtotal": 2900, "number": f"A-{number:06d}", "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": f"sub_{number:08d}"}},
        "status_transitions": {"finalized_at": at, "paid_at": at, "voided_at": None, "marked_uncollectible_at": None},
        "hosted_invoice_url": f"https://invoice.example.com/i/acct_1/{'x' * 80}{number}", "total_taxes": [],
        "customer_address": {"city": "Berlin", "country": "DE", "line1": f"{number} Mill Lane", "postal_code": "10115"},
        "lines": {"object": "list", "data": lines, "has_more": False, "url": f"/v1/invoices/in_{number:08d}/lines"},
    }  # fmt: skip


def line(number: int, place: int, at: int) -> Json:
    """A line of an invoice."""
    return {
        "id": f"il_{number:08d}{place}", "object": "line_item", "amount": 967, "currency": "eur", "discounts": [],
        "description": "1 × Pro (at €9.67 / month)", "discount_amounts": [], "discountable": True, "livemode": False,
        "invoice": f"in_{number:08d}", "metadata": {}, "period": {"start": at, "end": at + 2_592_000}, "quantity": 1,
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": None,
            "subscription_item_details": {"subscription": f"sub_{number:08d}", "subscription_item": f"si_{number}",
                                          "proration": False, "proration_details": {"credited_items": None}},
        },
        "pricing": {"type": "price_details", "unit_amount_decimal": "967",
                    "price_details": {"price": "price_1", "product": "prod_1"}},
        "subtotal": 967, "taxes": [], "pretax_credit_amounts": [],
    }  # fmt: skip


def charge(number: int, at: int) -> Json:
    """A card charge."""
    card = {
        "brand": "visa",
        "country": "DE",
        "exp_month": 4,
        "exp_year": 2031,
        "funding": "credit",
        "last4": "4242",
        "checks": {"address_line1_check": None, "cvc_check": "pass"},
        "network": "visa",
        "three_d_secure": None,
    }
    return {
        "id": f"ch_{number:08d}", "object": "charge", "created": at, "livemode": False, "amount": 2900, "paid": True,
        "amount_captured": 2900, "amount_refunded": 0, "captured": True, "currency": "eur", "status": "succeeded",
        "customer": f"cus_{number:08d}", "payment_intent": f"pi_{number:08d}", "disputed": False, "metadata": {},
        "billing_details": {"address": {"city": None, "country": "DE"}, "email": None, "name": f"Person {number}"},
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal", "seller_message": "complete"},
        "payment_method_details": {"type": "card", "card": card}, "refunded": False, "balance_transaction": None,
    }  # fmt: skip


def change(folder: Path, count: int) -> None:
    """Change so many customers, each with its event, after the first sync."""
    at = int(NOW.timestamp()) + 900
    with (folder / "customers.jsonl").open("ab") as things, (folder / "events.jsonl").open("ab") as events:
        for number in range(count):
            thing = customer(number * 7, at - 1_000_000) | {"name": "Another name"}
            things.write(orjson.dumps(thing) + b"\n")
            event = {"id": f"evt_{number}", "object": "event", "type": "customer.updated", "created": at}
            events.write(orjson.dumps(event | {"data": {"object": thing}}) + b"\n")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The fake Stripe in a process of its own, so that its CPU is nobody's."""
    command = [sys.executable, "-m", "pipelines.demo.stripe_server", "--data", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            base = server.stdout.readline().split()[3]
            # Each file is read when it is first asked for; that is not to be measured.
            for path in ("customers", "invoices", "charges"):
                requests.get(f"{base}/v1/{path}", headers={"Authorization": f"Bearer {KEY}"}, timeout=300)
            yield base
        finally:
            server.terminate()


def told(folder: Path, base: str) -> Settings:
    """Settings over a folder of their own."""
    os.environ |= {"MILLSTREAM_DATA_DIR": str(folder), "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": base}
    return Settings()


def bare(base: str, count: int) -> int:
    """Every page's bytes and nothing done with them but finding the next page."""
    found = 0
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        for path in ("customers", "invoices", "charges"):
            left, after = count, ""
            while left > 0:
                body = session.get(f"{base}/v1/{path}?limit=100{after}", timeout=60).content
                after = f"&starting_after={orjson.loads(body)['data'][-1]['id']}"
                left -= 100
                found += 100
    return found


def sdk_loop(base: str, count: int) -> int:
    """The loop of the SDK's guide."""
    client = stripe.StripeClient(KEY, base_addresses={"api": base})
    found = 0
    lists: list[Any] = [client.v1.customers, client.v1.invoices, client.v1.charges]
    for service in lists:
        for number, _ in enumerate(service.list({"limit": 100}).auto_paging_iter(), 1):
            found += 1
            if number == count:
                break
    return found


def fetch(settings: Settings, connection: Connection, now: datetime, limits: Limits | None = None) -> Feed:
    """One sync up to the landing zone."""
    api = StripeApi(settings, limits=limits)
    stored = StoredObjects(connection, "default", api.mode)
    quiet: Callable[[str], None] = lambda line: None  # noqa: E731
    feed = Feed(settings, api, account="default", now=now, stored=stored, load=lambda: None, progress=quiet)
    feed.run()
    return feed


def written_since(connection: Connection, moment: datetime) -> int:
    """Rows of customers, invoices, lines and charges that loads of later changes wrote."""
    tables = ("customers", "invoices", "invoice_lines", "charges")
    counts = " + ".join(f"(select count(*) from raw_stripe.{table} where version_at > $moment)" for table in tables)
    row = connection.execute(f"select {counts}", {"moment": moment.replace(tzinfo=None)}).fetchone()
    assert row is not None
    return int(row[0])


def under_limit(settings: Settings, pages: int) -> float:
    """How much of what a limit allows is used: the time that three lists of so many pages need at least, as a part."""
    with Warehouse(settings).write("benchmark") as connection:
        prepare_stripe(connection)
        open_state(settings)
        taken = spent(lambda: fetch(settings, connection, NOW, RATE).fetched)
    return max(pages / RATE.per_endpoint, 3 * pages / RATE.in_all) / taken.seconds


def spent(way: Callable[[], int]) -> Spent:
    """Time and CPU of this process while it goes one way."""
    cpu, begin = _cpu(), time.perf_counter()
    count = way()
    return Spent(count, time.perf_counter() - begin, _cpu() - cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
