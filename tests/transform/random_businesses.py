"""A thousand small businesses, each an account of its own, whose subscriptions change over half a year; the seed is fixed.

Tiers, discounts with windows, trials of subscriptions and items, pauses, other currencies, items that come
and go, ends: whatever the rules know. All of it happens at noon, so that the end of a day is never disputed.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from tests.transform.random_subscriptions import random_item, random_price
from tests.transform.sample_warehouse import JSONDict, Sample, unix
from tests.transform.stripe_shapes import discount, subscription

COUNT = 1000
FIRST, LAST = date(2026, 1, 2), date(2026, 6, 29)
DURATIONS = ("forever", "forever", "once", "repeating")


class Version(NamedTuple):
    """A subscription as it was from a moment on."""

    account: str
    at: datetime
    told: JSONDict


def draw_all() -> list[list[Version]]:
    """The same subscriptions at every call but for their ids: each as its versions in order."""
    random = Random(20260702)
    return [
        list(_life(random, f"business {number}", f"cus_{number}_{random.randrange(2)}"))
        for number in range(COUNT)
        for _ in range(random.choice((1, 1, 2)))
    ]


def _life(random: Random, account: str, customer: str) -> Iterator[Version]:
    days = sorted(random.sample(range((LAST - FIRST).days), random.choice((1, 2, 3, 4))))
    moments = [datetime.combine(FIRST, datetime.min.time()) + timedelta(days=day, hours=12) for day in days]
    currency = random.choice(("usd", "usd", "eur", "jpy"))
    items = [_item(random, currency) for _ in range(random.choice((1, 1, 2)))]
    start = unix(moments[0])
    found = subscription(
        *items, customer=customer, currency=currency, created=start, start_date=start, pause_collection=None
    )
    found["discounts"] = [_discount(random, found, moments[0]) for _ in range(random.choice((0, 0, 1, 2)))]
    if len(moments) > 1 and random.random() < 0.25:
        found |= {"status": "trialing", "trial_end": unix(moments[1])}
    yield Version(account, moments[0], found)
    for at in moments[1:]:
        found = _changed(random, found, at)
        yield Version(account, at, found)
        if found["status"] == "canceled":
            return


def _item(random: Random, currency: str) -> JSONDict:
    of = random_price(random)
    if currency != "usd" and random.random() < 0.5:
        of["currency_options"] = {
            currency: {"unit_amount_decimal": str(random.choice((0, 7, 250, 9900))), "tiers": of.get("tiers")}
        }
    else:
        of["currency"] = currency
    return random_item(random, of)


def _discount(random: Random, of: JSONDict, at: datetime) -> JSONDict:
    coupon: dict[str, Any] = (
        {"percent_off": random.choice((10, 12.5, 50, 100))}
        if random.random() < 0.6
        else {"amount_off": random.choice((1, 333, 5000)), "currency": random.choice((of["currency"], "usd"))}
    )
    if random.random() < 0.2:
        coupon["applies_to"] = {"products": [random.choice(of["items"]["data"])["price"]["product"]]}
    window: dict[str, Any] = {}
    if random.random() < 0.4:
        starts = at + timedelta(days=random.randrange(-10, 30))
        window = {"start": unix(starts), "end": unix(starts + timedelta(days=random.randrange(1, 90)))}
    return discount(random.choice(DURATIONS), **coupon) | window


def _changed(random: Random, before: JSONDict, at: datetime) -> JSONDict:
    found = deepcopy(before)
    if found["status"] == "trialing":
        return found | {"status": random.choice(("active", "active", "active", "paused"))}
    items: list[JSONDict] = found["items"]["data"]
    change = random.randrange(9)
    if change == 0:
        found |= {"status": "canceled", "canceled_at": unix(at), "ended_at": unix(at)}
    elif change == 1:
        found["status"] = random.choice(("past_due", "unpaid", "active"))
    elif change == 2:
        resumes = unix(at + timedelta(days=random.randrange(1, 60))) if random.random() < 0.5 else None
        behaviour = random.choice(("void", "void", "keep_as_draft", "mark_uncollectible"))
        found["pause_collection"] = random.choice((None, {"behavior": behaviour, "resumes_at": resumes}))
    elif change == 3:
        found["discounts"] = [_discount(random, found, at) for _ in range(random.choice((0, 1, 2)))]
    elif change == 4:
        items.append(_item(random, found["currency"]))
    elif change == 5 and len(items) > 1:
        items.pop(random.randrange(len(items)))
    elif change == 6:
        end = at + timedelta(days=random.randrange(1, 40))
        random.choice(items)["current_trial"] = {"end_date": unix(end)}
    else:
        one = random.choice(items)
        told: JSONDict = {"quantity": random.choice((0, 1, 3, 12, 250))}
        one |= told if change == 7 else {"price": _priced(random, one)}
    return found


def _priced(random: Random, one: JSONDict) -> JSONDict:
    return random_price(random) | {"currency": one["price"]["currency"], "product": one["price"]["product"]}


SUBSCRIPTIONS = draw_all()


def add_to(sample: Sample) -> None:
    """All of them; the rows of the warehouse are in no order."""
    versions = [version for found in SUBSCRIPTIONS for version in found]
    Random(3).shuffle(versions)
    for version in versions:
        sample.add(version.told, at=version.at.isoformat(), account=version.account)
