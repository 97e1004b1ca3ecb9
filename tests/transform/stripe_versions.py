"""One business as older versions of Stripe's API would have told it.

Each step leads from one version to the one before, by the changelogs of Stripe's SDK: what was moved goes
back to where it lay, what was new is left out. A newer payload goes through every step down to its
version, so an older one differs in all that changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

OLDEST, BEFORE_BASIL, BASIL, CLOVER, PINNED = (
    "2020-08-27",
    "2024-06-20",
    "2025-03-31.basil",
    "2025-09-30.clover",
    "2026-10-28.endive",
)
VERSIONS = (OLDEST, BEFORE_BASIL, BASIL, CLOVER, PINNED)


@dataclass
class Books:
    """All objects of the pinned version by id: an older payload shows whole what a newer one only names."""

    by_id: dict[str, Json] = field(default_factory=dict)
    payment_of: dict[str, Json] = field(default_factory=dict)
    """The payment intent of an invoice, by the invoice's id."""
    invoice_of: dict[str, str] = field(default_factory=dict)
    """The invoice that an intent or a charge paid."""
    refunds_of: dict[str, list[Json]] = field(default_factory=dict)

    @classmethod
    def of(cls, objects: Iterable[Json]) -> Books:
        """Read once through everything."""
        books = cls()
        for thing in objects:
            shown = [one for one in thing.get("discounts", ()) if isinstance(one, dict) and "source" in one]
            told = [thing["data"]["object"]] if thing["object"] == "event" else [thing, *shown]
            for one in told:
                if thing["object"] != "event" or one["object"] == "discount":
                    books.by_id[f"plan of {one['id']}" if one["object"] == "plan" else one["id"]] = one
        for thing in books.by_id.values():
            if thing["object"] == "invoice_payment":
                intent = books.by_id[thing["payment"]["payment_intent"]]
                books.payment_of[thing["invoice"]] = intent
                books.invoice_of[intent["id"]] = thing["invoice"]
            if thing["object"] == "refund":
                books.refunds_of.setdefault(thing["charge"], []).append(thing)
        for thing in books.by_id.values():
            if thing["object"] == "charge" and thing["payment_intent"] in books.invoice_of:
                books.invoice_of[thing["id"]] = books.invoice_of[thing["payment_intent"]]
        return books


Step = Callable[[Json, Books], Json | None]
"""An object of one version as the version before tells it; None where that has none."""


def rendered(thing: Json, version: str, books: Books) -> Json | None:
    """The object or event as this version tells it; None where the version has no such object."""
    if thing["object"] == "event":
        inside = rendered(thing["data"]["object"], version, books)
        if inside is None:
            return None
        return thing | {"api_version": version, "data": thing["data"] | {"object": inside}}
    found: Json | None = thing
    for older, step in _STEPS:
        if version == PINNED or found is None:
            break
        found = step(found, books)
        if older == version:
            break
    return found


def _without(thing: Json, *names: str) -> Json:
    return {name: value for name, value in thing.items() if name not in names}


def _inside(thing: Json, name: str, change: Callable[[Json], Json]) -> Json:
    """The object with every member of a list inside it changed."""
    members = thing[name]
    return thing | {name: members | {"data": [change(one) for one in members["data"]]}}


def _lines(thing: Json, change: Callable[[Json], Json]) -> Json:
    """Lines on their own, and those inside of invoices."""
    if thing["object"] == "invoice":
        return _inside(thing, "lines", change)
    return change(thing) if thing["object"] == "line_item" else thing


# --- from endive to clover --------------------------------------------------------------------------------


def _to_clover(thing: Json, books: Books) -> Json:
    """No decimal quantities, no subtotal of a line, nothing of what SDK 16 brought."""
    thing = _lines(thing, lambda line: _without(line, "quantity_decimal", "subtotal"))
    new = {
        "invoiceitem": ("quantity_decimal",),
        "refund": ("customer", "payment_method"),
        "subscription": ("billing_schedules", "managed_payments", "status_details"),
        "subscription_schedule": ("pause_schedules",),
    }
    return _without(thing, *new.get(thing["object"], ()))


