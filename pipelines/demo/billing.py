"""The billing of one subscription: lines for periods, prorations in between, and the invoices over them.

Prorations wait until the next invoice takes them, as in Stripe. When to bill is decided in contract.py.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pipelines.demo import shapes_billing as shapes
from pipelines.demo import shapes_lines as lines
from pipelines.demo.cashier import Cashier, Payer
from pipelines.demo.coupons import Deal
from pipelines.demo.desk import Desk

Json = dict[str, Any]

FIRST_PAGE = 10


class Billing:
    """Draws up the invoices of one subscription, whose identity is `subscription`."""

    def __init__(self, desk: Desk, cashier: Cashier, subscription: str, payer: Payer) -> None:
        self._desk, self._cashier, self._payer = desk, cashier, payer
        self._subscription = subscription
        self._pending: list[tuple[Json, Json]] = []
        self._invoices: list[Json] = []
        self.deal: Deal | None = None
        self._last_period: Json = {"invoice": None, "invoice_line_items": []}

    @property
    def is_waiting(self) -> bool:
        """Whether prorations wait for the next invoice."""
        return bool(self._pending)

    def period_line(self, item: Json, trial: bool = False) -> Json:
        """The line for the item's current period, lowered by a coupon; a trial costs nothing."""
        name = self._desk.catalogue.name_of(item["price"])
        amount = 0 if trial else item["price"]["unit_amount"] * item["quantity"]
        text = f"Trial period for {name}" if trial else f"{item['quantity']} × {name}"
        drawn = self._line(item, item["price"], item["quantity"], amount, item["current_period_start"], text)
        if self.deal is not None and (off := self.deal.take(amount, item["current_period_start"])):
            lines.take_off(drawn, self._desk.person.country, self.deal.discount["id"], off)
        return drawn

    def bears(self, at: int, item: Json, price: Json, quantity: int, immediate: bool) -> bool:
        """Whether the invoice that takes the change would still ask for money and not owe any."""
        start, end = item["current_period_start"], item["current_period_end"]
        change = price["unit_amount"] * quantity - item["price"]["unit_amount"] * item["quantity"]
        waiting = sum(drawn["amount"] for drawn, _ in self._pending)
        coming = 0 if immediate else price["unit_amount"] * quantity
        return bool(waiting + coming + Fraction(change * (end - at), end - start) > 0)

    def prorate(self, at: int, item: Json, price: Json, quantity: int) -> None:
        """Credit what is left of the item as it was, and charge the rest of the period as it will be."""
        self._prorate(at, item, item["price"], item["quantity"], -1)
        self._prorate(at, item, price, quantity, 1)

    def bill(
        self, at: int, reason: str, drawn: list[Json], wait: int, since: int | None = None, *, paused: bool = False
    ) -> str:
        """Invoice the pending prorations and the drawn lines; it is finalised after `wait` seconds.

        `since` is when the period before began. While collection is paused an invoice is void as soon
        as it is made. Answers the invoice's id.
        """
        books = self._desk.books
        identity = books.new_id("in_1", 23)
        for _, pending in self._pending:
            books.change(pending, at, invoice=identity)
        bound = [line | {"invoice": identity} for line in [*(line for line, _ in self._pending), *drawn]]
        self._pending = []
        if drawn:
            self._last_period = {"invoice": identity, "invoice_line_items": [drawn[-1]["id"]]}
        details = {"metadata": {}, "subscription": self._subscription}
        parent = {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
        customer = self._desk.customer["id"]
        invoice = shapes.invoice(identity, self._desk.person, customer, at, reason, bound, parent)
        invoice |= {"automatically_finalizes_at": at + wait, "period_start": at if since is None else since}
        books.add(invoice, at, "invoice.created")
        if len(bound) > FIRST_PAGE:
            books.objects["invoice_lines"] |= {line["id"]: line for line in bound}
        if paused:
            voided = invoice["status_transitions"] | {"finalized_at": at, "voided_at": at}
            books.change(invoice, at, "invoice.voided", status="void", auto_advance=False,
                         automatically_finalizes_at=None, status_transitions=voided)  # fmt: skip
            return identity
        self._invoices.append(invoice)
        self._desk.agenda.at(at + wait, self._cashier.finalise, invoice, self._payer)
        return identity

    def give_up(self, at: int, status: str) -> None:
        """Close what is unpaid as `void` or `uncollectible`; drafts stay drafts for good."""
        for invoice in self._invoices:
            if invoice["status"] == "draft":
                halted = {"auto_advance": False, "automatically_finalizes_at": None}
                self._desk.books.change(invoice, at, "invoice.updated", **halted)
            elif invoice["status"] == "open":
                self._cashier.give_up(at, invoice, status)

    def _prorate(self, at: int, item: Json, price: Json, quantity: int, sign: int) -> None:
        start, end = item["current_period_start"], item["current_period_end"]
        amount = round(Fraction(price["unit_amount"] * quantity * (end - at), end - start)) * sign
        name = self._desk.catalogue.name_of(price)
        text = f"{'Unused' if sign < 0 else 'Remaining'} time on {quantity} × {name}"
        drawn = self._line(item, price, quantity, amount, at, text)
        identity = self._desk.books.new_id("ii_1", 23)
        pending = lines.invoice_item(identity, self._desk.customer["id"], drawn, at, self._subscription)
        self._desk.books.add(pending, at, "invoiceitem.created")
        lines.of_item(drawn, self._subscription, item["id"], pending, self._last_period if sign < 0 else None)
        self._pending.append((drawn, pending))

    def _line(self, item: Json, price: Json, quantity: int, amount: int, start: int, text: str) -> Json:
        country, period = self._desk.person.country, (start, item["current_period_end"])
        drawn = lines.line(self._desk.books.new_id("il_1", 23), country, price, quantity, amount, period, text)
        return lines.of_item(drawn, self._subscription, item["id"])
