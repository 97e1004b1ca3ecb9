"""Stories that take time: what invoice lines and versions tell about the past. One account each."""

from __future__ import annotations

from itertools import pairwise

from tests.transform.sample_warehouse import Sample, unix
from tests.transform.stripe_shapes import invoice, item, line, price, subscription

MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01", "2026-07-01")


def add_to(sample: Sample) -> None:
    """All stories."""
    for story in (
        _upgrade,
        _ended,
        _gaps,
        _not_issued,
        _pending,
        _versions,
        _trial,
        _reach_back,
        _came_back,
        _older,
    ):
        story(sample, f"history {story.__name__.strip('_')}")


def _upgrade(sample: Sample, account: str) -> None:
    """Case 15: 2000 becomes 5000 in the middle of March; prorations of -1000 and +2500."""
    old, new = price("2000"), price("5000")
    found = subscription(item(new))
    sample.add(found, at="2026-06-15", account=account)
    for start, end in pairwise(MONTHS[:4]):
        sample.add(invoice(found, start, line(found, old, start, end, 2000)), at=start, account=account)
    middle, end = "2026-03-16 12:00:00", MONTHS[3]
    prorations = (
        line(found, old, middle, end, -1000, proration=True),
        line(found, new, middle, end, 2500, proration=True),
    )
    regular = line(found, new, MONTHS[3], MONTHS[4], 5000)
    sample.add(invoice(found, MONTHS[3], *prorations, regular), at=MONTHS[3], account=account)
    for start, end in pairwise(MONTHS[4:]):
        sample.add(invoice(found, start, line(found, new, start, end, 5000)), at=start, account=account)
    sample.add(old, at="2026-06-15", account=account)
    sample.add(new, at="2026-06-15", account=account)


def _ended(sample: Sample, account: str) -> None:
    """A year paid in January, canceled and ended on 10 April: nothing after that, though the line goes on."""
    yearly = price("12000", "year")
    ended = unix("2026-04-10")
    found = subscription(item(yearly), status="canceled", canceled_at=ended, ended_at=ended)
    sample.add(found, at="2026-06-15", account=account)
    sample.add(yearly, at="2026-06-15", account=account)
    sample.add(
        invoice(found, MONTHS[0], line(found, yearly, "2026-01-01", "2027-01-01", 12000)),
        at=MONTHS[0],
        account=account,
    )


def _gaps(sample: Sample, account: str) -> None:
    """Two days between January's line and the next are bridged; all of April is missing and is not."""
    monthly = price("1000")
    found = subscription(item(monthly))
    sample.add(found, at="2026-05-20", account=account)
    sample.add(monthly, at="2026-05-20", account=account)
    for start, end in (
        ("2026-01-01", "2026-02-01"),
        ("2026-02-03", "2026-04-01"),
        ("2026-05-01", "2026-06-01"),
    ):
        sample.add(invoice(found, start, line(found, monthly, start, end, 1000)), at=start, account=account)


def _not_issued(sample: Sample, account: str) -> None:
    """Of three lines only the uncollectible one was ever asked for."""
    monthly = price("1000")
    found = subscription(item(monthly), status="unpaid")
    sample.add(found, at="2026-05-20", account=account)
    sample.add(monthly, at="2026-05-20", account=account)
    for status, start, end in zip(("draft", "void", "uncollectible"), MONTHS, MONTHS[1:], strict=False):
        sample.add(
            invoice(found, start, line(found, monthly, start, end, 1000), status=status),
            at=start,
            account=account,
        )


