"""The worked cases of the revenue specification, by number, and the published ones; figures are in minor units.

The expected figures are the specification's and the publications', not ours. Each case is an account of
its own, handed in as files of Stripe objects at the moments that it speaks of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from tests.transform.sample_warehouse import JSONDict, unix
from tests.transform.stripe_shapes import discount, invoice, item, line, price, subscription

SEEN = "2026-06-01T00:00:00+00:00"
PUBLISHED: list[JSONDict] = json.loads((Path(__file__).parents[1] / "data" / "mrr_cases.json").read_text())["cases"]
RATES = [
    ("2026-01-01", "USD", "1.10"), ("2026-06-15", "USD", "1.12"),
    ("2026-01-01", "CAD", "1.10"), ("2026-06-15", "CAD", "1.20"),
]  # fmt: skip
"""Units for a euro: US dollars as case 16 has them, Canadian ones as G15."""

_TIERS = [
    {"up_to": 5, "unit_amount_decimal": "1000", "flat_amount_decimal": None},
    {"up_to": None, "unit_amount_decimal": "800", "flat_amount_decimal": None},
]
_QUARTER_OFF: JSONDict = {"percent_off": 25}
_FIVE_OFF: JSONDict = {"amount_off": 500, "currency": "usd"}


@dataclass(frozen=True)
class Worked:
    """A subscription and its MRR under both discount rules."""

    subscription: JSONDict
    forever: int
    all_active: int


def _same(found: JSONDict, expected: int) -> Worked:
    return Worked(found, expected, expected)


def _tiered(mode: str) -> JSONDict:
    return price(None, billing_scheme="tiered", tiers_mode=mode, tiers=_TIERS)


def _flexible() -> JSONDict:
    metered = price("10", usage_type="metered")
    items = item(price("3000")), item(price("24000", "year")), item(metered, None)
    return subscription(*items, discounts=[discount(amount_off=1000, currency="usd")])


def _discounted(*discounts: JSONDict) -> JSONDict:
    return subscription(item(price("10000")), discounts=list(discounts))


CASES: dict[str, Worked] = {
    "1 monthly 2 x 2000": _same(subscription(item(price("2000"), 2)), 4000),
    "2 yearly 120000": _same(subscription(item(price("120000", "year"))), 10000),
    "3 every 3 months 9000": _same(subscription(item(price("9000", "month", 3))), 3000),
    "4 weekly 1000": _same(subscription(item(price("1000", "week"))), 4345),
    "4 every 2 weeks 1000": _same(subscription(item(price("1000", "week", 2))), 2173),
    "5 daily 100": _same(subscription(item(price("100", "day"))), 3042),
    "5 every 30 days 3000": _same(subscription(item(price("3000", "day", 30))), 3042),
    "6 a quarter off, then 500": _same(_discounted(discount(**_QUARTER_OFF), discount(**_FIVE_OFF)), 7000),
    "6 500 off, then a quarter": _same(_discounted(discount(**_FIVE_OFF), discount(**_QUARTER_OFF)), 7125),
    "7 repeating half off": Worked(
        _discounted(discount("repeating", percent_off=50, duration_in_months=3)), 10000, 5000
    ),
    "8 trialing": _same(subscription(item(price("5000")), status="trialing"), 0),
    "9 past due": _same(subscription(item(price("5000")), status="past_due"), 5000),
    "9 unpaid": _same(subscription(item(price("5000")), status="unpaid"), 0),
    "9 paused": _same(subscription(item(price("5000")), status="paused"), 0),
    "9 collection paused": _same(subscription(item(price("5000")), pause_collection={"behavior": "void"}), 0),
    "10 graduated": _same(subscription(item(_tiered("graduated"), 8)), 7400),
    "10 volume": _same(subscription(item(_tiered("volume"), 8)), 6400),
    "11 flexible": _same(_flexible(), 4000),
    "12 packages of 100": _same(
        subscription(item(price("300", transform_quantity={"divide_by": 100, "round": "up"}), 250)), 900
    ),
    "13 yen": _same(subscription(item(price("1000", currency="jpy"))), 1000),
    "14 cancels at period end": _same(subscription(item(price("3000")), cancel_at_period_end=True), 3000),
    "16 euros": _same(subscription(item(price("10000", currency="eur"))), 10000),
}
UPGRADE = "golden 15 upgrade"
EURO = "golden 16 euros"
EVEN = "a switch from 100 a month to 1200 a year"

Load = tuple[str, str, list[JSONDict]]
"""Account, moment that the objects stand for, objects."""


def ingest(settings: Settings, folder: Path, now: datetime) -> None:
    """Every case through the same door as a user's dump: `ingest stripe --from FILE --account ID --as-of TIME`."""
    for number, (account, at, things) in enumerate([*_worked(), *_published()]):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps(thing) + "\n" for thing in things))
        moment = datetime.fromisoformat(at)
        summary = ingest_files(settings, [str(path)], account=account, as_of=moment, now=now)
        assert (summary.loaded, summary.quarantined) == (len(things), 0), account


