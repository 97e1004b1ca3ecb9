"""The cashier: takes an invoice from draft to paid, or through its retries to the end of hope.

Charges, payment intents, invoice payments and balance transactions come from here. What a payment
means for a subscription is the payer's business, whom the cashier only tells.
"""

from __future__ import annotations

from typing import Any, Protocol

from pipelines.demo import shapes_money as shapes
from pipelines.demo.clock import DAY, HOUR, MINUTE
from pipelines.demo.desk import Desk
from pipelines.demo.disputes import maybe_dispute
from pipelines.demo.outage import DECLINED
from pipelines.demo.refunds import enter_balance, maybe_refund

Json = dict[str, Any]

RETRY_GAPS = (3 * DAY, 5 * DAY, 7 * DAY)
DECLINES = ("insufficient_funds", "generic_decline", "do_not_honor", "expired_card")


class Payer(Protocol):
    """Who is told how a payment went. `last` = there will be no further try."""

    def paid(self, at: int, invoice: Json) -> None:
        """The invoice was paid at this moment."""

    def failed(self, at: int, invoice: Json, last: bool) -> None:
        """A try failed; `last` = there will be no further one."""


class Cashier:
    """Collects the invoices of one customer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: dict[str, tuple[Json, Json, Payer | None]] = {}
        self._card = shapes.card(desk.person.country.code, f"{desk.rng.randint(0, 9_999):04d}")
        self._method = desk.books.new_id("pm_1", 23)
        self._numbers = 0
        self.paid_with: dict[str, str] = {}
        """The payment intent that paid an invoice, by the invoice's id."""

    def finalise(self, at: int, invoice: Json, payer: Payer | None) -> None:
        """Open a draft; money is asked for two seconds later, and nothing is asked for nothing."""
        if invoice["status"] != "draft" or not invoice["auto_advance"]:
            return
        self._numbers += 1
        opened = {
            "number": f"{self._desk.customer['invoice_prefix']}-{self._numbers:04d}",
            "effective_at": at,
            "automatically_finalizes_at": None,
            "status_transitions": invoice["status_transitions"] | {"finalized_at": at},
        }
        if invoice["total"] == 0:
            opened["status_transitions"]["paid_at"] = at
            nothing_due = {"status": "paid", "attempted": True, "auto_advance": False}
            types = "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"
            self._desk.books.change(invoice, at, *types, **opened, **nothing_due)
            return
        self._desk.books.change(invoice, at, "invoice.finalized", status="open", **opened)
        self._open[invoice["id"]] = (*self._ask(at, invoice), payer)
        self._desk.agenda.at(at + 2, self._attempt, invoice, 1)

    def give_up(self, at: int, invoice: Json, status: str) -> None:
        """Close an unpaid invoice as `void` or `uncollectible`."""
        books = self._desk.books
        moment = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
        kind = {"void": "invoice.voided", "uncollectible": "invoice.marked_uncollectible"}[status]
        transitions = invoice["status_transitions"] | {moment: at}
        closed = {"status": status, "status_transitions": transitions, "next_payment_attempt": None}
        books.change(invoice, at, kind, auto_advance=False, **closed)
        intent, payment, _ = self._open.pop(invoice["id"])
        books.change(intent, at, "payment_intent.canceled", status="canceled", canceled_at=at,
                     cancellation_reason="void_invoice")  # fmt: skip
        books.change(payment, at, status="canceled", status_transitions={"canceled_at": at, "paid_at": None})

    def _ask(self, at: int, invoice: Json) -> tuple[Json, Json]:
        books = self._desk.books
        arguments = invoice["amount_due"], invoice["currency"], invoice["customer"], at
        intent = shapes.payment_intent(books.new_id("pi_3", 23), *arguments)
        intent["description"] = "Subscription update" if invoice["parent"] else "Download"
        books.add(intent, at, "payment_intent.created")
        payment = shapes.invoice_payment(books.new_id("inpay_1", 23), invoice, intent["id"], at)
        books.add(payment, at)
        return intent, payment

    def _attempt(self, at: int, invoice: Json, tries: int) -> None:
        if invoice["id"] not in self._open:
            return
        first = invoice["billing_reason"] in ("subscription_create", "manual")
        risk = (0.35 if first else 0.55) if tries > 1 else 0.045
        if self._desk.world.outage.covers(at):
            risk = max(risk, DECLINED)
        charge = self._charge(at, invoice)
        if self._desk.rng.random() < risk:
            self._decline(at, invoice, charge, tries, first)
        else:
            self._settle(at, invoice, charge, tries)

    def _charge(self, at: int, invoice: Json) -> Json:
        person = self._desk.person
        intent = self._open[invoice["id"]][0]
        payer = {"email": person.email, "name": self._desk.customer["name"], "country": person.country.code}
        charge = shapes.charge(self._desk.books.new_id("ch_3", 23), intent, at, payer, self._card)
        return charge | {"payment_method": self._method}

    def _settle(self, at: int, invoice: Json, charge: Json, tries: int) -> None:
        books = self._desk.books
        intent, payment, payer = self._open.pop(invoice["id"])
        charge["balance_transaction"] = enter_balance(self._desk, charge, "charge", charge["id"], charge["amount"], at)
        books.add(charge, at, "charge.succeeded")
        books.change(intent, at, "payment_intent.succeeded", status="succeeded", latest_charge=charge["id"],
                     amount_received=charge["amount"], payment_method=self._method,
                     last_payment_error=None)  # fmt: skip
        books.change(payment, at, "invoice_payment.paid", status="paid", amount_paid=charge["amount"],
                     status_transitions={"canceled_at": None, "paid_at": at})  # fmt: skip
        books.change(invoice, at, "invoice.paid", "invoice.payment_succeeded", status="paid", attempted=True,
                     attempt_count=tries, amount_paid=charge["amount"], amount_remaining=0, auto_advance=False,
                     next_payment_attempt=None,
                     status_transitions=invoice["status_transitions"] | {"paid_at": at})  # fmt: skip
        self._desk.diary.paid.append(at)
        self.paid_with[invoice["id"]] = intent["id"]
        if not maybe_refund(self._desk, charge, at, invoice):
            maybe_dispute(self._desk, charge, at)
        if payer is not None:
            payer.paid(at, invoice)

    def _decline(self, at: int, invoice: Json, charge: Json, tries: int, first: bool) -> None:
        books, rng = self._desk.books, self._desk.rng
        code = rng.choice(DECLINES)
        charge |= shapes.declined(code)
        intent, _, payer = self._open[invoice["id"]]
        books.add(charge, at, "charge.failed")
        error = {
            "type": "card_error",
            "code": charge["failure_code"],
            "decline_code": code,
            "charge": charge["id"],
        }
        books.change(intent, at, "payment_intent.payment_failed", latest_charge=charge["id"],
                     last_payment_error=error)  # fmt: skip
        # Somebody who stands at the checkout tries another card at once; a renewal is retried for days.
        gap = (rng.randint(3, 40) * MINUTE if tries == 1 else 23 * HOUR) if first else None
        last = tries > (1 if first else len(RETRY_GAPS))
        again = None if last else at + (gap or RETRY_GAPS[tries - 1] + rng.randint(0, 6 * HOUR))
        books.change(invoice, at, "invoice.payment_failed", attempted=True, attempt_count=tries,
                     next_payment_attempt=None if first else again)  # fmt: skip
        if payer is not None:
            payer.failed(at, invoice, last)
        elif last:
            self._desk.agenda.at(at + 1, self.give_up, invoice, "void")
        if again is not None:
            self._desk.agenda.at(again, self._attempt, invoice, tries + 1)
