"""Which objects we take from Stripe, and how each is listed. Source: Stripe's API reference.

`lookback` is how far before the last sync a list is asked again: objects that change without an
event of their own. Objects without a lookback are kept up to date by events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Kind:
    """One kind of object: Stripe's name for it, its list, its table in `raw_stripe`."""

    name: str
    path: str
    table: str
    parameters: dict[str, str] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    lookback: timedelta | None = None


KINDS: tuple[Kind, ...] = (
    Kind("customer", "/v1/customers", "customers"),
    Kind("product", "/v1/products", "products"),
    Kind("price", "/v1/prices", "prices", expand=("tiers", "currency_options")),
    Kind("coupon", "/v1/coupons", "coupons", expand=("applies_to", "currency_options")),
    Kind(
        "subscription",
        "/v1/subscriptions",
        "subscriptions",
        parameters={"status": "all"},
        expand=("discounts", "items.data.discounts"),
    ),
    Kind("invoice", "/v1/invoices", "invoices", expand=("discounts",)),
    Kind("charge", "/v1/charges", "charges"),
    Kind("refund", "/v1/refunds", "refunds", lookback=timedelta(days=30)),
    Kind("balance_transaction", "/v1/balance_transactions", "balance_transactions", lookback=timedelta(days=7)),
    Kind("dispute", "/v1/disputes", "disputes"),
    # Which payment paid an invoice, and prorations that no invoice holds yet.
    Kind("invoice_payment", "/v1/invoice_payments", "invoice_payments", lookback=timedelta(days=30)),
    Kind("invoiceitem", "/v1/invoiceitems", "invoiceitems", lookback=timedelta(days=45)),
)
BY_NAME = {kind.name: kind for kind in KINDS}

CHILD_TABLES = {"line_item": "invoice_lines"}
"""Kinds that only come inside or below another object."""

TABLES = {**{kind.name: kind.table for kind in KINDS}, "event": "events", **CHILD_TABLES}
"""Every kind that has a table of its own; any other kind is kept in `object_versions` alone."""
