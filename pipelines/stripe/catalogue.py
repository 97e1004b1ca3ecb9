"""Which objects we take from Stripe, and how each is listed. Source: Stripe's API reference.

`lookback` is how far before the last sync a list is asked again: objects that change without an
event of their own. Objects without a lookback are kept up to date by events. What Stripe
shows only when asked to expand and a model needs is in `expand`; it allows four levels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Children:
    """A list inside an object of which Stripe shows the first ten, and where all of it is listed.

    `path` holds {} for the owner's id; without it the owner is given as the parameter `parameter`.
    """

    field: str
    path: str
    parameter: str | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of object: Stripe's name for it, its list, its table in `raw_stripe`."""

    name: str
    path: str
    table: str
    parameters: dict[str, str] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    lookback: timedelta | None = None
    children: Children | None = None


KINDS: tuple[Kind, ...] = (
    Kind("customer", "/v1/customers", "customers"),
    Kind("product", "/v1/products", "products"),
    Kind("price", "/v1/prices", "prices", expand=("tiers", "currency_options")),
    Kind("plan", "/v1/plans", "plans", expand=("tiers",)),
    Kind("coupon", "/v1/coupons", "coupons", expand=("applies_to", "currency_options")),
    Kind("promotion_code", "/v1/promotion_codes", "promotion_codes"),
    Kind(
        "subscription",
        "/v1/subscriptions",
        "subscriptions",
        parameters={"status": "all"},
        expand=("discounts", "items.data.discounts"),
        children=Children("items", "/v1/subscription_items", parameter="subscription"),
    ),
    Kind("subscription_schedule", "/v1/subscription_schedules", "subscription_schedules"),
    Kind(
        "invoice",
        "/v1/invoices",
        "invoices",
        expand=("discounts",),
        children=Children("lines", "/v1/invoices/{}/lines"),
    ),
    # Which payment paid an invoice, and prorations that no invoice holds yet.
    Kind("invoice_payment", "/v1/invoice_payments", "invoice_payments", lookback=timedelta(days=30)),
    Kind("invoiceitem", "/v1/invoiceitems", "invoiceitems", lookback=timedelta(days=45)),
    Kind(
        "credit_note",
        "/v1/credit_notes",
        "credit_notes",
        children=Children("lines", "/v1/credit_notes/{}/lines"),
    ),
    Kind("charge", "/v1/charges", "charges"),
    Kind("payment_intent", "/v1/payment_intents", "payment_intents"),
    Kind("refund", "/v1/refunds", "refunds", lookback=timedelta(days=30)),
    Kind("dispute", "/v1/disputes", "disputes"),
    Kind("balance_transaction", "/v1/balance_transactions", "balance_transactions", lookback=timedelta(days=7)),
    Kind("payout", "/v1/payouts", "payouts", lookback=timedelta(days=30)),
    # A session expires after a day; whoever left it open made no event.
    Kind("checkout.session", "/v1/checkout/sessions", "checkout_sessions", lookback=timedelta(days=3)),
)
BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class ChildKind:
    """A kind that only comes inside or below another object, and has a table beside its owner's.

    `place` is where the owner's own list lies. A child that is listed below its owner names it at
    `pointer`, or not at all: then only the list's address tells.
    """

    name: str
    table: str
    owner: str
    place: str
    pointer: str | None = None


CHILD_KINDS: tuple[ChildKind, ...] = (
    ChildKind("line_item", "invoice_lines", "invoice", "$.lines.data[*]", "/invoice"),
    ChildKind("credit_note_line_item", "credit_note_lines", "credit_note", "$.lines.data[*]"),
)

TABLES = {
    **{kind.name: kind.table for kind in KINDS},
    "event": "events",
    **{child.name: child.table for child in CHILD_KINDS},
}
"""Every kind that has a table of its own; any other kind is kept in `object_versions` alone."""

OF_VERSIONS = frozenset({"discount", "subscription_item", "v2.core.event"})  # A thin event only names its object.
"""Kinds without a table that are known all the same: they belong to one version of a subscription."""

POINTERS = {
    **{child.name: child.pointer for child in CHILD_KINDS if child.pointer},
    "subscription_item": "/subscription",
}
"""Where an object that may stand on its own names the object that it is a part of."""
