"""The published golden cases of the revenue specification on which profiles agree or differ: G1 to G21 by number.

Each case is an account of its own, handed in as files of Stripe objects at the moments that it speaks of; the
figures stand in the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from tests.transform.sample_warehouse import JSONDict, unix
from tests.transform.stripe_shapes import discount, invoice, item, line, price, subscription

Told = tuple[str, list[JSONDict]]
"""A day, and the objects as they were from then on."""


def ingest(settings: Settings, folder: Path, now: datetime) -> None:
    """Every case as a user's files."""
    number = 0
    for account, loads in _cases():
        for day, things in loads:
            path = folder / f"{(number := number + 1)}.jsonl"
            path.write_text("".join(json.dumps(thing) + "\n" for thing in things))
            moment = datetime.fromisoformat(f"{day}T00:00:00+00:00")
            summary = ingest_files(settings, [str(path)], account=account, as_of=moment, now=now)
            assert (summary.loaded, summary.quarantined) == (len(things), 0), account


def _cases() -> Iterator[tuple[str, list[Told]]]:
    yield "G1", [("2026-05-01", _hundred_and_fifty())]
    yield "G2", list(_story_of_gold_and_silver())
    yield "G3", list(_two_that_end())
    yield "G4", [("2026-05-01", [_at_once(price("10000"), discounts=[discount(percent_off=50)])])]
    yield "G5", list(_half_off_once())
    yearly = price("120000", "year")
    yield "G6", [("2026-05-01", [_at_once(yearly, discounts=[discount(amount_off=50000, currency="usd")])])]
    yield "G7", list(_never_paid())
    yield "G8", list(_changed({"status": status} for status in ("active", "past_due", "active")))
    yield "G9", list(_seats(3, 5, 2))
    yield "G10", list(_replaced())
    yield "G12", list(_hundred_of_whom_twelve_leave())
    yield "G14", [("2026-05-01", [_at_once(price(*of[:1], currency=of[1])) for of in AMOUNTS])]
    yield "G15", [("2026-05-01", [_at_once(price("10000", currency="eur"))])]
    yield "G16", list(_refunded())
    for name, in_order in (("G17 in order", True), ("G17 the other way", False)):
        yield name, [("2026-05-01", _two_events_of_one_second(in_order))]
    yield "G18", list(_monthly_then_yearly())
    yield "G20", [("2026-05-01", [_at_once(price("100", usage_type="metered"), quantity=None)])]
    yield "ends early", list(_ends_before_its_period())
    yield "asked to end", list(_asked_to_end())
    yield "of the customer", list(_discount_of_the_customer())
    yield "pause with an end", list(_paused_for_a_while())


AMOUNTS = (("500", "jpy"), ("500", "isk"), ("500", "ugx"), ("5120", "kwd"), ("500", "usd"))


def _at_once(of: JSONDict, quantity: int | None = 1, **more: Any) -> JSONDict:
    start = unix("2026-05-01")
    return subscription(item(of, quantity), **({"created": start, "start_date": start} | more))


def _hundred_and_fifty() -> list[JSONDict]:
    monthly, yearly = price("10000"), price("60000", "year")
    return [_at_once(monthly) for _ in range(100)] + [_at_once(yearly) for _ in range(50)]


def _ended(of: JSONDict, day: str) -> JSONDict:
    return of | {"status": "canceled", "canceled_at": unix(day), "ended_at": unix(day)}


def _story_of_gold_and_silver() -> Iterator[Told]:
    one = {"customer": "cus_gold"}
    gold = _at_once(price("50000", "year"), 4, **one)
    silver = _at_once(price("3000"), 2, **one, start_date=unix("2026-05-10"))
    yield "2026-05-01", [gold]
    yield "2026-05-10", [silver]
    yield "2026-05-20", [_ended(silver, "2026-05-20")]
    yield "2026-06-01", [_ended(gold, "2026-06-01")]
    yield "2026-06-10", [_at_once(price("5000"), 3, **one, start_date=unix("2026-06-10"))]


def _two_that_end() -> Iterator[Told]:
    first, second = (_at_once(price(amount), customer="cus_two") for amount in ("3000", "2000"))
    yield "2026-05-01", [first, second]
    yield "2026-05-10", [_ended(first, "2026-05-10")]
    yield "2026-05-20", [_ended(second, "2026-05-20")]


def _half_off_once() -> Iterator[Told]:
    """As Stripe does it: the discount is gone from the subscription as soon as the first invoice took it."""
    monthly, half = price("10000"), discount("once", percent_off=50)
    found = _at_once(monthly, discounts=[half])
    taken = [{"amount": 5000, "discount": half["id"]}]
    first = line(found, monthly, "2026-05-01", "2026-06-01", 10000, discount_amounts=taken)
    second = line(found, monthly, "2026-06-01", "2026-07-01", 10000)
    coupon = half["source"]["coupon"] | {"object": "coupon"}
    yield "2026-05-01", [found, monthly, coupon, invoice(found, "2026-05-01", first)]
    yield "2026-05-02", [found | {"discounts": []}]
    yield "2026-06-01", [found | {"discounts": [], "latest_invoice": "in_2"}, invoice(found, "2026-06-01", second)]


def _never_paid() -> Iterator[Told]:
    monthly = price("5000")
    found = _at_once(monthly, status="trialing", trial_end=unix("2026-05-15"))
    free = line(found, monthly, "2026-05-01", "2026-05-15", 0)
    owed = line(found, monthly, "2026-05-15", "2026-06-15", 5000)
    yield "2026-05-01", [found, monthly, invoice(found, "2026-05-01", free, billing_reason="subscription_create")]
    yield "2026-05-15", [found | {"status": "active"}, invoice(found, "2026-05-15", owed, status="open")]
    yield "2026-05-25", [found | {"status": "unpaid"}]


