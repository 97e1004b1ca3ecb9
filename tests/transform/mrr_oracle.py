"""The reference arithmetic of the revenue specification (its part 3), extended to answer per item.

Written down independently of the models and in exact fractions, so that the two can be compared.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

JSONDict = dict[str, Any]
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


def discounted(discounts: list[JSONDict], amounts: list[Fraction], items: list[JSONDict]) -> list[Fraction]:
    """The amounts after the discounts that never end, in list order."""
    for discount in discounts:
        coupon = discount["source"]["coupon"]
        if coupon["duration"] != "forever":
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


def monthly_by_item(subscription: JSONDict) -> dict[str, Fraction]:
    """Unrounded MRR of each item; the subscription's status is not looked at."""
    items = [item for item in subscription["items"]["data"] if item["price"].get("recurring")]
    amounts = [discounted(item.get("discounts", []), [item_amount(item)], [item])[0] for item in items]
    amounts = discounted(subscription["discounts"], amounts, items)
    return {
        item["id"]: amount
        * MONTHS[item["price"]["recurring"]["interval"]]
        / item["price"]["recurring"]["interval_count"]
        for item, amount in zip(items, amounts, strict=True)
    }
