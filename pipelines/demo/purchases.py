"""What is bought without a subscription: downloads of customers and of guests, and leaving for good."""

from __future__ import annotations

from random import Random
from typing import Any

from pipelines.demo import shapes_billing, shapes_money
from pipelines.demo import shapes_lines as lines
from pipelines.demo.books import Books
from pipelines.demo.cashier import Cashier
from pipelines.demo.catalogue import DOWNLOADS
from pipelines.demo.clock import MINUTE
from pipelines.demo.desk import Desk
from pipelines.demo.disputes import maybe_dispute
from pipelines.demo.refunds import enter_balance

Json = dict[str, Any]


class Checkout:
    """One download on its way through Stripe's checkout: it is told how the payment went."""

    def __init__(self, desk: Desk, cashier: Cashier, session: Json, details: Json, *, is_by_mail: bool) -> None:
        self._desk, self._cashier, self._session, self._details = desk, cashier, session, details
        self._is_by_mail = is_by_mail

    def paid(self, at: int, invoice: Json) -> None:
        """The session is complete, and the shop's own page says so in an event."""
        paid_by = {"invoice": invoice["id"], "payment_intent": self._cashier.paid_with[invoice["id"]]}
        complete_session(self._desk, self._session, at, **paid_by)
        self._desk.diary.milestones.append((at, "Order Completed", self._details))
        if self._is_by_mail:
            self._desk.diary.by_mail.append(at)

    def failed(self, at: int, invoice: Json, last: bool) -> None:
        """After the last try nothing more is asked for, and the session runs out."""
        if last:
            self._desk.agenda.at(at + 1, self._cashier.give_up, invoice, "void")
            expires = self._session["expires_at"]
            if expires < self._desk.books.end:
                self._desk.agenda.at(expires, self._expire)

    def _expire(self, at: int) -> None:
        self._desk.books.change(self._session, at, "checkout.session.expired", status="expired")


def buy_download(desk: Desk, cashier: Cashier, at: int, name: str | None = None) -> None:
    """A customer buys one download, any or the one that a mail offered: a checkout session, and an invoice."""
    books = desk.books
    if desk.customer.get("deleted"):
        return
    is_by_mail = name is not None
    name = name or desk.rng.choice(tuple(DOWNLOADS))
    price = desk.catalogue.downloads[name, desk.person.country.currency]
    drawn = lines.line(books.new_id("il_1", 23), desk.person.country, price, 1, price["unit_amount"], (at, at), name)
    pending = lines.invoice_item(books.new_id("ii_1", 23), desk.customer["id"], drawn, at, None)
    identity = books.new_id("in_1", 23)
    books.add(pending | {"invoice": identity}, at, "invoiceitem.created")
    line = lines.of_invoice_item(drawn, pending) | {"invoice": identity}
    invoice = shapes_billing.invoice(identity, desk.person, desk.customer["id"], at, "manual", [line], None)
    books.add(invoice, at, "invoice.created")
    session = _open_session(desk, at, price, invoice["total"], desk.person.user_id)
    session |= {"customer": desk.customer["id"], "invoice_creation": session["invoice_creation"] | {"enabled": True}}
    details = order_details(session, name)
    desk.diary.milestones.append((at, "Checkout Started", details))
    desk.agenda.at(at + 1, cashier.finalise, invoice, Checkout(desk, cashier, session, details, is_by_mail=is_by_mail))


def buy_as_guest(desk: Desk, at: int, user_id: str | None) -> None:
    """Somebody without a customer record pays once: a session, an intent and a charge, no invoice.

    `user_id` is known where the browser is one that somebody signed up with.
    """
    books, rng = desk.books, desk.rng
    name = rng.choice(tuple(DOWNLOADS))
    price = desk.catalogue.downloads[name, desk.person.country.currency]
    session = _open_session(desk, at - 2 * MINUTE, price, price["unit_amount"], user_id)
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
    complete_session(desk, session, at, payment_intent=intent["id"])
    details = order_details(session, name)
    desk.diary.milestones += [(at - 2 * MINUTE, "Checkout Started", details), (at, "Order Completed", details)]
    maybe_dispute(desk, charge, at)
    desk.agenda.run()


def order_details(session: Json, name: str) -> Json:
    """The properties of the shop's events: by `order_id` they join with Stripe's session."""
    return {
        "order_id": session["id"],
        "product": name,
        "currency": session["currency"].upper(),
        "total_minor": session["amount_total"],
    }


def complete_session(desk: Desk, session: Json, at: int, **paid_by: str) -> None:
    """The payment went through."""
    done = {"status": "complete", "payment_status": "paid"}
    desk.books.change(session, at, "checkout.session.completed", **done, **paid_by)


def _open_session(desk: Desk, at: int, price: Json, total: int, reference: str | None) -> Json:
    details: Json = {
        "address": shapes_billing.address(desk.person.country.code), "business_name": None,
        "email": desk.person.email, "individual_name": None, "name": None, "phone": None, "tax_exempt": "none",
        "tax_ids": [],
    }  # fmt: skip
    identity = desk.books.new_id("cs_test_a1", 40)
    amounts = price["unit_amount"], total
    session = shapes_money.checkout_session(identity, at, price["currency"], amounts,
                                            client_reference_id=reference, customer_details=details)  # fmt: skip
    desk.books.add(session, at)
    return session


def guest_moments(rng: Random, count: int, start: int, books: Books) -> list[int]:
    """When guests buy: evenly spread over the story, after its first hour."""
    return sorted(rng.randrange(start + 60 * MINUTE, books.end) for _ in range(count))


def delete_customer(desk: Desk, at: int) -> None:
    """The customer asks to be deleted; Stripe keeps the id and that it is gone."""
    if desk.customer["currency"] is not None:
        return
    desk.books.emit(desk.customer, at, ("customer.deleted",))
    gone = {"id": desk.customer["id"], "object": "customer", "deleted": True}
    desk.books.objects["customers"][desk.customer["id"]] = gone
    desk.customer["deleted"] = True