# --- from clover to basil ---------------------------------------------------------------------------------


def _to_basil(thing: Json, books: Books) -> Json:
    """A discount and a promotion code show their coupon whole."""
    if thing["object"] == "discount":
        return _discount(thing, books)
    if thing["object"] == "promotion_code":
        return _without(thing, "promotion") | {"coupon": books.by_id[thing["promotion"]["coupon"]]}
    if thing["object"] in ("subscription", "invoice"):
        shown = [_discount(one, books) if isinstance(one, dict) else one for one in thing["discounts"]]
        return thing | {"discounts": shown}
    return thing


def _discount(thing: Json, books: Books) -> Json:
    return _without(thing, "source") | {"coupon": books.by_id[thing["source"]["coupon"]]}


# --- from basil to 2024-06-20 -----------------------------------------------------------------------------


def _to_2024(thing: Json, books: Books) -> Json | None:
    """What basil moved goes back: periods, payments, parents, pricing, taxes."""
    thing = _lines(thing, lambda line: _line(line, books))
    changes: dict[str, Step] = {
        "invoice_payment": lambda payment, books: None,
        "subscription": _subscription,
        "invoice": _invoice,
        "invoiceitem": _invoice_item,
        "charge": lambda charge, books: charge | {"invoice": books.invoice_of.get(charge["id"])},
        "payment_intent": lambda intent, books: intent | {"invoice": books.invoice_of.get(intent["id"])},
        "credit_note": _credit_note,
        "price": _price,
    }
    change = changes.get(thing["object"])
    return change(thing, books) if change else thing


def _price(price: Json, books: Books) -> Json:
    if price["recurring"] is None:
        return price
    return price | {"recurring": _without(price["recurring"], "meter") | {"aggregate_usage": None}}


def _subscription(thing: Json, books: Books) -> Json:
    first = thing["items"]["data"][0]
    period = {name: first[name] for name in ("current_period_start", "current_period_end")}
    thing = _inside(
        _without(thing, "billing_mode"),
        "items",
        lambda item: _without(item, *period) | {"price": _price(item["price"], books)},
    )
    return thing | period | _first_discount(thing, books)


def _first_discount(thing: Json, books: Books) -> Json:
    """Beside the ids of all discounts stood the first one, whole."""
    ids = [one["id"] if isinstance(one, dict) else one for one in thing["discounts"]]
    return {"discount": _discount(books.by_id[ids[0]], books) if ids else None, "discounts": ids}


def _taxes(taxes: list[Json]) -> list[Json]:
    return [
        {
            "amount": tax["amount"],
            "inclusive": tax["tax_behavior"] == "inclusive",
            "tax_rate": tax["tax_rate_details"]["tax_rate"],
            "taxability_reason": tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        }
        for tax in taxes
    ]


def _priced(thing: Json, books: Books) -> Json:
    price = _price(books.by_id[thing["pricing"]["price_details"]["price"]], books)
    plan = books.by_id.get(f"plan of {price['id']}")
    return {"price": price, "plan": plan}


def _line(line: Json, books: Books) -> Json:
    kind = line["parent"]["type"]
    details = line["parent"][kind]
    return _without(line, "parent", "pricing", "taxes", "pretax_credit_amounts") | _priced(line, books) | {
        "invoice_item": details["invoice_item"],
        "proration": details["proration"],
        "proration_details": details["proration_details"] or {"credited_items": None},
        "subscription": details["subscription"],
        "subscription_item": details.get("subscription_item"),
        "tax_amounts": _taxes(line["taxes"]),
        "tax_rates": [],
        "type": {"subscription_item_details": "subscription", "invoice_item_details": "invoiceitem"}[kind]
        if not details["proration"] else "invoiceitem",
    }  # fmt: skip


