"""The published cases that speak of reports, and stories whose figures can be told by hand. One account each.

G11, G12, G13 and G19 are the specification's; where a case gives rates only it became subscriptions with those rates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from tests.transform.sample_warehouse import JSONDict, unix
from tests.transform.stripe_shapes import invoice, item, line, price, subscription

Load = tuple[str, str, list[JSONDict]]
"""Account, moment that the objects stand for, objects."""
CHURN, PEOPLE, WORTH, COHORT = "golden G11", "golden G12", "golden G13", "golden G19"
TRIALS, FAILED, PREPAID, LEAVING = "report trials", "report failed payments", "report prepaid", "report leaving"
LIVES, BUYERS = "report lives", "report buyers"
SINCE = "2026-02-01"


def ingest(settings: Settings, folder: Path, now: datetime) -> None:
    """Every case through the same door as a user's dump."""
    for number, (account, at, things) in enumerate(_loads()):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps(thing) + "\n" for thing in things))
        moment = datetime.fromisoformat(f"{at}T00:00:00+00:00")
        summary = ingest_files(settings, [str(path)], account=account, as_of=moment, now=now)
        assert (summary.loaded, summary.quarantined) == (len(things), 0), account


def _loads() -> Iterator[Load]:
    for story in (_churn, _people, _worth, _cohort, _trials, _failed, _prepaid, _leaving, _lives, _buyers):
        yield from story()


def _paying(units: int, since: str = SINCE, **more: Any) -> JSONDict:
    """A monthly subscription of so many units since a day."""
    return subscription(item(price(str(100 * units))), created=unix(since), start_date=unix(since), **more)


def _over(found: JSONDict, day: str, **more: Any) -> JSONDict:
    return found | {"status": "canceled", "canceled_at": unix(day), "ended_at": unix(day)} | more


def _at(found: JSONDict, units: int) -> JSONDict:
    first = found["items"]["data"][0]
    changed = first | {"price": first["price"] | {"unit_amount_decimal": str(100 * units)}}
    return found | {"items": {"object": "list", "data": [changed]}}


def _churn() -> Iterator[Load]:
    """Start 100; in June churn 10, contraction 10, expansion 10."""
    leaves, shrinks, grows = _paying(10), _paying(40), _paying(50)
    yield CHURN, "2026-05-01", [leaves, shrinks, grows]
    yield CHURN, "2026-06-10", [_over(leaves, "2026-06-10"), _at(shrinks, 30), _at(grows, 60)]


def _people() -> Iterator[Load]:
    """100 customers; in June 12 churn, of whom one came back and one had joined inside the month."""
    hundred = [_paying(10) for _ in range(100)]
    joins = _paying(10, "2026-06-05")
    yield PEOPLE, "2026-05-01", hundred
    yield PEOPLE, "2026-06-10", [*(_over(one, "2026-06-10") for one in hundred[:11]), joins]
    back = _paying(10, "2026-06-15", customer=hundred[0]["customer"])
    yield PEOPLE, "2026-06-20", [_over(joins, "2026-06-20"), back]


def _worth() -> Iterator[Load]:
    """Twenty customers at 100 a month; in June one of them, 5 %, leaves."""
    twenty = [_paying(100) for _ in range(20)]
    yield WORTH, "2026-05-01", twenty
    yield WORTH, "2026-06-10", [_over(twenty[0], "2026-06-10")]


def _cohort() -> Iterator[Load]:
    """First MRR in March, churn in May, back in July; somebody else stays."""
    comes, stays = _paying(30, "2025-03-10"), _paying(20, "2025-03-20")
    yield COHORT, "2025-03-20", [comes, stays]
    yield COHORT, "2025-05-12", [_over(comes, "2025-05-12")]
    yield COHORT, "2025-07-05", [_paying(40, "2025-07-05", customer=comes["customer"])]


def _trial(end: str, **more: Any) -> JSONDict:
    begun = {"trial_start": unix("2026-05-20"), "trial_end": unix(end)}
    return _paying(10, "2026-05-20", **begun | more)


def _trials() -> Iterator[Load]:
    """Five that end in June: two convert, one of them leaves later; G7 never pays, one cancels within; one runs."""
    converts, leaves = _trial("2026-06-03"), _over(_trial("2026-06-03"), "2026-06-25")
    never_pays = _trial("2026-06-03", status="unpaid")
    cancels = _over(_trial("2026-06-03"), "2026-06-01")
    runs = _trial("2026-07-10", status="trialing")
    bills = [
        invoice(one, "2026-06-03", line(one, one["items"]["data"][0]["price"], "2026-06-03", "2026-07-03", 1000),
                status=status, subscription=one["id"])
        for one, status in ((converts, "paid"), (leaves, "paid"), (never_pays, "open"))
    ]  # fmt: skip
    yield TRIALS, "2026-06-28", [converts, leaves, never_pays, cancels, runs, *bills]


