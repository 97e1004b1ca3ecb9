"""The truth beside the data: told apart from it, and found again in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import orjson

from tests.demo.asking import Data, Json


def monthly(subscription: Json) -> Decimal:
    """MRR of a subscription as it stands, by the definition and not by the simulation."""
    if subscription["status"] not in ("active", "past_due"):
        return Decimal(0)
    total = Decimal(0)
    for item in subscription["items"]["data"]:
        amount = Decimal(item["price"]["unit_amount_decimal"]) * item["quantity"]
        total += amount / (12 if item["price"]["recurring"]["interval"] == "year" else 1)
    return total


def test_the_mrr_at_the_end_is_what_the_subscriptions_say(stored: Data, truth: Json) -> None:
    by_customer: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for subscription in stored["subscriptions"]:
        by_customer[subscription["customer"], subscription["currency"]] += monthly(subscription)
    totals: Counter[str] = Counter()
    for (_, currency), amount in by_customer.items():
        totals[currency.upper()] += int(amount.to_integral_value(ROUND_HALF_EVEN))
    for currency, by_day in truth["mrr_by_day"].items():
        assert by_day["2026-11-23"] == str(totals[currency]), currency
        assert max(by_day) == "2026-11-23"
    assert truth["paying_customers"] == sum(1 for amount in by_customer.values() if amount)


def test_movements_and_balances_tell_the_same_story(truth: Json) -> None:
    for currency, by_day in truth["mrr_by_day"].items():
        closing = 0
        for month, row in truth["movements_by_month"][currency].items():
            closing += sum(int(row[f"{kind}_minor"]) for kind in
                           ("new", "expansion", "contraction", "churn", "reactivation"))  # fmt: skip
            last = max(day for day in by_day if day.startswith(month))
            assert by_day[last] == str(closing), (currency, month)


def test_cash_is_what_charges_and_refunds_say(stored: Data, truth: Json) -> None:
    gross: Counter[str] = Counter()
    for charge in stored["charges"]:
        gross[charge["currency"].upper()] += charge["amount"] if charge["status"] == "succeeded" else 0
    for currency, months in truth["cash_by_month"].items():
        assert sum(int(month["gross_minor"]) for month in months.values()) == gross[currency]


def good_messages(story: Path) -> tuple[dict[str, Json], int, int]:
    """Distinct good messages by id, the number of repeated lines, the number of broken ones."""
    good: dict[str, Json] = {}
    repeated = broken = 0
    for path in sorted((story / "events").iterdir()):
        for line in path.read_bytes().splitlines():
            try:
                message = orjson.loads(line)
            except orjson.JSONDecodeError:
                message = {}
            if "timestamp" not in message:
                broken += 1
            elif message["messageId"] in good:
                assert good[message["messageId"]] == message
                repeated += 1
            else:
                good[message["messageId"]] = message
    return good, repeated, broken


def test_planted_flaws_are_counted_in_the_truth(story: Path, truth: Json) -> None:
    good, repeated, broken = good_messages(story)
    assert truth["events"] == {"valid_distinct": len(good), "duplicates": repeated, "broken_lines": broken}
    assert repeated
    assert broken


def test_visitors_are_anonymous_until_an_identify_links_them(story: Path) -> None:
    good, _, _ = good_messages(story)
    linked = {m["anonymousId"]: m for m in good.values() if m["type"] == "identify"}
    assert len({m["userId"] for m in linked.values()}) == 300
    assert all(m["traits"].keys() == {"email", "first_name", "country"} for m in linked.values())
    before = [m for m in good.values() if m["anonymousId"] in linked and "userId" not in m]
    assert before
    assert all(m["timestamp"] < linked[m["anonymousId"]]["timestamp"] for m in before)
    strangers = {m["anonymousId"] for m in good.values()} - linked.keys()
    assert len(strangers) > 2 * 300


def test_the_planted_funnel_can_be_counted_from_the_files(story: Path, truth: Json) -> None:
    """Counted anew by trying every combination of moments, unlike the simulation's own count."""
    good, _, _ = good_messages(story)
    owner = {m["anonymousId"]: m["userId"] for m in good.values() if m["type"] == "identify"}
    steps = ("Pricing", "Signed Up", "Trial Started", "Subscription Started")
    moments: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for m in good.values():
        person = str(m.get("userId") or owner.get(m["anonymousId"], m["anonymousId"]))
        moments[person][m.get("event") or m.get("name") or ""].append(datetime.fromisoformat(m["timestamp"]))
    people = [0, 0, 0, 0]
    for own in moments.values():
        best = 0
        for start in own.get(steps[0], []):
            reached = {start}
            for number, step in enumerate(steps):
                if number:
                    reached = {
                        at for at in own.get(step, [])
                        if any(at >= before for before in reached) and (at - start).total_seconds() <= 14 * 86_400
                    }  # fmt: skip
                if reached:
                    best = max(best, number + 1)
        for number in range(best):
            people[number] += 1
    assert truth["funnel"]["people"] == people
    assert people[3] > 10
