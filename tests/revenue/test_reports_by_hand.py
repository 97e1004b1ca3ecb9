"""Reports over the small business, against counts and sums that know nothing of ours.

What follows from MRR is counted in plain Python over the ledger's changes; trials, failed payments and deferred revenue
over Stripe's objects as the simulator wrote them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from pipelines.revenue import (
    NATIVE,
    Question,
    arpa,
    cohorts,
    deferred,
    ltv,
    mrr,
    nrr,
    quick_ratio,
    recovery,
    scheduled,
    survival,
    trials,
)
from pipelines.warehouse import Snapshot
from tests.building import newest

FIRST, LAST = date(2026, 8, 1), date(2026, 11, 23)
Json = dict[str, Any]
Balances = dict[str, dict[str, list[tuple[date, int]]]]
"""Currency, customer, days with the rounded balance after them."""


@pytest.fixture(scope="module")
def snapshot(built_folder: Path) -> Snapshot:
    return newest(built_folder)


@pytest.fixture(scope="module")
def balances(snapshot: Snapshot) -> Balances:
    found: dict[str, dict[str, dict[date, Decimal]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(Decimal)))
    for customer, currency, day, delta in snapshot.query(
        "select customer_id, currency, changed_date, delta_minor from marts.fct_mrr_changes where profile = 'stripe'"
    ).iter_rows():
        found[currency][customer][day] += delta
    rounded: Balances = {}
    for currency, customers in found.items():
        rounded[currency] = {}
        for customer, days in customers.items():
            total = Decimal(0)
            rounded[currency][customer] = [
                (day, int((total := total + days[day]).to_integral_value(ROUND_HALF_EVEN))) for day in sorted(days)
            ]
    return rounded


def held(days: list[tuple[date, int]], at: date) -> int:
    return next((minor for day, minor in reversed(days) if day <= at), 0)


def months() -> Iterator[tuple[date, date]]:
    start = FIRST
    while start <= LAST:
        after = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        yield start, min(after - timedelta(days=1), LAST)
        start = after


def native(report: Callable[..., Json], snapshot: Snapshot) -> dict[tuple[date, str], Json]:
    answer = report(snapshot, Question(FIRST, LAST, by="month", currency=NATIVE, timezone="UTC"))
    return {(row["period"], row["currency"]): row for row in answer["rows"]}


def share(part: int, base: int) -> float | None:
    return round(float(Fraction(part, base)), 6) if base else None


def test_what_is_retained_is_what_the_customers_of_the_start_still_pay(snapshot: Snapshot, balances: Balances) -> None:
    found = native(nrr, snapshot)
    assert any(row["opening_minor"] for row in found.values())
    for start, end in months():
        for currency, customers in balances.items():
            both = [(held(days, start - timedelta(days=1)), held(days, end)) for days in customers.values()]
            opening = sum(before for before, _ in both)
            retained = sum(after for before, after in both if before)
            kept = sum(min(pair) for pair in both)
            row = found[start, currency]
            assert (row["opening_minor"], row["retained_minor"]) == (opening, retained)
            assert (row["nrr"], row["grr"]) == (share(retained, opening), share(kept, opening))


def test_what_is_gained_and_lost_is_what_balances_rose_and_fell_by_day(snapshot: Snapshot, balances: Balances) -> None:
    found = native(quick_ratio, snapshot)
    for start, end in months():
        for currency, customers in balances.items():
            steps = [
                held(days, day) - held(days, day - timedelta(days=1))
                for days in customers.values() for day, _ in days if start <= day <= end
            ]  # fmt: skip
            gained, lost = sum(one for one in steps if one > 0), -sum(one for one in steps if one < 0)
            row = found[start, currency]
            assert (row["gained_minor"], row["lost_minor"]) == (gained, lost)
            assert row["quick_ratio"] == share(gained, lost)


def test_revenue_per_customer_and_what_cohorts_have_brought(snapshot: Snapshot, balances: Balances) -> None:
    each, worth = native(arpa, snapshot), native(ltv, snapshot)
    for start, end in months():
        for currency, customers in balances.items():
            now = [minor for days in customers.values() if (minor := held(days, end))]
            assert each[start, currency]["customers"] == len(now)
            assert each[start, currency]["arpa_minor"] == (round(Fraction(sum(now), len(now))) if now else None)
            ever = sum(any(minor and day <= end for day, minor in days) for days in customers.values())
            over = [last for _, last in _whole_months(customers) if last <= end]
            brought = sum(held(days, last) for days in customers.values() for last in over)
            assert worth[start, currency]["observed_ltv_minor"] == (round(Fraction(brought, ever)) if ever else None)


def _whole_months(customers: dict[str, list[tuple[date, int]]]) -> Iterator[tuple[date, date]]:
    start = min(days[0][0] for days in customers.values()).replace(day=1)
    while start <= LAST:
        after = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        yield start, after - timedelta(days=1)
        start = after


def test_cohorts_are_counted_by_first_payment_and_add_up_to_mrr(snapshot: Snapshot, balances: Balances) -> None:
    since = min(day for customers in balances.values() for days in customers.values() for day, _ in days)
    asked: dict[str, Any] = {"date_from": since, "date_to": LAST, "by": "month", "timezone": "UTC"}
    rows: Any = cohorts(snapshot, Question(**asked, currency=NATIVE))["rows"]
    for row in rows:
        members = [
            days for days in balances[row["currency"]].values()
            if next(day for day, minor in days if minor).replace(day=1) == row["cohort"]
        ]  # fmt: skip
        end = min((row["period"].replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1), LAST)
        now = [minor for days in members if (minor := held(days, end))]
        assert (row["size"], row["customers"], row["mrr_minor"]) == (len(members), len(now), sum(now))
    for currency in ("USD", "EUR"):
        whole: Any = mrr(snapshot, Question(**asked, currency=currency))["rows"]
        parts: Any = cohorts(snapshot, Question(**asked, currency=currency))["rows"]
        for total in whole:
            own = [row for row in parts if row["period"] == total["period"]]
            assert sum(row["mrr_minor"] for row in own) == total["mrr_minor"]
            assert sum(row["customers"] for row in own) == total["customers"]


def test_survival_is_counted_life_by_life(snapshot: Snapshot) -> None:
    lives: dict[str, dict[datetime, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    paused: set[tuple[str, datetime]] = set()
    for subscription, at, delta, cause in snapshot.query(
        "select subscription_id, changed_at, delta_minor, cause from marts.fct_mrr_changes where profile = 'stripe'"
    ).iter_rows():
        lives[subscription][at] += delta
        if cause == "paused":
            paused.add((subscription, at))
    seen: list[tuple[int, bool]] = []
    for subscription, moments in lives.items():
        last, total = max(moments), Decimal(0)
        starts = [at for at in sorted(moments) if (total := total + moments[at]) > 0]
        is_end = total == 0 and (subscription, last) not in paused
        seen.append((((last.date() if is_end else LAST) - starts[0].date()).days, is_end))
    answer: Json = survival(
        snapshot, Question(date_from=date(2026, 1, 1), date_to=LAST, currency="USD", timezone="UTC")
    )
    rows = answer["rows"]
    left = 1.0
    for row in rows:
        at_risk = sum(days >= row["day"] for days, _ in seen)
        ended = sum(days == row["day"] and is_end for days, is_end in seen)
        left *= 1 - ended / at_risk
        assert (row["at_risk"], row["survival"]) == (at_risk, pytest.approx(left, abs=1e-6))
    assert {days for days, is_end in seen if is_end} <= {row["day"] for row in rows}


def objects(built_folder: Path, name: str) -> list[Json]:
    lines = (built_folder / "business" / "stripe" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def day_of(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def of_subscription(invoice: Json) -> str | None:
    found = ((invoice.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    return None if found is None else str(found)


NOON = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())


def test_trials_convert_as_stripes_objects_say(snapshot: Snapshot, built_folder: Path) -> None:
    bills: dict[str, list[Json]] = defaultdict(list)
    for invoice in sorted(objects(built_folder, "invoices"), key=lambda one: one["created"]):
        if invoice["total"] > 0 and invoice["status"] not in ("draft", "void") and (of := of_subscription(invoice)):
            bills[of].append(invoice)
    ended: dict[date, list[bool]] = defaultdict(list)
    for one in objects(built_folder, "subscriptions"):
        end = one["trial_end"]
        if end is None or one["trial_start"] >= end or one["status"].startswith("incomplete"):
            continue
        over = min(end, one["ended_at"] or end)
        if over < NOON:
            first = next((bill for bill in bills[one["id"]] if bill["created"] >= end), None)
            passed = one["ended_at"] is None or one["ended_at"] > end
            ended[day_of(over).replace(day=1)].append(passed and first is not None and first["status"] == "paid")
    asked: dict[str, Any] = {"by": "month", "currency": "USD", "timezone": "UTC"}
    rows: Any = trials(snapshot, Question(date_from=FIRST, date_to=LAST, **asked))["rows"]
    assert sum(row["converted"] for row in rows) > 3
    for row in rows:
        mine = ended[row["period"]]
        assert (row["ended"], row["converted"]) == (len(mine), sum(mine))
        assert row["conversion_rate"] == share(sum(mine), len(mine))


def test_failed_payments_come_back_as_stripes_objects_say(snapshot: Snapshot, built_folder: Path) -> None:
    bill_of = {one["payment"]["payment_intent"]: one["invoice"] for one in objects(built_folder, "invoice_payments")}
    first: dict[str, int] = {}
    for charge in objects(built_folder, "charges"):
        if charge["status"] == "failed" and (bill := bill_of.get(charge["payment_intent"])):
            first[bill] = min(first.get(bill, charge["created"]), charge["created"])
    assert first
    groups: dict[tuple[date, str], list[tuple[int, int | None]]] = defaultdict(list)
    for invoice in objects(built_folder, "invoices"):
        if invoice["id"] in first:
            at = first[invoice["id"]]
            paid = invoice["status_transitions"]["paid_at"] if invoice["status"] == "paid" else None
            key = day_of(at).replace(day=1), invoice["currency"].upper()
            groups[key].append((invoice["amount_due"], None if paid is None else paid - at))
    found = native(recovery, snapshot)
    assert {key for key, row in found.items() if row["failed_minor"]} == {key for key in groups if key[0] >= FIRST}
    for key, some in groups.items():
        row = found[key]
        waits = [seconds for _, seconds in some if seconds is not None]
        assert row["failed_minor"] == sum(minor for minor, _ in some)
        assert row["recovered_minor"] == sum(minor for minor, seconds in some if seconds is not None)
        assert row["median_days"] == (round(median(waits) / 86_400, 2) if waits else None)


def test_deferred_revenue_is_what_lines_of_paid_invoices_owe(snapshot: Snapshot, built_folder: Path) -> None:
    invoices = {one["id"]: one for one in objects(built_folder, "invoices")}
    ended = {one["id"]: one["ended_at"] for one in objects(built_folder, "subscriptions")}
    bill_of = {one["payment"]["payment_intent"]: one["invoice"] for one in objects(built_folder, "invoice_payments")}
    refunds = [
        (bill, one["created"], one["amount"]) for one in objects(built_folder, "refunds")
        if one["status"] not in ("failed", "canceled") and (bill := bill_of.get(one["payment_intent"]))
    ]  # fmt: skip
    owed: dict[tuple[date, str], Fraction] = defaultdict(Fraction)
    lines: dict[tuple[date, str], int] = defaultdict(int)
    for start, end in months():
        moment = int(datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp()) + 86_400
        for bill in invoices.values():
            if bill["status"] != "paid" or bill["status_transitions"]["paid_at"] >= moment:
                continue
            back = sum(minor for of, at, minor in refunds if of == bill["id"] and at < moment)
            kept = Fraction(bill["total"] - back, bill["total"]) if bill["total"] else Fraction(1)
            for line in bill["lines"]["data"]:
                begin, over = line["period"]["start"], line["period"]["end"]
                gone = ended.get(of_subscription(bill) or "")
                if over <= moment or over <= begin or (gone is not None and gone <= moment):
                    continue
                less = sum(one["amount"] for one in line["discount_amounts"])
                left = Fraction(over - max(begin, moment), over - begin)
                key = start, bill["currency"].upper()
                owed[key] += (line["subtotal"] - less) * left * kept
                lines[key] += 1
    found = native(deferred, snapshot)
    assert max(lines.values()) > 3
    for key, row in found.items():
        # Each line is rounded by itself.
        assert abs(row["deferred_minor"] - owed[key]) <= Fraction(lines[key], 2)


def test_what_is_scheduled_to_end_is_what_subscriptions_say_of_their_end(
    snapshot: Snapshot, built_folder: Path
) -> None:
    asked = [one for one in objects(built_folder, "subscriptions") if one["cancel_at_period_end"] or one["cancel_at"]]
    changes = snapshot.query(
        "select subscription_id, currency, changed_date, delta_minor from marts.fct_mrr_changes where profile = 'stripe'"
    ).rows()
    found, whole = native(scheduled, snapshot), native(mrr, snapshot)
    seen = 0
    for start, end in months():
        leaving = {
            one["id"] for one in asked
            if day_of(one["canceled_at"]) <= end and (one["ended_at"] is None or day_of(one["ended_at"]) > end)
        }  # fmt: skip
        seen += len(leaving)
        expected: dict[str, Decimal] = defaultdict(Decimal)
        for subscription, currency, day, delta in changes:
            expected[currency] += delta if subscription in leaving and day <= end else 0
        for (period, currency), row in found.items():
            if period == start:
                assert abs(row["scheduled_churn_minor"] - expected[currency]) <= len(leaving)
                total = whole[period, currency]["mrr_minor"]
                assert row["scheduled_churn_minor"] + row["contracted_minor"] == total
    assert seen
