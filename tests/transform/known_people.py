"""People who are known in several ways, and the money that they paid."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from tests.transform.sample_warehouse import JSONDict, Sample, unix
from tests.transform.stripe_shapes import item, price, subscription

ACCOUNT = "people"


def add_to(sample: Sample) -> None:
    """Ann is user and customer twice over, Bob a guest, Cleo a customer without an address, Jörg one whose address is not ASCII, Dan a visitor."""
    for kind, fields in (
        ("cus_ann", {"email": " Ann@Example.com ", "name": "Ann Lee", "metadata": {"user_id": "u_ann"}}),
        ("cus_ann_again", {"email": "ann@example.com", "name": "A. Lee", "metadata": {}}),
        ("cus_cleo", {"email": None, "name": None, "metadata": {}}),
        # The umlauts as letters of their own, as some keyboards and file systems write them.
        ("cus_joerg", {"email": "Jo\u0308rg@Bu\u0308cher.example", "name": None, "metadata": {}}),
    ):
        customer = {
            "id": kind,
            "object": "customer",
            "created": unix("2026-01-10"),
            "currency": "usd",
        } | fields
        sample.add(customer, at="2026-01-10", account=ACCOUNT)
    _subscriptions(sample)
    _money(sample)
    moment = datetime.fromisoformat("2026-01-09")
    sample.insert(
        "raw_events.identities",
        ("u_ann", "ann@example.com", "Ann", "us", "{}", moment, moment),
        ("u_dan", "dan@example.com", None, "DE", '{"name": "Dan Roe"}', moment, moment),
    )
    sample.insert(
        "raw_events.identity_map",
        (1, 1, "u_ann", "a1", "u_ann"),
        (2, 1, "u_ann", None, "u_ann"),
        (3, 2, None, "a3", "a3"),
        (4, 3, "u_dan", "a4", "u_dan"),
    )
    # Ann's telephone told its zone, and then, on her last day, something that is none.
    told = {9: '{"timezone": "Asia/Tokyo"}', 20: '{"timezone": "home"}'}
    for number, (visitor, day) in enumerate(((1, 5), (2, 9), (2, 20), (3, 6), (4, 9))):
        at = datetime.fromisoformat(f"2026-01-{day:02} 12:00")
        context = told.get(day, "{}") if visitor == 2 else "{}"
        event = (f"e{number}", False, "track", "Seen", visitor, at, at, "{}", context, at.date())
        sample.insert("raw_events.lake_events", event)
    given, withdrawn = datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2026-02-01")
    sample.insert(
        "raw_state.consents",
        (_key("ann@example.com"), "marketing", given, "form", "", None),
        (_key("bob@example.net"), "marketing", given, "form", "", withdrawn),
        (_key("j\u00f6rg@xn--bcher-kva.example"), "marketing", given, "form", "", None),
    )
    _mails(sample)


def _mails(sample: Sample) -> None:
    """One campaign: Ann, known by her first customer then, clicked; Bob is held out; Dan's address bounced."""
    planned = datetime.fromisoformat("2026-02-10 09:00")
    for number, (person, address, state) in enumerate(
        (
            ("cus_ann", "ann@example.com", "accepted"),
            (f"email_{_key('bob@example.net')}", "bob@example.net", "holdout"),
            ("u_dan", "dan@example.com", "accepted"),
        )
    ):
        message = f"m{number}" if state == "accepted" else None
        sent = planned if state == "accepted" else None
        row = (f"r{number}", "spring", "once", person, _key(address), "", state, None, 1, None, None, None)
        sample.insert("raw_state.campaign_recipients", (*row, message, planned, sent, planned))
    for number, (event, address, at) in enumerate(
        (
            ("delivered", "ann@example.com", "2026-02-10 09:01"),
            ("open", "ann@example.com", "2026-02-10 09:02"),
            ("click", "ann@example.com", "2026-02-11 18:00"),
            ("bounce", "dan@example.com", "2026-02-10 09:01"),
        )
    ):
        moment = datetime.fromisoformat(at)
        payload = '{"sg_machine_open": true}' if event == "open" else "{}"
        # The address is all that says who it was.
        told = (f"x{number}", event, "spring", "once", None, None, _key(address), None, None, None)
        sample.insert("raw_email.events", (*told, moment, moment, payload, None, False))
    sample.insert("raw_state.suppressions", (_key("dan@example.com"), "all", "bounce", "sendgrid", planned))


def _subscriptions(sample: Sample) -> None:
    small, large = price("1000", product="prod_small"), price("9000", product="prod_large")
    for thing in (small, large):
        sample.add(thing, at="2026-01-10", account=ACCOUNT)
    for product, name in (("prod_small", "Small"), ("prod_large", "Large")):
        sample.add(
            {"id": product, "object": "product", "name": name, "active": True},
            at="2026-01-10",
            account=ACCOUNT,
        )
    for customer, status, items in (
        ("cus_ann", "canceled", [item(small)]),
        ("cus_ann_again", "past_due", [item(small), item(large)]),
    ):
        ended = unix("2026-01-12") if status == "canceled" else None
        found = subscription(*items, customer=customer, status=status, ended_at=ended, start_date=unix("2026-01-11"))
        sample.add(found, at="2026-02-01", account=ACCOUNT)


def _money(sample: Sample) -> None:
    charge(sample, "ch_ann", 5000, "cus_ann_again", None, settled=4600)
    charge(sample, "ch_failed", 5000, "cus_ann_again", None, status="failed")
    charge(sample, "ch_bob", 700, None, "BOB@example.net", settled=700)
    refund = {"object": "refund", "currency": "eur", "charge": "ch_ann", "created": unix("2026-02-02")}
    for number, status, amount in ((1, "succeeded", 2000), (2, "failed", 3000)):
        sample.add(
            refund | {"id": f"re_{number}", "status": status, "amount": amount},
            at="2026-02-02",
            account=ACCOUNT,
        )
    payment = {"type": "payment_intent", "payment_intent": "pi_ch_ann"}
    link = {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_ann", "payment": payment}
    sample.add(link, at="2026-02-01", account=ACCOUNT)


def charge(
    sample: Sample,
    name: str,
    amount: int,
    customer: str | None,
    email: str | None,
    *,
    settled: int = 0,
    status: str = "succeeded",
) -> None:
    """A charge in euros with its balance transaction in dollars (fee 30)."""
    paid: JSONDict = {
        "id": name, "object": "charge", "created": unix("2026-02-01"), "customer": customer,
        "currency": "eur", "amount": amount, "amount_captured": amount, "status": status, "captured": True,
        "payment_intent": f"pi_{name}", "balance_transaction": f"txn_{name}",
        "billing_details": {"email": email, "name": "Bob Ray", "address": {"country": "fr"}},
    }  # fmt: skip
    sample.add(paid, at="2026-02-01", account=ACCOUNT)
    if settled:
        entry: dict[str, Any] = {
            "id": f"txn_{name}",
            "object": "balance_transaction",
            "source": name,
            "type": "charge",
        }
        amounts = {
            "currency": "usd",
            "amount": settled,
            "fee": 30,
            "net": settled - 30,
            "exchange_rate": 0.92,
        }
        sample.add(entry | amounts, at="2026-02-01", account=ACCOUNT)


def _key(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