def _changed(steps: Any) -> Iterator[Told]:
    found = _at_once(price("5000"))
    for day, fields in zip(("2026-05-01", "2026-05-10", "2026-05-20"), steps, strict=True):
        yield day, [found | fields | {"latest_invoice": f"in_{day}"}]


def _seats(*quantities: int) -> Iterator[Told]:
    found = _at_once(price("1000"))
    first = found["items"]["data"][0]
    for day, quantity in zip(("2026-05-01", "2026-05-10", "2026-05-20"), quantities, strict=True):
        yield day, [found | {"items": {"object": "list", "data": [first | {"quantity": quantity}]}}]


def _replaced() -> Iterator[Told]:
    found = _at_once(price("5000"))
    yield "2026-05-01", [found]
    yield "2026-05-10", [found | {"items": {"object": "list", "data": [item(price("48000", "year"))]}}]


def _hundred_of_whom_twelve_leave() -> Iterator[Told]:
    """Of twelve that leave in June one comes back, and one had only come in June."""
    monthly = price("1000")
    staying = [_at_once(monthly) for _ in range(100)]
    newcomer = _at_once(monthly, start_date=unix("2026-06-03"))
    yield "2026-05-01", staying
    yield "2026-06-03", [newcomer]
    yield "2026-06-10", [_ended(found, "2026-06-10") for found in [*staying[:11], newcomer]]
    yield "2026-06-20", [_at_once(monthly, customer=staying[0]["customer"], start_date=unix("2026-06-20"))]


def _refunded() -> Iterator[Told]:
    monthly = price("5000")
    found = _at_once(monthly)
    bill = invoice(found, "2026-05-01", line(found, monthly, "2026-05-01", "2026-06-01", 5000))
    charge = {
        "id": "ch_refunded", "object": "charge", "created": unix("2026-05-01"), "status": "succeeded", "currency": "usd",
        "amount": 5000, "captured": True, "paid": True, "customer": found["customer"], "invoice": bill["id"],
    }  # fmt: skip
    refund = {
        "id": "re_whole", "object": "refund", "created": unix("2026-06-05"), "status": "succeeded", "currency": "usd",
        "amount": 5000, "charge": "ch_refunded",
    }  # fmt: skip
    yield "2026-05-01", [found, monthly, bill, charge]
    yield "2026-06-05", [refund]


def _two_events_of_one_second(in_order: bool) -> list[JSONDict]:
    """`trial_will_end` and `updated` of the same second; the files have them either way."""
    name, at = ("straight" if in_order else "turned"), unix("2026-05-20")
    trialing = _at_once(price("5000"), status="trialing", trial_end=at) | {"id": f"sub_{name}"}
    active = trialing | {"status": "active"}
    events = [
        {"id": f"evt_{name}_{kind}", "object": "event", "created": at, "type": f"customer.subscription.{kind}",
         "data": {"object": told} | more}
        for kind, told, more in (
            ("trial_will_end", trialing, {}),
            ("updated", active, {"previous_attributes": {"status": "trialing"}}),
        )
    ]  # fmt: skip
    return events if in_order else events[::-1]


def _monthly_then_yearly() -> Iterator[Told]:
    monthly, yearly = price("5000"), price("50000", "year")
    found = subscription(item(yearly), start_date=unix("2025-06-01"), created=unix("2025-06-01"))
    starts = [f"{2025 + (5 + n) // 12}-{(5 + n) % 12 + 1:02d}-01" for n in range(13)]
    bills = [invoice(found, start, line(found, monthly, start, end, 5000)) for start, end in pairwise(starts)]
    yield "2026-06-01", [found, monthly, yearly, *bills]


def _period(found: JSONDict, end: str) -> JSONDict:
    first = found["items"]["data"][0]
    told = first | {"current_period_start": unix("2026-05-01"), "current_period_end": unix(end)}
    return found | {"items": {"object": "list", "data": [told]}}


def _ends_before_its_period() -> Iterator[Told]:
    """Canceled on the 10th, paid until the end of the month."""
    found = _period(_at_once(price("5000")), "2026-06-01")
    yield "2026-05-01", [found]
    yield "2026-05-10", [_ended(found, "2026-05-10")]


def _asked_to_end() -> Iterator[Told]:
    found = _period(_at_once(price("5000")), "2026-06-01")
    asked = found | {"cancel_at_period_end": True, "canceled_at": unix("2026-05-10"), "cancel_at": unix("2026-06-01")}
    yield "2026-05-01", [found]
    yield "2026-05-10", [asked]
    yield "2026-06-01", [asked | {"status": "canceled", "ended_at": unix("2026-06-01")}]


def _discount_of_the_customer() -> Iterator[Told]:
    """Half off for the customer, until June; one of the two subscriptions has a discount of its own."""
    of_all = discount(percent_off=50) | {"start": unix("2026-05-01"), "end": None}
    customer = {"id": "cus_half", "object": "customer", "created": unix("2026-05-01"), "email": "half@example.com"}
    plain = _at_once(price("10000"), customer="cus_half")
    own = _at_once(price("1000"), customer="cus_half", discounts=[discount(percent_off=10)])
    yield "2026-05-01", [customer | {"discount": of_all}, plain, own]
    yield "2026-06-10", [customer | {"discount": None}]


def _paused_for_a_while() -> Iterator[Told]:
    found = _at_once(price("5000"))
    pause = {"behavior": "void", "resumes_at": unix("2026-06-10")}
    yield "2026-05-01", [found]
    yield "2026-05-10", [found | {"pause_collection": pause}]
