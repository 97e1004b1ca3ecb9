"""The reference arithmetic of the revenue specification (its part 3), extended to answer per item.

Written down independently of the models and in exact fractions, so that the two can be compared.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

JSONDict = dict[str, Any]
FOREVER = frozenset({"forever"})
"""Durations of the coupons that count where nothing else is said."""
MONTHS = {"day": Fraction(365, 12), "week": Fraction(365, 84), "month": Fraction(1), "year": Fraction(1, 12)}


def item_amount(item: JSONDict) -> Fraction:
    """Minor units per billing period, before discounts."""
    price = item["price"]
    recurring = price.get("recurring")
    if not recurring or recurring["usage_type"] == "metered":
        return Fraction(0)
    quantity = Fraction(1 if item.get("quantity") is None else item["quantity"])
    if transform := price.get("transform_quantity"):
        rounding = math.ceil if transform["round"] == "up" else math.floor
        quantity = Fraction(rounding(quantity / transform["divide_by"]))
    if price["billing_scheme"] != "tiered":
        return quantity * Fraction(price["unit_amount_decimal"] or 0)
    tiers = [*price["tiers"][:-1], price["tiers"][-1] | {"up_to": None}]  # A closed last tier goes on.
    return _volume(tiers, quantity) if price["tiers_mode"] == "volume" else _graduated(tiers, quantity)


def _value(tier: JSONDict, key: str) -> Fraction:
    return Fraction(tier.get(key) or 0)


def _volume(tiers: list[JSONDict], quantity: Fraction) -> Fraction:
    tier = next(tier for tier in tiers if tier["up_to"] is None or quantity <= tier["up_to"])
    return quantity * _value(tier, "unit_amount_decimal") + _value(tier, "flat_amount_decimal")


def _graduated(tiers: list[JSONDict], quantity: Fraction) -> Fraction:
    total = reached = Fraction(0)
    for tier in tiers:
        units = (quantity if tier["up_to"] is None else min(quantity, Fraction(tier["up_to"]))) - reached
        if units > 0 or reached == 0:
            total += units * _value(tier, "unit_amount_decimal") + _value(tier, "flat_amount_decimal")
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            break
        reached = Fraction(tier["up_to"])
    return total


def discounted(
    discounts: list[JSONDict], amounts: list[Fraction], items: list[JSONDict], counted: frozenset[str] = FOREVER
) -> list[Fraction]:
    """The amounts after the discounts of the durations that count, in list order."""
    for discount in discounts:
        coupon = discount["source"]["coupon"]
        if coupon["duration"] not in counted:
            continue
        products = (coupon.get("applies_to") or {}).get("products")
        eligible = [n for n, item in enumerate(items) if not products or item["price"]["product"] in products]
        if coupon.get("percent_off") is not None:
            for n in eligible:
                amounts[n] *= 1 - Fraction(str(coupon["percent_off"])) / 100
        else:
            _take_off(Fraction(coupon["amount_off"]), eligible, amounts, items)
    return amounts


def _take_off(off: Fraction, eligible: list[int], amounts: list[Fraction], items: list[JSONDict]) -> None:
    def period(n: int) -> Fraction:
        recurring = items[n]["price"]["recurring"]
        return Fraction(recurring["interval_count"]) / MONTHS[recurring["interval"]]

    base = [n for n in eligible if amounts[n] > 0]
    base = [n for n in base if period(n) == min(map(period, base))]
    total = sum((amounts[n] for n in base), Fraction(0))
    for n in base:
        amounts[n] -= min(off, total) * amounts[n] / total


def monthly_by_item(subscription: JSONDict, counted: frozenset[str] = FOREVER) -> dict[str, Fraction]:
    """Unrounded MRR of each item; the subscription's status is not looked at."""
    items = [item for item in subscription["items"]["data"] if item["price"].get("recurring")]
    amounts = [discounted(item.get("discounts", []), [item_amount(item)], [item], counted)[0] for item in items]
    amounts = discounted(subscription["discounts"], amounts, items, counted)
    return {
        item["id"]: amount
        * MONTHS[item["price"]["recurring"]["interval"]]
        / item["price"]["recurring"]["interval_count"]
        for item, amount in zip(items, amounts, strict=True)
    }


def mrr_at(
    subscription: JSONDict, moment: int, counted: frozenset[str] = FOREVER, *, pause_counts: bool = False
) -> dict[str, Fraction]:
    """`monthly_by_item` at an epoch second: status, pause, trials of items, windows and currencies of discounts."""
    pause = subscription["pause_collection"] or {}
    is_void = pause.get("behavior") == "void" and (pause["resumes_at"] is None or moment < pause["resumes_at"])
    if subscription["status"] not in {"active", "past_due"} or (is_void and not pause_counts):
        return {}
    currency = subscription["currency"]
    items = [_localised(item, currency) for item in subscription["items"]["data"]]
    held = [one for one in subscription["discounts"] if _holds(one, moment, currency)]
    amounts = monthly_by_item({"items": {"data": items}, "discounts": held}, counted)
    on_trial = {item["id"] for item in items if (item.get("current_trial") or {"end_date": 0})["end_date"] > moment}
    return {name: amount for name, amount in amounts.items() if name not in on_trial}


def _localised(item: JSONDict, currency: str) -> JSONDict:
    options = (item["price"].get("currency_options") or {}).get(currency, {})
    told = {name: value for name, value in options.items() if value is not None}
    return item | {"price": item["price"] | told}


def _holds(discount: JSONDict, moment: int, currency: str) -> bool:
    coupon = discount["source"]["coupon"]
    in_time = discount.get("start", 0) <= moment < (discount.get("end") or math.inf)
    return in_time and (coupon.get("amount_off") is None or coupon["currency"] == currency)
