"""The states that Stripe's objects can be in, as of the pinned API version: one home for every list of them.

Stripe adds values without notice. One that is not here is kept as it came, counted in
`health.unknown_values` and warned of; no load and no model stops at it.
"""

from __future__ import annotations

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
