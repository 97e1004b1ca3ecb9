"""A contract: one Stripe subscription from its start to its end.

Status, periods and cancellations follow Stripe's rules here; invoices are drawn up in billing.py and
paid in cashier.py. When a customer wishes what is decided in life.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.demo import shapes_billing as shapes
from pipelines.demo.billing import Billing
from pipelines.demo.cashier import Cashier
from pipelines.demo.clock import DAY, HOUR, add_months
from pipelines.demo.coupons import Deal
from pipelines.demo.desk import Desk
from pipelines.demo.schedule import Schedule

Json = dict[str, Any]

TRIAL = 14 * DAY
COUNTED = ("active", "past_due")
OVER = ("canceled", "incomplete_expired")


class Contract:
    """One subscription with one item. `on_change(at, status before)` follows every change of it."""

    def __init__(self, desk: Desk, cashier: Cashier, on_change: Callable[[int, str], None]) -> None:
        self._desk, self._on_change = desk, on_change
        self._identity = desk.books.new_id("sub_1", 23)
        self._billing = Billing(desk, cashier, self._identity, self)
        self._periods = 0
        self._schedule: Schedule | None = None
        self._pause_months = 0
        self.has_card = True
        self.sub: Json = {}

    @property
    def status(self) -> str:
        """Stripe's status of the subscription."""
        status: str = self.sub["status"]
        return status

    @property
    def item(self) -> Json:
        """The subscription's only item."""
        item: Json = self.sub["items"]["data"][0]
        return item

    @property
    def deal(self) -> Deal | None:
        """The coupon that this subscription was taken with."""
        return self._billing.deal

    @property
    def is_paused(self) -> bool:
        """Whether nothing is collected at the moment; the status does not tell."""
        return self.sub["pause_collection"] is not None

    def start(self, at: int, price: Json, quantity: int, trial: bool, coupon: bool = False) -> None:
        """Subscribe: with a trial of 14 days, or by paying the first invoice at once; perhaps with a coupon."""
        books, end = self._desk.books, at + TRIAL if trial else _boundary(at, price, 1)
        item = shapes.item(books.new_id("si_", 14), self._identity, price, quantity, at, (at, end))
        fields: Json = {"items": shapes.items(self._identity, [item])}
        if trial:
            fields |= {"status": "trialing", "trial_start": at, "trial_end": end, "billing_cycle_anchor": end}
        if self._desk.rng.random() < 0.5:
            fields["billing_mode"] = {"flexible": {"proration_discounts": "included"}, "type": "flexible"}
        customer = self._desk.customer["id"]
        if coupon:
            offers, rng = self._desk.world.offers, self._desk.rng
            deal = offers.redeem(rng, price["currency"], at, self._identity, customer)
            self._billing.deal, fields["discounts"] = deal, [deal.discount["id"]]
        self.sub = shapes.subscription(self._identity, customer, at, price["currency"], **fields)
        self._periods = 0 if trial else 1
        line = self._billing.period_line(item, trial)
        self.sub["latest_invoice"] = self._billing.bill(at, "subscription_create", [line], wait=1)
        books.add(self.sub, at, "customer.subscription.created")
        self._on_change(at, "")
        self._desk.agenda.at(end - 3 * DAY, self._warn)
        self._desk.agenda.at(end, self._turn, end)

    def end_trial_early(self, at: int) -> None:
        """The customer does not wait: the trial ends now and the first period is billed."""
        if self.status == "trialing" and not self.sub["cancel_at_period_end"]:
            self._periods = 1
            self._next_period(at, "subscription_update", 1, status="active", trial_end=at, billing_cycle_anchor=at)

    def change_item(self, at: int, price: Json, quantity: int, immediate: bool) -> None:
        """Another price or quantity on the same item, prorated; `immediate` bills the difference now.

        A change that would leave Stripe owing money is not made: the demo has no customer balances.
        Who pays with a coupon keeps to its terms, and changes at a renewal or not at all.
        """
        old = self.item
        period = old["current_period_start"], old["current_period_end"]
        if self.status != "active" or not period[0] < at < period[1]:
            return
        if self.sub["discounts"] or self.is_paused or self._pause_months or self._schedule:
            return
        # What is canceled at the period's end has no next invoice that could take the prorations.
        immediate = immediate or self.sub["cancel_at_period_end"]
        if not self._billing.bears(at, old, price, quantity, immediate):
            return
        self._billing.prorate(at, old, price, quantity)
        new = shapes.item(old["id"], self._identity, price, quantity, old["created"], period)
        fields: Json = {"items": shapes.items(self._identity, [new])}
        if immediate:
            fields["latest_invoice"] = self._billing.bill(at, "subscription_update", [], wait=1)
        self._set(at, **fields)

    def plan_change(self, at: int, price: Json) -> None:
        """Another price from the next renewal on, by a schedule; nothing is prorated."""
        busy = self.is_paused or self._pause_months or self._schedule or self.sub["cancel_at_period_end"]
        if self.status == "active" and not busy:
            self._schedule = Schedule(self._desk.books, self.sub, price, at)
            self._set(at, schedule=self._schedule.identity)

    def plan_pause(self, at: int, months: int) -> None:
        """Collect nothing for some months from the next renewal on."""
        busy = self.is_paused or self._schedule or self.sub["cancel_at_period_end"]
        if self.status == "active" and not busy:
            self._pause_months = months

    def request_cancel(self, at: int, feedback: str) -> None:
        """Cancel at the end of the period (of the trial, in a trial)."""
        if self.status in ("active", "trialing") and not self.sub["cancel_at_period_end"]:
            self._end_schedule(at)
            details = {"comment": None, "feedback": feedback, "reason": "cancellation_requested"}
            end = self.item["current_period_end"]
            self._set(at, cancel_at_period_end=True, cancel_at=end, canceled_at=at, cancellation_details=details)

    def keep_after_all(self, at: int) -> None:
        """Take a cancellation back before it takes effect."""
        if self.status == "active" and self.sub["cancel_at_period_end"]:
            details = {"comment": None, "feedback": None, "reason": None}
            self._set(at, cancel_at_period_end=False, cancel_at=None, canceled_at=None, cancellation_details=details)

    def cancel(self, at: int, reason: str | None, feedback: str | None = None) -> None:
        """End now; what is unpaid is given up."""
        if self.status in OVER:
            return
        self._end_schedule(at)
        self._billing.give_up(at, "uncollectible" if reason == "payment_failed" else "void")
        fields: Json = {"status": "canceled", "ended_at": at, "canceled_at": self.sub["canceled_at"] or at}
        if not self.sub["cancel_at_period_end"]:
            fields["cancellation_details"] = {"comment": None, "feedback": feedback, "reason": reason}
        self._set(at, "customer.subscription.deleted", **fields)

    def paid(self, at: int, invoice: Json) -> None:
        """A payment went through: an incomplete or past-due subscription becomes active."""
        if self.status in ("incomplete", "past_due"):
            if self._desk.customer["delinquent"]:
                self._desk.books.change(self._desk.customer, at, "customer.updated", delinquent=False)
            self._set(at, status="active")
        self._drop_deal(at)

    def failed(self, at: int, invoice: Json, last: bool) -> None:
        """A payment failed: past due, and after the last try the end."""
        if self.status == "active":
            self._desk.books.change(self._desk.customer, at, "customer.updated", delinquent=True)
            self._set(at, status="past_due")
        elif last and self.status == "incomplete":
            self._desk.agenda.at(at + HOUR, self._expire)
        elif last:
            self._desk.agenda.at(at + 1, self.cancel, "payment_failed")

    def _set(self, at: int, kind: str = "customer.subscription.updated", **fields: Any) -> None:
        before = self.status
        self._desk.books.change(self.sub, at, kind, **fields)
        self._on_change(at, before)

    def _drop_deal(self, at: int) -> None:
        """A coupon of which nothing more will come leaves the subscription."""
        deal = self._billing.deal
        if deal is not None and self.sub["discounts"] and deal.is_over(at):
            self._desk.books.emit(deal.discount, at, ("customer.discount.deleted",))
            self._set(at, discounts=[])

    def _end_schedule(self, at: int) -> None:
        if self._schedule is not None:
            self._schedule.release(at)
            self._schedule = None
            self._set(at, schedule=None)

    def _warn(self, at: int) -> None:
        if self.status == "trialing":
            self._desk.books.emit(self.sub, at, ("customer.subscription.trial_will_end",))

    def _expire(self, at: int) -> None:
        self._billing.give_up(at, "void")
        self._set(at, status="incomplete_expired", ended_at=at)

    def _turn(self, at: int, expected: int) -> None:
        """The end of a period or of the trial, unless that end has moved meanwhile."""
        if self.status in OVER or self.item["current_period_end"] != expected:
            return
        if self.sub["cancel_at_period_end"]:
            self.cancel(at, "cancellation_requested")
        elif self.status == "trialing" and not self.has_card:
            self.cancel(at, None)
        else:
            self._periods += 1
            fields: Json = {"status": "active"} if self.status == "trialing" else self._pause_or_resume(at)
            self._drop_deal(at)
            self._next_period(at, "subscription_cycle", HOUR, **fields)

    def _pause_or_resume(self, at: int) -> Json:
        """What a renewal changes of the collection; what waits to be billed is never given away."""
        if self.is_paused:
            return {"pause_collection": None} if at >= self.sub["pause_collection"]["resumes_at"] else {}
        months, self._pause_months = self._pause_months, 0
        if not months or self.status != "active" or self._billing.is_waiting:
            return {}
        resumes = _boundary(self.sub["billing_cycle_anchor"], self.item["price"], self._periods - 1 + months)
        return {"pause_collection": {"behavior": "void", "resumes_at": resumes}}

    def _next_period(self, at: int, reason: str, wait: int, **fields: Any) -> None:
        old, price = self.item, self.item["price"]
        if self._schedule is not None:
            price = self._schedule.take(at)
            self._schedule, fields["schedule"] = None, None
        after = self.sub | fields
        end = _boundary(after["billing_cycle_anchor"], price, self._periods)
        new = shapes.item(old["id"], self._identity, price, old["quantity"], old["created"], (at, end))
        line, since = self._billing.period_line(new), old["current_period_start"]
        paused = after["pause_collection"] is not None
        invoice = self._billing.bill(at, reason, [line], wait, since, paused=paused)
        self._set(at, latest_invoice=invoice, items=shapes.items(self._identity, [new]), **fields)
        self._desk.agenda.at(end, self._turn, end)


def _boundary(anchor: int, price: Json, periods: int) -> int:
    """Where the period number `periods` ends: always counted from the anchor, so a 31st comes back."""
    return add_months(anchor, periods * (12 if price["recurring"]["interval"] == "year" else 1))
