"""The simulated business: the same every time, true to Stripe's shapes, and true to itself."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import stripe

from pipelines.demo.business import make_business
from pipelines.demo.kinds import KINDS
from tests.demo.asking import Data, Json, lines_of

UNTIL = date(2026, 11, 24)
END = 1_795_478_400  # midnight UTC of that day

CLASSES: dict[str, Any] = {
    "customers": stripe.Customer,
    "products": stripe.Product,
    "prices": stripe.Price,
    "subscriptions": stripe.Subscription,
    "invoices": stripe.Invoice,
    "invoice_lines": stripe.InvoiceLineItem,
    "invoice_payments": stripe.InvoicePayment,
    "invoiceitems": stripe.InvoiceItem,
    "payment_intents": stripe.PaymentIntent,
    "charges": stripe.Charge,
    "refunds": stripe.Refund,
    "balance_transactions": stripe.BalanceTransaction,
    "coupons": stripe.Coupon,
    "promotion_codes": stripe.PromotionCode,
    "discounts": stripe.Discount,
    "disputes": stripe.Dispute,
    "payouts": stripe.Payout,
    "credit_notes": stripe.CreditNote,
    "checkout_sessions": stripe.checkout.Session,
    "subscription_schedules": stripe.SubscriptionSchedule,
    "plans": stripe.Plan,
    "events": stripe.Event,
}


def living(customers: list[Json]) -> Iterator[Json]:
    return (customer for customer in customers if not customer.get("deleted"))


def test_one_seed_makes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        make_business(tmp_path / name, until=UNTIL, customers=40, months=3, seed=seed)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.json*"))
    assert len(files) > 15
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
    assert (tmp_path / "one/truth.json").read_bytes() != (tmp_path / "three/truth.json").read_bytes()


def test_every_field_is_one_that_the_sdk_knows(stored: Data) -> None:
    assert CLASSES.keys() == stored.keys()
    for kind, cls in CLASSES.items():
        # What only a filter or an expansion shows is stored all the same.
        known = _fields(cls) | (KINDS[kind].hidden if kind in KINDS else set())
        for obj in stored[kind]:
            assert obj.keys() <= known, (kind, obj.keys() - known)
    for subscription in stored["subscriptions"]:
        for item in subscription["items"]["data"]:
            assert item.keys() <= _fields(stripe.SubscriptionItem)
            assert item["plan"].keys() <= _fields(stripe.Plan)
            assert item["price"].keys() <= _fields(stripe.Price)


def _fields(cls: Any) -> set[str]:
    return {name for one in cls.__mro__ for name in getattr(one, "__annotations__", {})}


def test_nested_parts_are_ones_that_the_sdk_knows(stored: Data) -> None:
    for invoice in stored["invoices"]:
        assert invoice["status_transitions"].keys() <= _fields(stripe.Invoice.StatusTransitions)
        for tax in invoice["total_taxes"]:
            assert tax.keys() <= _fields(stripe.Invoice.TotalTax)
        for line in invoice["lines"]["data"]:
            assert line["pricing"].keys() <= _fields(stripe.InvoiceLineItem.Pricing)
            details = line["parent"]["subscription_item_details"]
            if details:
                assert details.keys() <= _fields(stripe.InvoiceLineItem.Parent.SubscriptionItemDetails)


def test_nothing_happens_after_the_end_of_the_story(story: Path, stored: Data) -> None:
    moments = ("created", "date", "canceled_at", "ended_at", "start_date")
    for kind, objects in stored.items():
        for obj in objects:
            assert all((obj.get(name) or 0) < END for name in moments), (kind, obj["id"])
    end = datetime.fromtimestamp(END, UTC).isoformat()[:19]
    for path in (story / "events").iterdir():
        for moment in re.findall(rb'"timestamp":"([^"]*)"', path.read_bytes()):
            assert moment.decode() < end
    for path in (story / "email").iterdir():
        assert all(told["timestamp"] < END for told in lines_of(path))


def test_pointers_lead_to_objects(stored: Data) -> None:
    ids = {kind: {obj["id"] for obj in objects} for kind, objects in stored.items()}
    for invoice in stored["invoices"]:
        assert invoice["customer"] in ids["customers"]
        if invoice["parent"]:
            assert invoice["parent"]["subscription_details"]["subscription"] in ids["subscriptions"]
    for payment in stored["invoice_payments"]:
        assert payment["invoice"] in ids["invoices"]
        assert payment["payment"]["payment_intent"] in ids["payment_intents"]
    for charge in stored["charges"]:
        assert charge["payment_intent"] in ids["payment_intents"]
        assert charge["customer"] is None or charge["customer"] in ids["customers"]
        assert (charge["balance_transaction"] in ids["balance_transactions"]) == charge["paid"]
    for subscription in stored["subscriptions"]:
        assert subscription["latest_invoice"] in ids["invoices"]


def test_invoices_add_up_and_are_paid_by_their_charge(stored: Data) -> None:
    intents = {payment["invoice"]: payment["payment"]["payment_intent"] for payment in stored["invoice_payments"]}
    paid = {charge["payment_intent"]: charge["amount"] for charge in stored["charges"] if charge["paid"]}
    long = defaultdict(list)
    for line in stored["invoice_lines"]:
        long[line["invoice"]].append(line)
    for invoice in stored["invoices"]:
        lines = long.get(invoice["id"], invoice["lines"]["data"])
        assert invoice["subtotal"] == sum(line["subtotal"] for line in lines)
        off = sum(taken["amount"] for taken in invoice["total_discount_amounts"])
        assert off == sum(taken["amount"] for line in lines for taken in line["discount_amounts"])
        assert invoice["total_excluding_tax"] == invoice["subtotal"] - off
        assert invoice["total"] == invoice["total_excluding_tax"] + sum(tax["amount"] for tax in invoice["total_taxes"])
        assert invoice["amount_paid"] + invoice["amount_remaining"] == invoice["total"] >= 0
        if invoice["status"] == "paid" and invoice["total"]:
            assert invoice["amount_paid"] == paid[intents[invoice["id"]]]
        else:
            assert invoice["amount_paid"] == 0


def test_the_balance_is_charges_less_refunds_and_fees(stored: Data) -> None:
    entries = {entry["id"]: entry for entry in stored["balance_transactions"]}
    assert all(entry["net"] == entry["amount"] - entry["fee"] for entry in entries.values())
    assert {entry["currency"] for entry in entries.values()} == {"usd", "eur", "jpy"}
    assert {entry["currency"] for entry in entries.values() if entry["exchange_rate"]} == {"usd"}
    assert all(entry["fee"] == sum(fee["amount"] for fee in entry["fee_details"]) for entry in entries.values())
    dollars = [charge for charge in stored["charges"] if charge["paid"] and charge["currency"] == "usd"]
    given = [refund for refund in stored["refunds"] if refund["currency"] == "usd"]
    own = [entries[obj["balance_transaction"]] for obj in dollars + given]
    money = sum(charge["amount"] for charge in dollars) - sum(refund["amount"] for refund in given)
    assert sum(entry["net"] for entry in own) == money - sum(entry["fee"] for entry in own)
    for obj in stored["charges"] + stored["refunds"]:
        entry = entries.get(obj["balance_transaction"])
        if entry and entry["exchange_rate"]:
            exact = Decimal(obj["amount"]) * Decimal(str(entry["exchange_rate"]))
            assert abs(abs(entry["amount"]) - exact) <= Decimal("0.5")


def test_refunds_are_what_the_charges_say(stored: Data) -> None:
    given: Counter[str] = Counter()
    for refund in stored["refunds"]:
        given[refund["charge"]] += refund["amount"]
    assert given
    for charge in stored["charges"]:
        assert charge["amount_refunded"] == given[charge["id"]] <= charge["amount"]
        assert charge["refunded"] == (charge["paid"] and charge["amount_refunded"] == charge["amount"])


def test_the_newest_event_of_an_object_shows_it_as_it_is(stored: Data) -> None:
    newest: dict[str, Json] = {}
    for event in stored["events"]:
        assert END - 30 * 86_400 <= event["created"] < END
        newest[event["data"]["object"]["id"]] = event
    # A price and the plan that mirrors it share their id.
    shown = (objects for kind, objects in stored.items() if kind not in ("events", "plans"))
    now = {obj["id"]: obj for objects in shown for obj in objects}
    silent = ("invoice_payment", "invoiceitem")
    checked = 0
    for identity, event in newest.items():
        if event["data"]["object"]["object"] not in silent and event["type"] != "customer.deleted":
            assert event["data"]["object"] == now[identity], event["type"]
            checked += 1
    assert checked > 100


def test_two_versions_of_an_object_never_share_a_second(stored: Data) -> None:
    seen: dict[tuple[str, int], Json] = {}
    for event in stored["events"]:
        obj = event["data"]["object"]
        assert seen.setdefault((obj["id"], event["created"]), obj) == obj


def test_updates_say_what_was_before(stored: Data) -> None:
    updated = [event for event in stored["events"] if event["type"] == "customer.subscription.updated"]
    assert updated
    for event in updated:
        previous = event["data"]["previous_attributes"]
        assert previous
        assert all(event["data"]["object"][name] != value for name, value in previous.items())


def test_an_upgrade_keeps_the_item_and_is_prorated(stored: Data) -> None:
    items = {item["id"] for sub in stored["subscriptions"] for item in sub["items"]["data"]}
    prices = {price["id"]: price for price in stored["prices"]}
    credits = switches = 0
    for invoice in stored["invoices"]:
        prorated = [line for line in invoice["lines"]["data"] if _proration(line)]
        for credit, debit in zip(prorated[::2], prorated[1::2], strict=len(prorated) % 2 == 0):
            assert credit["amount"] < 0 < debit["amount"]
            assert credit["period"] == debit["period"]
            details = [line["parent"]["subscription_item_details"] for line in (credit, debit)]
            assert details[0]["subscription_item"] == details[1]["subscription_item"] in items
            credits += 1
            before, after = (prices[line["pricing"]["price_details"]["price"]] for line in (credit, debit))
            switches += before["product"] != after["product"]
    assert credits > 20
    assert switches > 5


def _proration(line: Json) -> bool:
    details = line["parent"]["subscription_item_details"]
    return bool(details and details["proration"])


def test_the_story_has_every_fate_in_it(stored: Data) -> None:
    states = Counter(subscription["status"] for subscription in stored["subscriptions"])
    assert {"active", "trialing", "canceled"} <= states.keys()
    reasons = {sub["cancellation_details"]["reason"] for sub in stored["subscriptions"]}
    assert {"cancellation_requested", "payment_failed"} <= reasons
    assert {"paid", "uncollectible"} <= {invoice["status"] for invoice in stored["invoices"]}
    assert {charge["status"] for charge in stored["charges"]} == {"succeeded", "failed"}
    assert {sub["currency"] for sub in stored["subscriptions"]} == {"usd", "eur", "jpy"}
    subscribers = {sub["customer"] for sub in stored["subscriptions"]}
    buyers = {invoice["customer"] for invoice in stored["invoices"] if invoice["billing_reason"] == "manual"}
    assert buyers - subscribers
    assert any(charge["customer"] is None for charge in stored["charges"])
    assert any(invoice["lines"]["has_more"] for invoice in stored["invoices"])


def test_addresses_belong_to_nobody(story: Path, stored: Data) -> None:
    emails = [customer["email"] for customer in living(stored["customers"])]
    emails += [consent["email"] for consent in lines_of(story / "consents.jsonl")]
    assert all(email.rsplit("@", 1)[1] in ("example.com", "example.org", "example.net") for email in emails)
    assert len({customer["email"] for customer in living(stored["customers"])}) == len(
        list(living(stored["customers"]))
    )
