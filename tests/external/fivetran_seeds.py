"""The seeds of fivetran's Stripe package as Stripe's own objects: tables that a warehouse got, put together again.

What the tables no longer say is supplied by these rules, and nothing else is:

| rule | because |
|---|---|
| a subscription is the row of `subscription_data` with its rows of `subscription_item_data` inside | Stripe keeps items there |
| a subscription that only its items name is `active` from its first item's creation on, its customer named after it | fivetran's report counts an item whether its subscription is known or not |
| ... and ended with the last period of its items, if that was over when the items were read | Stripe renews what goes on; a period in the past is that of a subscription that has ended |
| an item's plan is the row of `plan_data`; an unknown one has its id alone | |
| `livemode` of a subscription that only its items name is true | all items' plans are |
| moments are UTC; empty is null; `usd` stays as it is written | |
| every object stands for the moment that the items were read | the tables keep no versions |
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Row = dict[str, str | None]

READ_AT = datetime(2025, 8, 26, 14, 30, tzinfo=UTC)
"""`_fivetran_synced` of the items."""


def objects(folder: Path) -> list[Json]:
    """What the seeds say about products, prices, coupons, customers, subscriptions and invoices."""
    plans = {str(row["id"]): _plan(row) for row in table(folder, "plan")}
    return [
        *plans.values(),
        *map(_price, table(folder, "price")),
        *map(_product, table(folder, "product")),
        *map(_coupon, table(folder, "coupon")),
        *map(_customer, table(folder, "customer")),
        *_subscriptions(folder, plans),
        *_invoices(folder),
    ]


def table(folder: Path, name: str) -> list[Row]:
    """One seed: its rows with None for what is empty."""
    with (folder / f"{name}_data.csv").open(newline="") as file:
        return [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]


def _subscriptions(folder: Path, plans: dict[str, Json]) -> list[Json]:
    items: dict[str, list[Row]] = defaultdict(list)
    for row in table(folder, "subscription_item"):
        items[str(row["subscription_id"])].append(row)
    known = {str(row["id"]): row for row in table(folder, "subscription")}
    discounts = {str(row["subscription_id"]): row["coupon_id"] for row in table(folder, "subscription_discount")}
    return [
        (_known(known[one]) if one in known else _unknown(one, rows))
        | {
            "items": {"object": "list", "data": [_item(row, plans) for row in rows]},
            "discounts": [{"object": "discount", "id": one, "coupon": discounts[one]}] if one in discounts else [],
        }
        for one, rows in items.items()
    ]


def _known(row: Row) -> Json:
    moments = "created", "start_date", "trial_start", "trial_end", "cancel_at", "canceled_at", "ended_at"
    return {
        "object": "subscription",
        "id": row["id"],
        "livemode": _flag(row["livemode"]),
        "customer": row["customer_id"],
        "status": row["status"],
        "cancel_at_period_end": _flag(row["cancel_at_period_end"]),
        **{name: _unix(row[name]) for name in moments},
    }


def _unknown(subscription: str, items: list[Row]) -> Json:
    begin = min(filter(None, (_unix(row["created"]) for row in items)))
    end = max(filter(None, (_unix(row["current_period_end"]) for row in items)))
    has_ended = end < READ_AT.timestamp()
    return {
        "object": "subscription",
        "id": subscription,
        "livemode": True,
        "customer": f"customer of {subscription}",
        "status": "canceled" if has_ended else "active",
        "created": begin,
        "start_date": begin,
        "ended_at": end if has_ended else None,
    }


def _item(row: Row, plans: dict[str, Json]) -> Json:
    plan = str(row["plan_id"])
    return {
        "object": "subscription_item",
        "id": row["id"],
        "created": _unix(row["created"]),
        "quantity": _whole(row["quantity"]),
        "plan": plans.get(plan, {"object": "plan", "id": plan}),
        "current_period_start": _unix(row["current_period_start"]),
        "current_period_end": _unix(row["current_period_end"]),
    }


def _plan(row: Row) -> Json:
    return {
        "object": "plan",
        "id": row["id"],
        "livemode": _flag(row["livemode"]),
        "created": _unix(row["created"]),
        "active": _flag(row["active"]),
        "amount": _whole(row["amount"]),
        "amount_decimal": row["amount"],
        "billing_scheme": row["billing_scheme"],
        "currency": row["currency"],
        "interval": row["interval"],
        "interval_count": _whole(row["interval_count"]),
        "product": row["product_id"],
        "usage_type": row["usage_type"],
    }


def _price(row: Row) -> Json:
    recurring = {
        "interval": row["recurring_interval"],
        "interval_count": _whole(row["recurring_interval_count"]),
        "usage_type": row["recurring_usage_type"],
    }
    return {
        "object": "price",
        "id": row["id"],
        "livemode": _flag(row["livemode"]),
        "created": _unix(row["created"]),
        "currency": row["currency"],
        "product": row["product_id"],
        "type": row["type"],
        "billing_scheme": row["billing_scheme"],
        "unit_amount_decimal": row["unit_amount_decimal"],
        "recurring": recurring if row["type"] == "recurring" else None,
    }


def _product(row: Row) -> Json:
    return {
        "object": "product",
        "id": row["id"],
        "livemode": _flag(row["livemode"]),
        "created": _unix(row["created"]),
        "name": row["name"],
    }


def _coupon(row: Row) -> Json:
    return {
        "object": "coupon",
        "id": row["id"],
        "livemode": _flag(row["livemode"]),
        "created": _unix(row["created"]),
        "currency": row["currency"],
        "duration": row["duration"],
        "duration_in_months": _whole(row["duration_in_months"]),
        "amount_off": _whole(row["amount_off"]),
        "percent_off": float(row["percent_off"]) if row["percent_off"] else None,
    }


def _customer(row: Row) -> Json:
    return {
        "object": "customer",
        "id": row["id"],
        "livemode": _flag(row["livemode"]),
        "created": _unix(row["created"]),
        "email": row["email"],
        "name": row["name"],
    }


def _invoices(folder: Path) -> list[Json]:
    lines: dict[str, list[Row]] = defaultdict(list)
    for row in table(folder, "invoice_line_item"):
        lines[str(row["invoice_id"])].append(row)
    return [
        {
            "object": "invoice",
            "id": row["id"],
            "livemode": _flag(row["livemode"]),
            "created": _unix(row["period_start"]),
            "customer": row["customer_id"],
            "currency": row["currency"],
            "status": row["status"],
            "subscription": row["subscription_id"],
            "billing_reason": row["billing_reason"],
            **{
                name: _whole(row[name])
                for name in ("amount_due", "amount_paid", "amount_remaining", "subtotal", "total", "tax")
            },
            "lines": {"object": "list", "data": [_line(one) for one in lines[str(row["id"])]]},
        }
        for row in table(folder, "invoice")
    ]


def _line(row: Row) -> Json:
    return {
        "object": "line_item",
        "id": row["id"],
        "type": row["type"] or "subscription",
        "amount": _whole(row["amount"]),
        "currency": row["currency"],
        "quantity": _whole(row["quantity"]),
        "proration": _flag(row["proration"]),
        "subscription": row["subscription_id"],
        "subscription_item": row["subscription_item_id"],
        "period": {"start": _unix(row["period_start"]), "end": _unix(row["period_end"])},
        "plan": {"object": "plan", "id": row["plan_id"]},
    }


def _unix(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _flag(text: str | None) -> bool:
    return (text or "").lower() == "true"