def _worked() -> Iterator[Load]:
    for name, case in CASES.items():
        yield f"golden {name}", SEEN, [case.subscription]
    yield from _upgrade()
    yield from _even_switch()


def _upgrade() -> Iterator[Load]:
    """Case 15: 2000 becomes 5000 in the middle of June; prorations of -1000 and +2500 on an invoice at once."""
    old, new = price("2000"), price("5000")
    begin, middle, end = "2026-06-01", "2026-06-16", "2026-07-01"
    found = subscription(item(old), created=unix(begin), start_date=unix(begin))
    first = invoice(found, begin, line(found, old, begin, end, 2000))
    yield UPGRADE, f"{begin}T00:00:00+00:00", [found, old, first]
    of_item = found["items"]["data"][0]
    changed = found | {"items": {"object": "list", "data": [of_item | {"price": new}]}}
    prorations = (
        line(found, old, middle, end, -1000, proration=True),
        line(found, new, middle, end, 2500, proration=True),
    )
    second = invoice(found, middle, *prorations, billing_reason="subscription_update")
    yield UPGRADE, f"{middle}T00:00:00+00:00", [changed, new, second]


def _even_switch() -> Iterator[Load]:
    monthly, yearly = price("10000"), price("120000", "year")
    found = subscription(item(monthly))
    of_item = found["items"]["data"][0]
    changed = found | {"items": {"object": "list", "data": [of_item | {"price": yearly}]}}
    yield EVEN, "2026-05-01T00:00:00+00:00", [found, monthly, yearly]
    yield EVEN, "2026-06-16T00:00:00+00:00", [changed]


def published_account(case: JSONDict) -> str:
    """The account that a published case lies in."""
    return f"published {case['id']}"


def published_day(case: JSONDict) -> str:
    """The day that a published case speaks of."""
    return str(case.get("as_of", SEEN))[:10]


def _published() -> Iterator[Load]:
    for case in PUBLISHED:
        account = published_account(case)
        at = str(case.get("as_of", SEEN)).replace("Z", "+00:00")
        if case["kind"] == "normalise":
            yield account, at, [subscription(*(_item_of(one) for one in case["items"]))]
        elif case["kind"] == "snapshot":
            yield account, at, [found for told in case["subscriptions"] for found in _subscriptions_of(told)]
        else:
            yield from _rates_of(case, account)


def _item_of(told: JSONDict) -> JSONDict:
    return item(price(str(told["unit_amount"]), told["interval"], told["interval_count"]), told["quantity"])


def _subscriptions_of(told: JSONDict) -> Iterator[JSONDict]:
    more: dict[str, Any] = {"status": told["status"]}
    for name, field in (("start", "start_date"), ("trial_end", "trial_end"), ("ended", "ended_at")):
        if name in told:
            more[field] = unix(told[name].replace("Z", "+00:00"))
    for _ in range(told.get("count", 1)):
        yield subscription(_item_of(told), **more)


def _rates_of(case: JSONDict, account: str) -> Iterator[Load]:
    """A case that gives amounts only: three customers, one leaves, one shrinks, one grows in June."""
    assert case["reactivation"] == 0
    units = {"leaves": case["churn"], "shrinks": case["contraction"] + 30, "grows": 0}
    units["grows"] = case["start_mrr"] - sum(units.values())
    before = {name: subscription(item(price(str(100 * amount)))) for name, amount in units.items()}
    yield account, "2026-05-01T00:00:00+00:00", list(before.values())
    later = datetime.fromisoformat("2026-06-10T12:00:00+00:00")
    ended = {"status": "canceled", "canceled_at": int(later.timestamp()), "ended_at": int(later.timestamp())}
    shrunk = _priced(before["shrinks"], units["shrinks"] - case["contraction"])
    grown = _priced(before["grows"], units["grows"] + case["expansion"])
    yield account, (later + timedelta(hours=1)).isoformat(), [before["leaves"] | ended, shrunk, grown]


def _priced(found: JSONDict, units: int) -> JSONDict:
    first = found["items"]["data"][0]
    changed = first | {"price": first["price"] | {"unit_amount_decimal": str(100 * units)}}
    return found | {"items": {"object": "list", "data": [changed]}}
