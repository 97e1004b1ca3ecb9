"""Stripe objects in few words: what a case does not say is as ordinary as can be."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.transform.sample_warehouse import JSONDict, unix

_numbers = count(1)


def price(amount: str | None, interval: str = "month", interval_count: int = 1, **more: Any) -> JSONDict:
    """A recurring licensed price; `amount` in minor units, None for tiers."""
    number = next(_numbers)
    recurring = {
        "interval": interval,
        "interval_count": interval_count,
        "usage_type": more.pop("usage_type", "licensed"),
    }
    return {
        "object": "price",
        "id": f"price_{number}",
        "currency": "usd",
        "product": f"prod_{number}",
        "type": "recurring",
        "billing_scheme": "per_unit",
        "recurring": recurring,
        "unit_amount_decimal": amount,
        "tiers_mode": None,
        "transform_quantity": None,
    } | more


def item(of: JSONDict, quantity: int | None = 1, **more: Any) -> JSONDict:
    """A subscription item."""
    return {
        "id": f"si_{next(_numbers)}",
        "object": "subscription_item",
        "price": of,
        "quantity": quantity,
    } | more


def subscription(*items: JSONDict, **more: Any) -> JSONDict:
    """An active subscription since 1 January 2026 unless told otherwise."""
    number = next(_numbers)
    return {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": f"cus_{number}",
        "status": "active",
        "currency": items[0]["price"]["currency"],
        "created": unix("2026-01-01"),
        "start_date": unix("2026-01-01"),
        "trial_end": None,
        "ended_at": None,
        "discounts": [],
        "items": {"object": "list", "data": list(items)},
    } | more


def discount(duration: str = "forever", **coupon: Any) -> JSONDict:
    """A discount by a coupon that stands in full."""
    number = next(_numbers)
    return {
        "id": f"di_{number}",
        "object": "discount",
        "source": {"type": "coupon", "coupon": {"id": f"co_{number}", "duration": duration} | coupon},
    }


def line(
    of: JSONDict, on: JSONDict, start: str, end: str, amount: int, *, proration: bool = False, **more: Any
) -> JSONDict:
    """A line for the first item of subscription `of`, at price `on`."""
    first = of["items"]["data"][0]
    details = {"subscription": of["id"], "subscription_item": first["id"], "proration": proration}
    return {
        "id": f"il_{next(_numbers)}",
        "object": "line_item",
        "amount": amount,
        "currency": of["currency"],
        "quantity": 1,
        "period": {"start": unix(start), "end": unix(end)},
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
        "pricing": {
            "price_details": {"price": on["id"], "product": on["product"]},
            "unit_amount_decimal": on["unit_amount_decimal"],
        },
        "discount_amounts": [],
        "taxes": [],
    } | more


def invoice(of: JSONDict, created: str, *lines: JSONDict, status: str = "paid", **more: Any) -> JSONDict:
    """An invoice of a subscription."""
    total = sum(entry["amount"] for entry in lines)
    return {
        "id": f"in_{next(_numbers)}",
        "object": "invoice",
        "customer": of["customer"],
        "currency": of["currency"],
        "status": status,
        "created": unix(created),
        "billing_reason": "subscription_cycle",
        "subtotal": total,
        "total": total,
        "amount_due": total,
        "amount_paid": total if status == "paid" else 0,
        "amount_remaining": 0 if status == "paid" else total,
        "status_transitions": {"paid_at": unix(created) if status == "paid" else None},
        "lines": {"object": "list", "has_more": False, "data": list(lines)},
    } | more
