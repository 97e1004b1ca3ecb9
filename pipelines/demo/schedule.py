"""Subscription schedules: another price from the next renewal on, in the shape of the pinned version."""

from __future__ import annotations

from typing import Any

from pipelines.demo.books import Books
from pipelines.demo.clock import add_months

Json = dict[str, Any]


class Schedule:
    """One planned change of a subscription's price. It lets the subscription go when the change is made."""

    def __init__(self, books: Books, subscription: Json, price: Json, at: int) -> None:
        self._books, self._price = books, price
        self.identity = books.new_id("sub_sched_1", 23)
        books.add(_shape(self.identity, subscription, price, at), at, "subscription_schedule.created")

    def take(self, at: int) -> Json:
        """The change is made now; answers the new price."""
        own = self._object
        second = own["phases"][1]
        phase = {"end_date": second["end_date"], "start_date": second["start_date"]}
        self._books.change(own, at, "subscription_schedule.updated", current_phase=phase)
        self.release(at)
        return self._price

    def release(self, at: int) -> None:
        """The subscription goes on without the schedule."""
        own = self._object
        gone = {"released_at": at, "released_subscription": own["subscription"], "subscription": None}
        self._books.change(own, at, "subscription_schedule.released", status="released", current_phase=None, **gone)

    @property
    def _object(self) -> Json:
        return self._books.objects["subscription_schedules"][self.identity]


def _shape(identity: str, subscription: Json, price: Json, at: int) -> Json:
    item = subscription["items"]["data"][0]
    start, turn = item["current_period_start"], item["current_period_end"]
    end = add_months(turn, 12 if price["recurring"]["interval"] == "year" else 1)
    phases = [_phase(item["price"], item["quantity"], start, turn), _phase(price, item["quantity"], turn, end)]
    return {
        "id": identity, "object": "subscription_schedule", "application": None,
        "billing_mode": subscription["billing_mode"], "canceled_at": None, "completed_at": None, "created": at,
        "current_phase": {"end_date": turn, "start_date": start}, "customer": subscription["customer"],
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": "automatic", "billing_thresholds": None,
            "collection_method": "charge_automatically", "default_payment_method": None, "description": None,
            "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}},
            "on_behalf_of": None, "transfer_data": None,
        },
        "end_behavior": "release", "livemode": False, "metadata": {}, "pause_schedules": [], "phases": phases,
        "released_at": None, "released_subscription": None, "status": "active",
        "subscription": subscription["id"], "test_clock": None,
    }  # fmt: skip


def _phase(price: Json, quantity: int, start: int, end: int) -> Json:
    item = {"billing_thresholds": None, "discounts": [], "metadata": {}, "plan": price["id"], "price": price["id"],
            "quantity": quantity, "tax_rates": []}  # fmt: skip
    return {
        "add_invoice_items": [], "application_fee_percent": None, "automatic_tax": None, "billing_cycle_anchor": None,
        "billing_thresholds": None, "collection_method": None, "currency": price["currency"],
        "default_payment_method": None, "default_tax_rates": [], "description": None, "discounts": [],
        "end_date": end, "invoice_settings": None, "items": [item], "metadata": {}, "on_behalf_of": None,
        "proration_behavior": "none", "start_date": start, "transfer_data": None, "trial_end": None,
    }  # fmt: skip
