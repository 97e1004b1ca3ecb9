"""What Northwind Digital sells: three plans by month and year, two downloads, each in three currencies.

The catalogue is data. Prices follow Stripe's habit: a price never changes, a dearer one replaces it
and the old one is archived, while those who have it keep it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from pipelines.demo.books import Books

Json = dict[str, Any]

# Amounts are minor units: cents of dollar and euro, whole yen.
PLANS: dict[str, dict[tuple[str, str], int]] = {
    "Starter": {
        ("usd", "month"): 1_900, ("eur", "month"): 1_800, ("jpy", "month"): 2_800,
        ("usd", "year"): 19_000, ("eur", "year"): 18_000, ("jpy", "year"): 28_000,
    },
    "Pro": {
        ("usd", "month"): 4_900, ("eur", "month"): 4_500, ("jpy", "month"): 7_200,
        ("usd", "year"): 49_000, ("eur", "year"): 45_000, ("jpy", "year"): 72_000,
    },
    "Team": {
        ("usd", "month"): 1_500, ("eur", "month"): 1_400, ("jpy", "month"): 2_200,
        ("usd", "year"): 15_000, ("eur", "year"): 14_000, ("jpy", "year"): 22_000,
    },
}  # fmt: skip
OLD_PRO = {("usd", "month"): 3_900, ("eur", "month"): 3_600, ("jpy", "month"): 5_800}
DOWNLOADS = {
    "SQL Field Guide": {"usd": 2_900, "eur": 2_700, "jpy": 4_200},
    "Dashboard Templates": {"usd": 7_900, "eur": 7_500, "jpy": 11_500},
}


@dataclass(frozen=True)
class Catalogue:
    """Price objects by plan, interval and currency, and download prices by name and currency."""

    current: dict[tuple[str, str, str], Json]
    old: dict[tuple[str, str, str], Json]
    downloads: dict[tuple[str, str], Json]
    product_names: dict[str, str]
    raised_at: int

    def price(self, plan: str, interval: str, currency: str, at: int) -> Json:
        """The price that a new subscriber gets at that second."""
        key = (plan, interval, currency)
        return self.old[key] if at < self.raised_at and key in self.old else self.current[key]

    def name_of(self, price: Json) -> str:
        """The product's name for a price object."""
        return self.product_names[price["product"]]


def open_catalogue(books: Books, at: int, raised_at: int) -> Catalogue:
    """Enter every product and price into the books; Pro by month becomes dearer at `raised_at`."""
    catalogue = Catalogue({}, {}, {}, {}, raised_at)
    for plan, amounts in PLANS.items():
        product = _product(books, plan, at, f"{plan} plan", unit="seat" if plan == "Team" else None)
        catalogue.product_names[product["id"]] = plan
        for (currency, interval), amount in amounts.items():
            was = OLD_PRO.get((currency, interval)) if plan == "Pro" else None
            if was is not None:
                old = _price(books, product, at, currency, was, interval)
                # Items show their price as it is now, and by now the old one is off the shelf.
                catalogue.old[plan, interval, currency] = old | {"active": False}
            born = raised_at if was is not None else at
            price = _price(books, product, born, currency, amount, interval)
            catalogue.current[plan, interval, currency] = price
    for name, prices in DOWNLOADS.items():
        product = _product(books, name, at, f"{name} (download)", unit=None)
        catalogue.product_names[product["id"]] = name
        for currency, amount in prices.items():
            catalogue.downloads[name, currency] = _price(books, product, at, currency, amount, None)
    return catalogue


def archive_old_prices(books: Books, catalogue: Catalogue) -> None:
    """Take the replaced prices off the shelf; whoever pays them goes on paying them."""
    for price in catalogue.old.values():
        books.change(books.objects["prices"][price["id"]], catalogue.raised_at, "price.updated", active=False)


def _product(books: Books, name: str, at: int, description: str, unit: str | None) -> Json:
    product: Json = {
        "id": books.new_id("prod_", 14), "object": "product", "active": True, "created": at, "default_price": None,
        "description": description, "images": [], "livemode": False, "marketing_features": [], "metadata": {},
        "name": name, "package_dimensions": None, "shippable": None, "statement_descriptor": None,
        "tax_code": None, "type": "service", "unit_label": unit, "updated": at, "url": None,
    }  # fmt: skip
    books.add(product, at, "product.created")
    return product


def _price(books: Books, product: Json, at: int, currency: str, amount: int, interval: str | None) -> Json:
    recurring = None
    if interval is not None:
        recurring = {"interval": interval, "interval_count": 1, "meter": None, "trial_period_days": None,
                     "usage_type": "licensed"}  # fmt: skip
    price: Json = {
        "id": books.new_id("price_1", 23), "object": "price", "active": True, "billing_scheme": "per_unit",
        "created": at, "currency": currency, "custom_unit_amount": None, "livemode": False, "lookup_key": None,
        "metadata": {}, "nickname": None, "product": product["id"], "recurring": recurring,
        "tax_behavior": "exclusive", "tiers_mode": None, "transform_quantity": None,
        "type": "recurring" if interval else "one_time", "unit_amount": amount, "unit_amount_decimal": str(amount),
    }  # fmt: skip
    books.add(price, at, "price.created")
    if product["default_price"] is None:
        books.change(product, at + 1, "product.updated", default_price=price["id"])
    return price


def draw_plan(rng: Random) -> tuple[str, str, int]:
    """Plan, interval and quantity of a new subscriber."""
    plan = rng.choices(("Starter", "Pro", "Team"), (55, 30, 15))[0]
    interval = "year" if rng.random() < 0.24 else "month"
    return plan, interval, rng.randint(3, 12) if plan == "Team" else 1
