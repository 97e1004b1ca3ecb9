"""The truth beside the data: told apart from it, and found again in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import orjson

from pipelines.campaigns.assignment import is_held_out
from tests.demo.asking import Data, Json, good_messages, lines_of


def monthly(subscription: Json, forever: dict[str, Json]) -> Decimal:
    """MRR of a subscription as it stands, by the definition and not by the simulation.

    `forever` holds the coupons that never end, by the id of their discount.
    """
    pause = subscription["pause_collection"]
    if subscription["status"] not in ("active", "past_due") or (pause and pause["behavior"] == "void"):
        return Decimal(0)
    (item,) = subscription["items"]["data"]
    amount: Decimal = Decimal(item["price"]["unit_amount_decimal"]) * item["quantity"]
    for coupon in (forever[discount] for discount in subscription["discounts"] if discount in forever):
        if coupon["percent_off"] is not None:
            amount -= amount * Decimal(str(coupon["percent_off"])) / 100
        else:
            assert coupon["currency"] == item["price"]["currency"]
            amount = max(Decimal(0), amount - coupon["amount_off"])
    return amount / (12 if item["price"]["recurring"]["interval"] == "year" else 1)


def forever_coupons(stored: Data) -> dict[str, Json]:
    coupons = {coupon["id"]: coupon for coupon in stored["coupons"] if coupon["duration"] == "forever"}
    by_discount = {discount["id"]: discount["source"]["coupon"] for discount in stored["discounts"]}
    return {discount: coupons[coupon] for discount, coupon in by_discount.items() if coupon in coupons}


def test_the_mrr_at_the_end_is_what_the_subscriptions_say(stored: Data, truth: Json) -> None:
    by_customer: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    forever = forever_coupons(stored)
    assert any(forever.keys() & set(subscription["discounts"]) for subscription in stored["subscriptions"])
    for subscription in stored["subscriptions"]:
        by_customer[subscription["customer"], subscription["currency"]] += monthly(subscription, forever)
    totals: Counter[str] = Counter()
    for (_, currency), amount in by_customer.items():
        totals[currency.upper()] += int(amount.to_integral_value(ROUND_HALF_EVEN))
    for currency, by_day in truth["mrr_by_day"].items():
        assert by_day["2026-11-23"] == str(totals[currency]), currency
        assert max(by_day) == "2026-11-23"
    assert truth["paying_customers"] == sum(1 for amount in by_customer.values() if amount)
    own = {customer: (changes[-1][1], changes[-1][2]) for customer, changes in truth["mrr_by_customer"].items()}
    rounded = {customer: (currency.upper(), int(amount.to_integral_value(ROUND_HALF_EVEN)))
               for (customer, currency), amount in by_customer.items()}  # fmt: skip
    assert {customer: rounded[customer] for customer in own} == own
    assert all(not amount for customer, (_, amount) in rounded.items() if customer not in own)


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


def test_planted_flaws_are_counted_in_the_truth(story: Path, truth: Json) -> None:
    good, repeated, broken = good_messages(story)
    odd = sum(1 for message in good.values() if "_build" in message)
    ahead = sum(1 for message in good.values() if message.get("originalTimestamp", "") > message["timestamp"])
    assert truth["events"] == {
        "valid_distinct": len(good), "duplicates": repeated, "broken_lines": broken, "unknown_field": odd,
        "clock_ahead": ahead,
    }  # fmt: skip
    assert 0.02 < (repeated + broken + odd + ahead) / (len(good) + repeated + broken) < 0.04
    assert min(repeated, broken, odd, ahead) > 50


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


def person_of(good: dict[str, Json]) -> dict[str, str]:
    """Whom each anonymous id belongs to."""
    return {m["anonymousId"]: m["userId"] for m in good.values() if m["type"] == "identify"}


def test_sessions_are_counted_again_from_the_files(story: Path, truth: Json) -> None:
    """By idle time between neighbours in one sorted list, unlike the simulation's own count."""
    good, _, _ = good_messages(story)
    owner = person_of(good)
    told = sorted(
        (str(m.get("userId") or owner.get(m["anonymousId"], m["anonymousId"])), datetime.fromisoformat(m["timestamp"]))
        for m in good.values()
    )
    begun: Counter[str] = Counter()
    before: tuple[str, datetime] | None = None
    for person, at in told:
        if before is None or before[0] != person or at - before[1] > timedelta(minutes=30):
            begun[at.strftime("%Y-%m")] += 1
        before = (person, at)
    assert truth["sessions_by_month"] == begun


