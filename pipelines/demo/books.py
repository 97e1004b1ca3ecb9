"""The books: every Stripe object of the story, and the events of its last 30 days.

An object is a plain dict in the shape of the pinned API version. It enters by `add`, changes by
`change`, and both leave an event with the object as it was at that second. Files are written
elsewhere; nobody else's rules are known here.
"""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PLURALS = {
    "customer": "customers", "product": "products", "price": "prices", "subscription": "subscriptions",
    "invoice": "invoices", "line_item": "invoice_lines", "invoice_payment": "invoice_payments",
    "invoiceitem": "invoiceitems", "payment_intent": "payment_intents", "charge": "charges",
    "refund": "refunds", "balance_transaction": "balance_transactions", "coupon": "coupons",
    "promotion_code": "promotion_codes", "discount": "discounts", "dispute": "disputes", "payout": "payouts",
    "credit_note": "credit_notes", "checkout.session": "checkout_sessions", "plan": "plans",
    "subscription_schedule": "subscription_schedules", "event": "events",
}  # fmt: skip


class Books:
    """All objects by kind (plural) and id. `end` is the story's end, `horizon` the oldest event kept."""

    def __init__(self, seed: int, end: int, horizon: int) -> None:
        self.end = end
        self.horizon = horizon
        self.objects: dict[str, dict[str, Json]] = {plural: {} for plural in PLURALS.values()}
        self._ids = Random(f"{seed}:ids")
        self._last_event: dict[str, int] = {}

    def new_id(self, prefix: str, length: int) -> str:
        """A fresh id in Stripe's manner. Ids come from their own source, so they never steer the story."""
        return prefix + "".join(self._ids.choices(ALPHABET, k=length))

    def add(self, obj: Json, at: int, *types: str) -> None:
        """Enter a new object, with an event of each given type."""
        self.objects[PLURALS[obj["object"]]][obj["id"]] = obj
        self.emit(obj, at, types)

    def change(self, obj: Json, at: int, *types: str, **fields: Any) -> None:
        """Set fields of an object; events of type `*.updated` carry what they were before.

        Nested values must be given anew and never changed in place, or the past would change with them.
        """
        previous = {name: obj[name] for name, value in fields.items() if obj[name] != value}
        obj.update(fields)
        self.emit(obj, at, types, previous)

    def emit(self, obj: Json, at: int, types: tuple[str, ...], previous: Json | None = None) -> None:
        """Keep an event with the object as it is now, unless it is older than Stripe keeps events."""
        if at < self.horizon or not types:
            return
        # Two versions of one object never share a second, so that its newest version is beyond doubt.
        at = min(max(at, self._last_event.get(obj["id"], 0) + 1), self.end - 1)
        self._last_event[obj["id"]] = at
        picture = orjson.Fragment(orjson.dumps(obj))
        for kind in types:
            data: Json = {"object": picture}
            if kind.endswith(".updated"):
                data["previous_attributes"] = orjson.Fragment(orjson.dumps(previous or {}))
            self._keep_event(kind, at, data)

    def _keep_event(self, kind: str, at: int, data: Json) -> None:
        event_id = self.new_id("evt_1", 23)
        self.objects["events"][event_id] = {
            "id": event_id, "object": "event", "api_version": API_VERSION, "created": at, "data": data,
            "livemode": False, "pending_webhooks": 0, "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }  # fmt: skip