def _invoice(thing: Json, books: Books) -> Json:
    intent = books.payment_of.get(thing["id"])
    parent = thing["parent"]
    taxes = _taxes(thing["total_taxes"])
    return _without(thing, "parent", "total_taxes", "amount_overpaid", "total_pretax_credit_amounts") | {
        "application_fee_amount": None,
        "charge": intent["latest_charge"] if intent else None,
        "paid": thing["status"] == "paid",
        "paid_out_of_band": False,
        "payment_intent": intent["id"] if intent else None,
        "quote": None,
        "subscription": parent["subscription_details"]["subscription"] if parent else None,
        "tax": sum(tax["amount"] for tax in taxes) if taxes else None,
        "total_tax_amounts": taxes,
        "transfer_data": None,
    } | _first_discount(thing, books)  # fmt: skip


def _invoice_item(thing: Json, books: Books) -> Json:
    details = thing["parent"]["subscription_details"] if thing["parent"] else {}
    exact = thing["pricing"]["unit_amount_decimal"]
    return _without(thing, "parent", "pricing", "net_amount") | _priced(thing, books) | {
        "subscription": details.get("subscription"),
        "subscription_item": details.get("subscription_item"),
        "unit_amount": int(exact),
        "unit_amount_decimal": exact,
    }  # fmt: skip


def _credit_note(thing: Json, books: Books) -> Json:
    refunds = thing["refunds"]
    thing = _inside(
        _without(thing, "refunds", "total_taxes"),
        "lines",
        lambda line: _without(line, "taxes") | {"tax_amounts": _taxes(line["taxes"])},
    )
    taxes = _taxes(books.by_id[thing["id"]]["total_taxes"])
    return thing | {"refund": refunds[0]["refund"] if refunds else None, "tax_amounts": taxes}


# --- from 2024-06-20 to 2020-08-27 ------------------------------------------------------------------------


def _to_2020(thing: Json, books: Books) -> Json:
    """One discount and no list of them; charges inside intents, refunds inside charges; no sums without tax."""
    thing = _lines(thing, lambda line: _without(line, "discounts", "proration_details"))
    change = {
        "subscription": _oldest_subscription,
        "payment_intent": _oldest_intent,
        "charge": _oldest_charge,
    }.get(thing["object"])
    thing = change(thing, books) if change else thing
    new = ("total_excluding_tax", "subtotal_excluding_tax", "status_details", "customer_account", "test_clock")
    return _without(thing, *new)


def _oldest_subscription(thing: Json, books: Books) -> Json:
    thing = _inside(thing, "items", lambda item: _without(item, "discounts"))
    single = thing["items"]["data"][0] if len(thing["items"]["data"]) == 1 else {}
    alone = {"plan": single.get("plan"), "quantity": single.get("quantity")}
    return _without(thing, "discounts", "currency", "trial_settings", "payment_settings") | alone


def _oldest_intent(thing: Json, books: Books) -> Json:
    charge = books.by_id.get(thing["latest_charge"] or "")
    data = [_oldest_charge(charge | {"invoice": books.invoice_of.get(charge["id"])}, books)] if charge else []
    listed = {"object": "list", "data": data, "has_more": False, "url": f"/v1/charges?payment_intent={thing['id']}"}
    return _without(thing, "latest_charge") | {"charges": listed}


def _oldest_charge(thing: Json, books: Books) -> Json:
    refunds = [_without(one, "customer", "payment_method") for one in books.refunds_of.get(thing["id"], [])]
    listed = {"object": "list", "data": refunds, "has_more": False, "url": f"/v1/charges/{thing['id']}/refunds"}
    return thing | {"refunds": listed}


_STEPS: tuple[tuple[str, Step], ...] = (
    (CLOVER, _to_clover),
    (BASIL, _to_basil),
    (BEFORE_BASIL, _to_2024),
    (OLDEST, _to_2020),
)