def test_people_are_users_and_guests_with_an_address_of_their_own(story: Path, stored: Data, truth: Json) -> None:
    good, _, _ = good_messages(story)
    users = {m["userId"] for m in good.values() if "userId" in m}
    emails = {m["traits"]["email"] for m in good.values() if m["type"] == "identify"}
    buyers = {c["billing_details"]["email"] for c in stored["charges"] if c["customer"] is None and c["paid"]}
    assert buyers & emails
    assert buyers - emails
    people = truth["people"]
    assert people["persons"] == len(users) + len(buyers - emails)
    assert people["guests"] == len(buyers - emails)
    assert people["stripe_customers"] == sum(1 for customer in stored["customers"] if not customer.get("deleted"))
    assert people["subscribers_ever"] == len(truth["mrr_by_customer"]) > 100


def test_disputes_are_in_the_cash_when_the_money_moved(stored: Data, truth: Json) -> None:
    lost = sum(dispute["amount"] for dispute in stored["disputes"] if dispute["status"] != "won")
    told = sum(int(month["disputes_minor"]) for months in truth["cash_by_month"].values() for month in months.values())
    assert told == lost > 0
    assert truth["settled_by_month"].keys() == {"USD", "EUR", "JPY"}
    for currency, months in truth["settled_by_month"].items():
        entries = [
            entry
            for entry in stored["balance_transactions"]
            if entry["type"] != "payout" and entry["currency"] == currency.lower()
        ]
        assert sum(int(month["net_minor"]) for month in months.values()) == sum(entry["net"] for entry in entries)
        adjusted = sum(entry["amount"] for entry in entries if entry["type"] == "adjustment")
        assert sum(int(month["adjustment_minor"]) for month in months.values()) == adjusted <= 0


def test_a_campaigns_effect_is_in_the_payments(story: Path, stored: Data, truth: Json) -> None:
    """Who converted is counted again from Stripe's invoices."""
    customers = {c["id"]: c["metadata"]["user_id"] for c in stored["customers"] if not c.get("deleted")}
    paid: dict[str, list[int]] = defaultdict(list)
    for invoice in stored["invoices"]:
        if invoice["amount_paid"]:
            paid[customers[invoice["customer"]]].append(invoice["status_transitions"]["paid_at"])
    campaigns = orjson.loads((story / "campaigns.json").read_bytes())
    assert [campaign["name"] for campaign in campaigns] == list(truth["campaigns"])
    assert len(campaigns) >= 2
    for campaign in campaigns:
        begin = round(datetime.fromisoformat(campaign["sent_at"]).timestamp())
        found = Counter[str]()
        for recipient in campaign["recipients"]:
            arm = "held_out" if recipient["held_out"] else "treated"
            converted = any(begin <= at <= begin + 14 * 86_400 for at in paid[recipient["user_id"]])
            found.update({"audience": 1, arm: 1, f"converted_{arm}": int(converted)})
        told = truth["campaigns"][campaign["name"]]
        by_mail = told["converted_by_mail"]
        assert told == dict(found) | {"audience": len(campaign["recipients"]), "converted_by_mail": by_mail}
        # Nobody buys by a mail that offers nothing, or that did not come.
        assert 0 <= by_mail <= found["converted_treated"]
    assert truth["campaigns"]["getting-started-digest"]["converted_by_mail"] == 0
    launch = truth["campaigns"]["field-guide-launch"]
    assert launch["converted_by_mail"] / launch["treated"] > 0.1
    assert launch["converted_treated"] / launch["treated"] - launch["converted_held_out"] / launch["held_out"] > 0.1


def test_only_those_who_agreed_and_were_not_held_out_got_mail(story: Path) -> None:
    agreed = {consent["email"] for consent in lines_of(story / "consents.jsonl")}
    visits: Counter[str] = Counter()
    for message in good_messages(story)[0].values():
        visits[message.get("context", {}).get("campaign", {}).get("name", "")] += 1
    for campaign in orjson.loads((story / "campaigns.json").read_bytes()):
        recipients = {one["user_id"]: one for one in campaign["recipients"]}
        assert {one["email"] for one in recipients.values()} <= agreed
        assert all(one["held_out"] == is_held_out(campaign["name"], user, 0.5) for user, one in recipients.items())
        told = lines_of(story / "email" / f"{campaign['name']}.jsonl")
        assert len({event["sg_event_id"] for event in told}) == len(told)
        assert {event["person_id"] for event in told} == {u for u, one in recipients.items() if not one["held_out"]}
        assert all(event["sg_message_id"].startswith(recipients[event["person_id"]]["message_id"]) for event in told)
        kinds = Counter(event["event"] for event in told)
        assert kinds["processed"] == kinds["delivered"] + kinds["bounce"]
        assert kinds["click"] == visits[campaign["name"]] > 0
