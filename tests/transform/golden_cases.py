"""The worked cases of the revenue specification, by number; figures are in minor units.

The expected figures are the specification's, not ours. Cases that only another profile or a currency
conversion can tell are not here.
"""

from __future__ import annotations

from tests.transform.sample_warehouse import JSONDict, Sample
from tests.transform.stripe_shapes import discount, item, price, subscription

_TIERS = [
    {"up_to": 5, "unit_amount_decimal": "1000", "flat_amount_decimal": None},
    {"up_to": None, "unit_amount_decimal": "800", "flat_amount_decimal": None},
]
_QUARTER_OFF: JSONDict = {"percent_off": 25}
_FIVE_OFF: JSONDict = {"amount_off": 500, "currency": "usd"}


def _tiered(mode: str) -> JSONDict:
    return price(None, billing_scheme="tiered", tiers_mode=mode, tiers=_TIERS)


def _flexible() -> JSONDict:
    metered = price("10", usage_type="metered")
    items = item(price("3000")), item(price("24000", "year")), item(metered, None)
    return subscription(*items, discounts=[discount(amount_off=1000, currency="usd")])


def _discounted(*discounts: JSONDict) -> JSONDict:
    return subscription(item(price("10000")), discounts=list(discounts))


CASES: dict[str, tuple[JSONDict, int]] = {
    "1 monthly 2 x 2000": (subscription(item(price("2000"), 2)), 4000),
    "2 yearly 120000": (subscription(item(price("120000", "year"))), 10000),
    "3 every 3 months 9000": (subscription(item(price("9000", "month", 3))), 3000),
    "4 weekly 1000": (subscription(item(price("1000", "week"))), 4345),
    "4 every 2 weeks 1000": (subscription(item(price("1000", "week", 2))), 2173),
    "5 daily 100": (subscription(item(price("100", "day"))), 3042),
    "5 every 30 days 3000": (subscription(item(price("3000", "day", 30))), 3042),
    "6 a quarter off, then 500": (_discounted(discount(**_QUARTER_OFF), discount(**_FIVE_OFF)), 7000),
    "6 500 off, then a quarter": (_discounted(discount(**_FIVE_OFF), discount(**_QUARTER_OFF)), 7125),
    "7 repeating half off": (_discounted(discount("repeating", percent_off=50, duration_in_months=3)), 10000),
    "8 trialing": (subscription(item(price("5000")), status="trialing"), 0),
    "9 past due": (subscription(item(price("5000")), status="past_due"), 5000),
    "9 unpaid": (subscription(item(price("5000")), status="unpaid"), 0),
    "9 paused": (subscription(item(price("5000")), status="paused"), 0),
    "9 collection paused": (subscription(item(price("5000")), pause_collection={"behavior": "void"}), 0),
    "10 graduated": (subscription(item(_tiered("graduated"), 8)), 7400),
    "10 volume": (subscription(item(_tiered("volume"), 8)), 6400),
    "11 flexible": (_flexible(), 4000),
    "12 packages of 100": (
        subscription(item(price("300", transform_quantity={"divide_by": 100, "round": "up"}), 250)),
        900,
    ),
    "13 yen": (subscription(item(price("1000", currency="jpy"))), 1000),
    "14 cancels at period end": (subscription(item(price("3000")), cancel_at_period_end=True), 3000),
}


def add_to(sample: Sample) -> None:
    """Each case as an account, its subscription listed once on 1 June 2026."""
    for name, (found, _) in CASES.items():
        sample.add(found, at="2026-06-01", account=f"golden {name}")
