"""A few hundred subscriptions drawn from everything that the item arithmetic knows; the seed is fixed."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.transform.sample_warehouse import JSONDict, Sample
from tests.transform.stripe_shapes import discount, item, price, subscription

ACCOUNT = "random"
COUNT = 400


def draw_all() -> list[JSONDict]:
    """The same subscriptions at every call but for their ids."""
    random = Random(20260701)
    return [_subscription(random) for _ in range(COUNT)]


def _subscription(random: Random) -> JSONDict:
    items = [_item(random) for _ in range(random.choice((1, 1, 1, 2, 3, 4)))]
    products = [found["price"]["product"] for found in items]
    discounts = [_discount(random, products) for _ in range(random.choice((0, 0, 1, 2, 3)))]
    return subscription(*items, discounts=discounts)


def _item(random: Random) -> JSONDict:
    quantity = random.choice((None, 0, 1, 1, 2, 5, 6, 10, 11, 100, 250, 1001))
    discounts = [_discount(random, [])] if random.random() < 0.15 else []
    return item(random_price(random), quantity, discounts=discounts)


def random_item(random: Random, of: JSONDict) -> JSONDict:
    """An item at this price, without a discount of its own."""
    return item(of, random.choice((None, 0, 1, 2, 6, 11, 250)))


def random_price(random: Random) -> JSONDict:
    """A price of any scheme and interval."""
    interval = random.choice(("day", "week", "month", "month", "year"))
    more: dict[str, Any] = {}
    if random.random() < 0.1:
        more["usage_type"] = "metered"
    if random.random() < 0.2:
        more["transform_quantity"] = {
            "divide_by": random.choice((3, 7, 100)),
            "round": random.choice(("up", "down")),
        }
    if random.random() < 0.35:
        more |= {
            "billing_scheme": "tiered",
            "tiers_mode": random.choice(("graduated", "volume")),
            "tiers": _tiers(random),
        }
    return price(_amount(random), interval, random.choice((1, 1, 2, 3, 6, 30)), **more)


def _tiers(random: Random) -> list[JSONDict]:
    bounds = sorted(random.sample(range(1, 300), random.choice((0, 1, 3))))
    last = None if random.random() < 0.8 else (bounds[-1] if bounds else 0) + 50
    return [
        {
            "up_to": up_to,
            "unit_amount_decimal": _amount(random),
            "flat_amount_decimal": random.choice((None, _amount(random))),
        }
        for up_to in (*bounds, last)
    ]


def _amount(random: Random) -> str | None:
    whole = random.choice((0, 1, 7, 99, 1000, 4999, 120_000, 9_999_999))
    return random.choice((str(whole), str(whole), f"{whole}.{random.randrange(10**12):012d}".rstrip("."), None))


def _discount(random: Random, products: list[str]) -> JSONDict:
    duration = random.choice(("forever", "forever", "once", "repeating"))
    coupon: dict[str, Any] = (
        {"percent_off": random.choice((10, 12.5, 33.33, 50, 100))}
        if random.random() < 0.5
        else {"amount_off": random.choice((1, 333, 5000, 10_000_000)), "currency": "usd"}
    )
    if products and random.random() < 0.3:
        coupon["applies_to"] = {"products": random.sample(products, 1)}
    return discount(duration, **coupon)


SUBSCRIPTIONS = draw_all()


def add_to(sample: Sample) -> None:
    """All of them, each of a customer of its own."""
    for found in SUBSCRIPTIONS:
        sample.add(found, at="2026-06-01", account=ACCOUNT)
