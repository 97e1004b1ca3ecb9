"""Coupons, their promotion codes, and what a redeemed one takes off: forever, for some months, or once.

An offer is data; `open_offers` enters it into the books, `Offers.redeem` ties it to a subscription. A
discount is taken off the amount before tax; only one that lasts forever lowers recurring revenue.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random
from typing import Any

from pipelines.demo.books import Books
from pipelines.demo.clock import add_months

Json = dict[str, Any]


@dataclass(frozen=True)
class Offer:
    """A coupon and its code. `until` is the part of the story in which the code is given out."""

    code: str
    name: str
    weight: int
    duration: str
    months: int | None = None
    percent_off: int | None = None
    amount_off: int | None = None
    until: float = 1.0


# An amount off is in US dollars, so only those who pay in dollars can redeem it.
OFFERS = (
    Offer("FOUNDERS20", "Founders' rate", 25, "forever", percent_off=20, until=0.5),
    Offer("PARTNER5", "Partner rate", 14, "forever", amount_off=500),
    Offer("START50", "Half price for three months", 32, "repeating", months=3, percent_off=50),
    Offer("QUARTER10", "Ten dollars off for three months", 6, "repeating", months=3, amount_off=1_000),
    Offer("HELLO25", "A quarter off the first invoice", 16, "once", percent_off=25),
    Offer("TAKE10", "Ten dollars off the first invoice", 7, "once", amount_off=1_000),
)  # fmt: skip


class Deal:
    """One redeemed coupon: the Discount object, and what it takes off."""

    def __init__(self, offer: Offer, discount: Json) -> None:
        self.discount, self._offer = discount, offer
        self._used = False

    @property
    def is_for_good(self) -> bool:
        """Whether it never ends, and so lowers recurring revenue."""
        return self._offer.duration == "forever"

    def is_over(self, at: int) -> bool:
        """Whether nothing more will come of it."""
        end = self.discount["end"]
        return self._used if self._offer.duration == "once" else end is not None and at >= end

    def take(self, amount: int, at: int) -> int:
        """What an invoice of that second over `amount` is lowered by; one that counts once is used up by it."""
        if amount <= 0 or self.is_over(at):
            return 0
        self._used = True
        exact = amount - self.left(Fraction(amount))
        return int((Decimal(exact.numerator) / exact.denominator).to_integral_value(ROUND_HALF_UP))

    def left(self, amount: Fraction) -> Fraction:
        """What remains of a period's amount."""
        if self._offer.percent_off is not None:
            return amount * (100 - self._offer.percent_off) / 100
        return max(amount - (self._offer.amount_off or 0), Fraction(0))


class Offers:
    """The coupons of the business, with their promotion codes."""

    def __init__(self, books: Books, start: int) -> None:
        self._books, self._start = books, start
        self._kept: dict[str, tuple[Json, Json]] = {}

    def enter(self, offer: Offer) -> None:
        """Create the coupon and its code on the first day."""
        coupon = _coupon(offer, self._start)
        self._books.add(coupon, self._start, "coupon.created")
        code = _promotion_code(self._books.new_id("promo_1", 23), offer, self._start)
        self._books.add(code, self._start, "promotion_code.created")
        self._kept[offer.code] = coupon, code

    def redeem(self, rng: Random, currency: str, at: int, subscription: str, customer: str) -> Deal:
        """Redeem a code that this currency can use; the discount enters the books with the subscription."""
        told = (at - self._start) / (self._books.end - self._start)
        open_now = [
            offer for offer in OFFERS
            if told < offer.until and (offer.amount_off is None or currency == "usd")
        ]  # fmt: skip
        offer = rng.choices(open_now, [offer.weight for offer in open_now])[0]
        coupon, code = self._kept[offer.code]
        for counted in (coupon, code):
            self._books.change(counted, at, times_redeemed=counted["times_redeemed"] + 1)
        end = add_months(at, offer.months) if offer.months else None
        discount: Json = {
            "id": self._books.new_id("di_1", 23), "object": "discount", "checkout_session": None,
            "customer": customer, "customer_account": None, "end": end, "invoice": None, "invoice_item": None,
            "promotion_code": code["id"], "source": {"coupon": coupon["id"], "type": "coupon"}, "start": at,
            "subscription": subscription, "subscription_item": None,
        }  # fmt: skip
        self._books.add(discount, at, "customer.discount.created")
        return Deal(offer, discount)

    def close_expired(self) -> None:
        """Codes whose time is over are no longer active."""
        for offer in OFFERS:
            if offer.until < 1:
                at = self._start + round((self._books.end - self._start) * offer.until)
                self._books.change(self._kept[offer.code][1], at, "promotion_code.updated", active=False)


def open_offers(books: Books, start: int) -> Offers:
    """Enter every coupon and promotion code into the books."""
    offers = Offers(books, start)
    for offer in OFFERS:
        offers.enter(offer)
    return offers


def _coupon(offer: Offer, at: int) -> Json:
    return {
        "id": offer.code, "object": "coupon", "amount_off": offer.amount_off, "created": at,
        "currency": None if offer.amount_off is None else "usd", "duration": offer.duration,
        "duration_in_months": offer.months, "livemode": False, "max_redemptions": None, "metadata": {},
        "name": offer.name, "percent_off": None if offer.percent_off is None else float(offer.percent_off),
        "redeem_by": None, "times_redeemed": 0, "valid": True,
    }  # fmt: skip


def _promotion_code(identity: str, offer: Offer, at: int) -> Json:
    return {
        "id": identity, "object": "promotion_code", "active": True, "code": offer.code, "created": at,
        "customer": None, "customer_account": None, "expires_at": None, "livemode": False,
        "max_redemptions": None, "metadata": {}, "promotion": {"coupon": offer.code, "type": "coupon"},
        "restrictions": {"first_time_transaction": False, "minimum_amount": None,
                         "minimum_amount_currency": None},
        "times_redeemed": 0,
    }  # fmt: skip
