"""The kinds of objects that the fake Stripe serves: their paths, filters and expandable parts.

Pure data. `filters` maps a list parameter to the place of its value inside the object; a number in a
place is a position in a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class KindSpec:
    """One kind: its name in messages, its filters, and what only `expand` shows."""

    singular: str
    filters: dict[str, str] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset({"created"})
    hidden: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    required: str | None = None
    created: str = "created"


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


PARENT = "parent.subscription_details.subscription"
ITEM = "items.data.0"
KINDS: dict[str, KindSpec] = {
    "customers": KindSpec(
        "customer", _same("email", "test_clock"),
        hidden=frozenset({"subscriptions", "sources", "tax_ids", "tax", "invoice_credit_balance", "cash_balance"}),
    ),
    "products": KindSpec("product", _same("active", "shippable", "type", "url"), extra=frozenset({"ids"})),
    "prices": KindSpec(
        "price", _same("active", "currency", "product", "type"),
        hidden=frozenset({"tiers", "currency_options"}), extra=frozenset({"lookup_keys", "recurring"}),
    ),
    "plans": KindSpec("plan", _same("active", "product"), hidden=frozenset({"tiers"})),
    "coupons": KindSpec("coupon", hidden=frozenset({"applies_to", "currency_options"})),
    "promotion_codes": KindSpec("promotion code", _same("active", "code", "customer") | {"coupon": "promotion.coupon"}),
    "subscriptions": KindSpec(
        "subscription",
        _same("collection_method", "customer", "status", "test_clock") | {
            "price": f"{ITEM}.price.id", "plan": f"{ITEM}.plan.id",
            "current_period_start": f"{ITEM}.current_period_start",
            "current_period_end": f"{ITEM}.current_period_end",
        },
        ranges=frozenset({"created", "current_period_start", "current_period_end"}),
        extra=frozenset({"automatic_tax"}),
    ),
    "subscription_items": KindSpec("subscription_item", _same("subscription"), required="subscription"),
    "subscription_schedules": KindSpec(
        "subscription_schedule",
        _same("customer", "canceled_at", "completed_at", "released_at"),
        ranges=frozenset({"created", "canceled_at", "completed_at", "released_at"}),
        extra=frozenset({"scheduled"}),
    ),
    "invoices": KindSpec(
        "invoice", _same("collection_method", "customer", "due_date", "status") | {"subscription": PARENT},
        ranges=frozenset({"created", "due_date"}), hidden=frozenset({"payments"}),
    ),
    "invoice_lines": KindSpec("line item", _same("invoice")),
    "discounts": KindSpec("discount", _same("subscription")),
    "invoice_payments": KindSpec("invoice_payment", _same("invoice", "status"), extra=frozenset({"payment"})),
    "invoiceitems": KindSpec("invoiceitem", _same("customer", "invoice"), extra=frozenset({"pending"}), created="date"),
    "charges": KindSpec("charge", _same("customer", "payment_intent", "transfer_group"), hidden=frozenset({"refunds"})),
    "refunds": KindSpec("refund", _same("charge", "payment_intent")),
    "payment_intents": KindSpec("payment_intent", _same("customer")),
    "balance_transactions": KindSpec(
        "balance transaction", _same("currency", "payout", "source", "type"), hidden=frozenset({"payout"})
    ),
    "disputes": KindSpec("dispute", _same("charge", "payment_intent")),
    "credit_notes": KindSpec("credit note", _same("customer", "invoice")),
    # In the file a line tells its credit note; Stripe's own lines do not.
    "credit_note_lines": KindSpec("line item", _same("credit_note"), hidden=frozenset({"credit_note"})),
    "payouts": KindSpec(
        "payout", _same("arrival_date", "destination", "status"), ranges=frozenset({"created", "arrival_date"})
    ),
    "checkout/sessions": KindSpec(
        "checkout.session",
        _same("customer", "payment_intent", "status", "subscription"),
        hidden=frozenset({"line_items"}),
    ),
    "events": KindSpec("event", _same("type"), extra=frozenset({"types", "delivery_success"})),
}  # fmt: skip

# Objects that only stand inside others: they have no list and no path of their own.
INSIDE = frozenset({"invoice_lines", "credit_note_lines", "discounts"})
# Lines past the first ten of an object: the file that holds them, by the file of their owners.
LINES = {"invoices": "invoice_lines", "credit_notes": "credit_note_lines"}

# Objects that an id stands for, told by the id's beginning.
PREFIXES = {
    "cus": "customers", "prod": "products", "price": "prices", "plan": "plans", "promo": "promotion_codes",
    "sub": "subscriptions", "si": "subscription_items", "in": "invoices", "inpay": "invoice_payments",
    "ii": "invoiceitems", "ch": "charges",
    "py": "charges", "re": "refunds", "pyr": "refunds", "pi": "payment_intents", "txn": "balance_transactions",
    "dp": "disputes", "du": "disputes", "cn": "credit_notes", "po": "payouts", "evt": "events",
    "cs": "checkout/sessions", "di": "discounts",
}  # fmt: skip

# Lists that an object carries only when expanded: (kind, field) -> (kind of the members, their pointer).
CHILDREN = {
    ("charges", "refunds"): ("refunds", "charge"),
    ("invoices", "payments"): ("invoice_payments", "invoice"),
    ("customers", "subscriptions"): ("subscriptions", "customer"),
}