def _pending(sample: Sample, account: str) -> None:
    """A yearly plan is doubled in March; the prorations wait for the next invoice in January 2027."""
    old, new = price("12000", "year"), price("24000", "year")
    found = subscription(item(new))
    for thing in (found, old, new):
        sample.add(thing, at="2026-06-15", account=account)
    sample.add(
        invoice(found, MONTHS[0], line(found, old, "2026-01-01", "2027-01-01", 12000)),
        at=MONTHS[0],
        account=account,
    )
    for number, (at_price, amount) in enumerate(((old, -9814), (new, 19627))):
        sample.add(
            {
                "id": f"ii_{number}",
                "object": "invoiceitem",
                "customer": found["customer"],
                "invoice": None,
                "currency": "usd",
                "amount": amount,
                "quantity": 1,
                "proration": True,
                "period": {"start": unix("2026-03-08 12:00:00"), "end": unix("2027-01-01")},
                "parent": {
                    "type": "subscription_details",
                    "subscription_details": {"subscription": found["id"]},
                },
                "pricing": {
                    "price_details": {"price": at_price["id"], "product": at_price["product"]},
                    "unit_amount_decimal": at_price["unit_amount_decimal"],
                },
            },
            at="2026-06-15",
            account=account,
        )


def _versions(sample: Sample, account: str) -> None:
    """Seats 3, 5, 2; then past due, which still counts; then unpaid, which does not."""
    seats = price("1000")
    one = item(seats, 3)
    found = subscription(one)
    steps = (("2026-01-01", 3, "active"), ("2026-02-10", 5, "active"), ("2026-03-10", 2, "active"))
    late = (("2026-04-01", 2, "past_due"), ("2026-04-20", 2, "unpaid"))
    for at, quantity, status in (*steps, *late):
        changed = {"items": {"object": "list", "data": [one | {"quantity": quantity}]}, "status": status}
        sample.add(found | changed, at=at, account=account, source="event")


def _trial(sample: Sample, account: str) -> None:
    """Trialing when first seen, active when seen again a day after the trial ended."""
    found = subscription(item(price("1000")), status="trialing", trial_end=unix("2026-01-15"))
    sample.add(found, at="2026-01-02", account=account)
    sample.add(found | {"status": "active"}, at="2026-01-16", account=account)


def _reach_back(sample: Sample, account: str) -> None:
    """Seen once in June, without an invoice: it has been so since it started."""
    sample.add(subscription(item(price("1000")), start_date=unix("2026-02-05")), at="2026-06-01", account=account)


def _came_back(sample: Sample, account: str) -> None:
    """One customer: a subscription that ended, then another, which swaps one item for another at once."""
    first = subscription(item(price("5000")), customer="cus_back")
    sample.add(first, at="2026-01-01", account=account)
    ended = unix("2026-02-01")
    sample.add(
        first | {"status": "canceled", "ended_at": ended, "canceled_at": ended},
        at="2026-02-01",
        account=account,
    )
    second = subscription(item(price("5000")), customer="cus_back", start_date=unix("2026-03-01"))
    sample.add(second, at="2026-03-01", account=account)
    replaced = {"items": {"object": "list", "data": [item(price("48000", "year"))]}}
    sample.add(second | replaced, at="2026-04-01", account=account)


def _older(sample: Sample, account: str) -> None:
    """Objects as they were before 2025: plans in place of prices, lines that name their subscription."""
    plan = {"id": "plan_old", "object": "plan", "amount": 900, "currency": "usd", "interval": "month",
            "interval_count": 1, "product": "prod_old", "usage_type": "licensed"}  # fmt: skip
    found = subscription({"id": "si_old", "plan": plan, "price": {"currency": "usd"}, "quantity": 2})
    del found["items"]["data"][0]["price"]
    found["discount"] = {"id": "di_old", "coupon": {"id": "half", "duration": "forever", "percent_off": 50}}
    del found["discounts"]
    sample.add(found, at="2026-03-15", account=account)
    bill = invoice(found, MONTHS[0])
    bill["lines"]["data"] = [
        {"id": f"sli_{number}", "object": "line_item", "type": "subscription", "subscription": found["id"],
         "subscription_item": "si_old", "plan": plan, "proration": False, "amount": 1800, "currency": "usd",
         "quantity": 2, "period": {"start": unix(start), "end": unix(end)},
         "discount_amounts": [{"discount": "di_old", "amount": 900}]}
        for number, (start, end) in enumerate(pairwise(MONTHS[:4]))
    ]  # fmt: skip
    sample.add(bill, at=MONTHS[0], account=account)
