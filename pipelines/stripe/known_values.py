"""The states that Stripe's objects can be in and the fields that they have: one home for every list of them.

Stripe adds both without notice. What is not here is kept as it came and counted in
`health.unknown_values`, a state is warned of too; no load and no model stops at it.
"""

from __future__ import annotations

from stripe._object_classes import get_object_class

from pipelines.stripe.catalogue import OF_VERSIONS, TABLES

STATUSES: dict[str, tuple[str, ...]] = {
    "subscriptions": (
        "active",
        "canceled",
        "incomplete",
        "incomplete_expired",
        "past_due",
        "paused",
        "trialing",
        "unpaid",
    ),
    "subscription_schedules": ("active", "canceled", "completed", "not_started", "released"),
    "invoices": ("draft", "open", "paid", "uncollectible", "void"),
    "invoice_payments": ("canceled", "open", "paid"),
    "credit_notes": ("issued", "void"),
    "charges": ("failed", "pending", "succeeded"),
    "payment_intents": (
        "canceled",
        "processing",
        "requires_action",
        "requires_capture",
        "requires_confirmation",
        "requires_payment_method",
        "succeeded",
    ),
    "refunds": ("canceled", "failed", "pending", "requires_action", "succeeded"),
    "disputes": (
        "appeal_needs_response",
        "appeal_under_review",
        "lost",
        "needs_response",
        "prevented",
        "under_review",
        "warning_closed",
        "warning_needs_response",
        "warning_under_review",
        "won",
    ),
    "payouts": ("canceled", "failed", "in_transit", "paid", "pending"),
    "checkout_sessions": ("complete", "expired", "open"),
}
"""By table of `raw_stripe`: what may stand in the payload's `status`."""

KINDS: tuple[str, ...] = (*TABLES, *sorted(OF_VERSIONS))
"""The kinds of objects that models read; any other kind is kept in `object_versions`."""

OLDER_FIELDS: dict[str, tuple[str, ...]] = {
    "charge": ("destination", "dispute", "invoice", "order"),
    "credit_note": ("refund", "tax_amounts"),
    "credit_note_line_item": ("tax_amounts",),
    "customer": ("account_balance", "subscriptions", "tax_info"),
    "discount": ("coupon",),
    "invoice": (
        "application_fee_amount", "charge", "discount", "paid", "paid_out_of_band", "payment_intent", "quote",
        "subscription", "subscription_details", "tax", "tax_percent", "total_tax_amounts", "transfer_data",
    ),
    "invoiceitem": ("plan", "price", "subscription", "subscription_item", "unit_amount", "unit_amount_decimal"),
    "line_item": (
        "amount_excluding_tax", "invoice_item", "plan", "price", "proration", "proration_details", "subscription_item",
        "tax_amounts", "tax_rates", "type", "unit_amount_excluding_tax",
    ),
    "payment_intent": ("charges", "invoice"),
    "plan": ("aggregate_usage", "tiers"),
    "product": ("attributes", "deactivate_on", "features"),
    "promotion_code": ("coupon",),
    "subscription": ("current_period_end", "current_period_start", "discount", "plan", "quantity", "tax_percent"),
}  # fmt: skip
"""By kind: fields that API versions from 2020-08-27 on had and the pinned one has no more."""

_OURS = ("id", "object", "deleted", "deleted_at")
"""Fields of every kind; `deleted_at` stands in what a sync writes for an object that is gone."""

_OF_OUR_KINDS = {"payout_members": ("livemode", "members")}
"""Fields of what a sync writes of its own and the SDK does not know."""


def known_fields() -> list[str]:
    """`kind.field` of every field that Stripe's SDK for the pinned version or an older version has."""
    return [
        f"{kind}.{field}"
        for kind in KINDS
        for field in sorted({*_OURS, *_of_sdk(kind), *OLDER_FIELDS.get(kind, ()), *_OF_OUR_KINDS.get(kind, ())})
    ]


def _of_sdk(kind: str) -> set[str]:
    fields = {name for one in get_object_class("V1", kind).__mro__ for name in getattr(one, "__annotations__", {})}
    return {name for name in fields if not name.startswith("_")}