def _failed() -> Iterator[Load]:
    """9 fails on the 2nd and is paid after 3 days, 5 after a day, 6 never."""
    things: list[JSONDict] = []
    for number, (units, failed, paid) in enumerate(
        (
            (9, ("2026-06-02", "2026-06-04"), "2026-06-05"),
            (5, ("2026-06-03",), "2026-06-04"),
            (6, ("2026-06-10",), None),
        )
    ):
        found = _paying(units)
        bill = invoice(
            found,
            "2026-06-02",
            line(found, found["items"]["data"][0]["price"], "2026-06-02", "2026-07-02", 100 * units),
            status="paid" if paid else "open",
            subscription=found["id"],
        )
        bill["status_transitions"] = {"paid_at": unix(paid) if paid else None}
        tries = [(day, "failed") for day in failed] + ([(paid, "succeeded")] if paid else [])
        things += [found, bill]
        things += [
            charge(f"ch_failed_{number}_{nth}", day, 100 * units, status=status, invoice=bill["id"],
                   customer=found["customer"])
            for nth, (day, status) in enumerate(tries)
        ]  # fmt: skip
    yield FAILED, "2026-06-28", things


def charge(name: str, day: str, amount: int, **more: Any) -> JSONDict:
    """A charge in dollars that succeeded unless told otherwise."""
    return {
        "id": name,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "currency": "usd",
        "status": "succeeded",
        "captured": True,
        "created": unix(day),
    } | more


def _prepaid() -> Iterator[Load]:
    """Four who were billed 120 for the year 2026: one paid, one got half of it back, one left in May, one never paid."""
    things: list[JSONDict] = []
    for name, status in (("paid", "paid"), ("refunded", "paid"), ("left", "paid"), ("open", "open")):
        yearly = price("12000", "year")
        found = subscription(item(yearly), customer=f"cus_{name}")
        found = _over(found, "2026-05-10") if name == "left" else found
        bill = invoice(
            found, "2026-01-01", line(found, yearly, "2026-01-01", "2027-01-01", 12000), status=status,
            subscription=found["id"],
        )  # fmt: skip
        things += [found, yearly, bill]
        if name == "refunded":
            things.append(charge("ch_prepaid", "2026-01-01", 12000, invoice=bill["id"], customer=found["customer"]))
            things.append(
                {"id": "re_prepaid", "object": "refund", "amount": 6000, "currency": "usd", "charge": "ch_prepaid",
                 "status": "succeeded", "created": unix("2026-06-15")}
            )  # fmt: skip
    yield PREPAID, "2026-06-28", things


def _leaving() -> Iterator[Load]:
    """70 a month; 30 of it is asked to end in June, another 20 was and is not any more."""
    stays, leaves, changes_mind = _paying(20), _paying(30), _paying(20)
    asked = {"cancel_at_period_end": True, "canceled_at": unix("2026-05-20")}
    yield LEAVING, "2026-05-01", [stays, leaves, changes_mind]
    yield LEAVING, "2026-05-20", [leaves | asked, changes_mind | asked]
    yield LEAVING, "2026-06-05", [changes_mind | {"cancel_at_period_end": False, "canceled_at": None}]


def _lives() -> Iterator[Load]:
    """Four who begin on 1 March: two end after 10 and after 30 days, one is paused; one who began on 21 June stays."""
    first, second, paused = (_paying(10, "2026-03-01") for _ in range(3))
    young = _paying(10, "2026-06-21")
    yield LIVES, "2026-03-01", [first, second, paused]
    yield LIVES, "2026-03-31", [_over(first, "2026-03-11"), _over(second, "2026-03-31")]
    yield LIVES, "2026-04-15", [paused | {"pause_collection": {"behavior": "void", "resumes_at": None}}]
    yield LIVES, "2026-06-28", [young]


def _buyers() -> Iterator[Load]:
    """Without subscriptions: one buys in April and twice in May, one in April with a refund, a guest in May."""
    yield BUYERS, "2026-06-28", [
        charge("ch_buyer_1", "2026-04-03", 5000, customer="cus_often"),
        charge("ch_buyer_2", "2026-05-04", 2000, customer="cus_often"),
        charge("ch_buyer_3", "2026-05-09", 1000, customer="cus_often"),
        charge("ch_buyer_4", "2026-04-20", 4000, customer="cus_once"),
        {"id": "re_buyer", "object": "refund", "amount": 1500, "currency": "usd", "charge": "ch_buyer_4",
         "status": "succeeded", "created": unix("2026-05-02")},
        charge("ch_buyer_5", "2026-05-30", 700),
    ]  # fmt: skip
