"""Which objects we take from Stripe, how each is listed, and what keeps it up to date. Source: Stripe's API reference.

An event says that its object changed, and the object is fetched again. What changes without an event
of its own is named here: new objects that only a list by creation shows (`is_silent`), objects that
change with another one (`beside`, `names`, `OWNERS`), and what is listed again once a day (`daily`,
`lookback`). What Stripe shows only when asked to expand and a model needs is in `expand`; it allows
four levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

Thing = dict[str, Any]


@dataclass(frozen=True)
class Children:
    """A list inside an object of which Stripe shows the first ten, and where all of it is listed.

    `path` holds {} for the owner's id; without it the owner is given as the parameter `parameter`.
    """

    field: str
    path: str
    parameter: str | None = None


@dataclass(frozen=True)
class Beside:
    """Objects of another kind that change with this one and may tell no event: listed by their owner."""

    path: str
    parameter: str
    when: Callable[[Thing], bool]


@dataclass(frozen=True)
class Daily:
    """A list that is asked for again once a day.

    `known` is the SQL condition of the stored objects that it must show: one that it does not show is
    fetched by itself, since it changed or went without our hearing of it.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    known: str | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of object: Stripe's name for it, its list, its table in `raw_stripe`."""

    name: str
    path: str
    table: str
    parameters: dict[str, str] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    children: Children | None = None
    created: str = "created"
    """The field that tells when it was made, and that `created` filters by."""
    is_silent: bool = False
    """New ones may tell no event: those made since the last run are listed in every run."""
    is_small: bool = False
    """So few that a first sync lists them all before anything older than 30 days."""
    may_go: bool = False
    """Can be deleted: a stored one that a complete list does not show is fetched by itself."""
    lookback: timedelta | None = None
    """How far back those made lately are listed again once a day."""
    weekly: timedelta | None = None
    """How far back they are listed again within a week, a seventh of it each day."""
    daily: tuple[Daily, ...] = ()
    beside: tuple[Beside, ...] = ()
    names: tuple[str, ...] = ()
    """Fields that name a balance transaction, which changes with this object and tells no event."""


_ALL = (Daily(known="true"),)


def _is_text(path: str, *values: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"coalesce(json_extract_string(payload, '{path}'), '') in ({listed})"


def _takes_items(invoice: Thing) -> bool:
    """Whether a line of the invoice (those inside it) is an invoice item: they tell nothing when they are billed."""
    lines = (invoice.get("lines") or {}).get("data") or []
    return any(
        (line.get("parent") or {}).get("type") == "invoice_item_details" or line.get("type") == "invoiceitem"
        for line in lines
    )


KINDS: tuple[Kind, ...] = (
    Kind("customer", "/v1/customers", "customers", may_go=True),
    Kind("product", "/v1/products", "products", is_small=True, may_go=True, daily=_ALL),
    Kind(
        "price",
        "/v1/prices",
        "prices",
        expand=("tiers", "currency_options"),
        is_small=True,
        may_go=True,
        daily=_ALL,
    ),
    Kind("plan", "/v1/plans", "plans", expand=("tiers",), is_small=True, may_go=True, daily=_ALL),
    Kind(
        "coupon",
        "/v1/coupons",
        "coupons",
        expand=("applies_to", "currency_options"),
        is_small=True,
        may_go=True,
        daily=_ALL,
    ),
    Kind("promotion_code", "/v1/promotion_codes", "promotion_codes", is_small=True, daily=_ALL),
    Kind(
        "subscription",
        "/v1/subscriptions",
        "subscriptions",
        parameters={"status": "all"},
        expand=("discounts", "items.data.discounts"),
        children=Children("items", "/v1/subscription_items", parameter="subscription"),
        # Those of deleted customers are missing from `status=all`; they have ended.
        daily=(Daily(known=f"not {_is_text('/status', 'canceled', 'incomplete_expired')}"),),
    ),
    Kind("subscription_schedule", "/v1/subscription_schedules", "subscription_schedules"),
    Kind(
        "invoice",
        "/v1/invoices",
        "invoices",
        expand=("discounts",),
        children=Children("lines", "/v1/invoices/{}/lines"),
        may_go=True,
        daily=tuple(
            Daily({"status": status}, known=_is_text("/status", status))
            for status in ("draft", "open", "uncollectible")
        ),
        beside=(
            Beside("/v1/invoice_payments", "invoice", lambda invoice: invoice.get("status") not in (None, "draft")),
            Beside("/v1/invoiceitems", "invoice", _takes_items),
        ),
    ),
    # Which payment paid an invoice, and prorations that no invoice holds yet.
    Kind("invoice_payment", "/v1/invoice_payments", "invoice_payments", is_silent=True, lookback=timedelta(days=30)),
    Kind(
        "invoiceitem",
        "/v1/invoiceitems",
        "invoiceitems",
        created="date",
        may_go=True,
        lookback=timedelta(days=45),
        daily=(Daily({"pending": "true"}, known="json_extract_string(payload, '/invoice') is null"),),
    ),
    Kind(
        "credit_note",
        "/v1/credit_notes",
        "credit_notes",
        children=Children("lines", "/v1/credit_notes/{}/lines"),
    ),
    Kind(
        "charge",
        "/v1/charges",
        "charges",
        weekly=timedelta(days=180),
        beside=(Beside("/v1/refunds", "charge", lambda charge: bool(charge.get("amount_refunded"))),),
        names=("balance_transaction",),
    ),
    Kind("payment_intent", "/v1/payment_intents", "payment_intents"),
    Kind(
        "refund",
        "/v1/refunds",
        "refunds",
        is_silent=True,
        lookback=timedelta(days=30),
        names=("balance_transaction", "failure_balance_transaction"),
    ),
    Kind("dispute", "/v1/disputes", "disputes"),
    Kind(
        "balance_transaction",
        "/v1/balance_transactions",
        "balance_transactions",
        is_silent=True,
        lookback=timedelta(days=7),
    ),
    Kind("payout", "/v1/payouts", "payouts", lookback=timedelta(days=30), names=("balance_transaction",)),
    # A session expires after a day; that it was opened makes no event.
    Kind("checkout.session", "/v1/checkout/sessions", "checkout_sessions", is_silent=True, lookback=timedelta(days=3)),
)
EVENT = Kind("event", "/v1/events", "events")
BY_NAME = {kind.name: kind for kind in KINDS}

OPEN_ELSEWHERE = {"dispute": f"not {_is_text('/status', 'won', 'lost', 'warning_closed', 'charge_refunded')}"}
"""Stored objects that are fetched again once a day one by one: their list can not be asked for these alone."""

OWNERS: dict[str, tuple[tuple[str, str], ...]] = {
    "discount": (("subscription", "subscription"), ("customer", "customer")),
    "refund": (("charge", "charge"),),
    "dispute": (("charge", "charge"),),
    "credit_note": (("invoice", "invoice"),),
    "invoice_payment": (("invoice", "invoice"),),
}
"""What an event about a kind says of another: (field that names it, its kind); the first that is named counts."""


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

OF_VERSIONS = frozenset({"discount", "payout_members", "subscription_item", "v2.core.event"})
"""Kinds without a table that are known all the same: they belong to one version of a subscription, or to a payout.

A thin event only names its object.
"""

POINTERS = {
    **{child.name: child.pointer for child in CHILD_KINDS if child.pointer},
    "subscription_item": "/subscription",
}
"""Where an object that may stand on its own names the object that it is a part of."""
