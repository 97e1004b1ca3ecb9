"""What is bought without a subscription: downloads of customers and of guests, and leaving for good."""

from __future__ import annotations

from random import Random
from typing import Any

from pipelines.demo import shapes_billing, shapes_money
from pipelines.demo import shapes_lines as lines
from pipelines.demo.books import Books
from pipelines.demo.cashier import Cashier
from pipelines.demo.catalogue import DOWNLOADS
from pipelines.demo.desk import Desk
from pipelines.demo.refunds import enter_balance

Json = dict[str, Any]


def buy_download(desk: Desk, cashier: Cashier, at: int) -> None:
    """A customer buys one download: an invoice of its own, paid at once."""
    books = desk.books
    if desk.customer.get("deleted"):
        return
    name = desk.rng.choice(tuple(DOWNLOADS))
    price = desk.catalogue.downloads[name, desk.person.country.currency]
    drawn = lines.line(books.new_id("il_1", 23), desk.person.country, price, 1, price["unit_amount"], (at, at), name)
    pending = lines.invoice_item(books.new_id("ii_1", 23), desk.customer["id"], drawn, at, None)
    identity = books.new_id("in_1", 23)
    books.add(pending | {"invoice": identity}, at, "invoiceitem.created")
    line = lines.of_invoice_item(drawn, pending) | {"invoice": identity}
    invoice = shapes_billing.invoice(identity, desk.person, desk.customer["id"], at, "manual", [line], None)
    books.add(invoice, at, "invoice.created")
    desk.agenda.at(at + 1, cashier.finalise, invoice, None)


def buy_as_guest(desk: Desk, at: int) -> None:
    """Somebody without a customer record pays once: an intent and a charge, no invoice."""
    books, rng = desk.books, desk.rng
    name = rng.choice(tuple(DOWNLOADS))
    price = desk.catalogue.downloads[name, desk.person.country.currency]
    intent = shapes_money.payment_intent(books.new_id("pi_3", 23), price["unit_amount"], price["currency"], None, at)
    intent |= {"description": name, "metadata": {"price": price["id"], "product": price["product"]}}
    books.add(intent, at, "payment_intent.created")
    method = shapes_money.card(desk.person.country.code, f"{rng.randint(0, 9_999):04d}")
    payer = {"email": desk.person.email, "name": None, "country": desk.person.country.code}
    intent["payment_method"] = books.new_id("pm_1", 23)
    charge = shapes_money.charge(books.new_id("ch_3", 23), intent, at, payer, method)
    charge["balance_transaction"] = enter_balance(desk, charge, "charge", charge["id"], charge["amount"], at)
    books.add(charge, at, "charge.succeeded")
    books.change(intent, at, "payment_intent.succeeded", status="succeeded", latest_charge=charge["id"],
                 amount_received=charge["amount"])  # fmt: skip


def guest_moments(rng: Random, count: int, start: int, books: Books) -> list[int]:
    """When guests buy: evenly spread over the story."""
    return sorted(rng.randrange(start, books.end) for _ in range(count))


def delete_customer(desk: Desk, at: int) -> None:
    """The customer asks to be deleted; Stripe keeps the id and that it is gone."""
    if desk.customer["currency"] is not None:
        return
    desk.books.emit(desk.customer, at, ("customer.deleted",))
    gone = {"id": desk.customer["id"], "object": "customer", "deleted": True}
    desk.books.objects["customers"][desk.customer["id"]] = gone
    desk.customer["deleted"] = True
