"""Coupons, pauses, schedules, disputes, payouts, credit notes, checkouts and the outage, in the objects themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from pipelines.demo.clock import DAY, HOUR, months_before
from pipelines.demo.outage import draw_outage
from tests.conftest import UNTIL
from tests.demo.asking import Data, Json, good_messages


def by_id(objects: list[Json]) -> dict[str, Json]:
    return {obj["id"]: obj for obj in objects}


def test_coupons_of_every_duration_lower_the_invoices_of_their_time(stored: Data) -> None:
    """How often a discount was taken off, and by how much, follows from its coupon alone."""
    coupons, discounts = by_id(stored["coupons"]), by_id(stored["discounts"])
    prices, seen = by_id(stored["prices"]), defaultdict(list)
    for invoice in stored["invoices"]:
        for line in invoice["lines"]["data"]:
            for taken in line["discount_amounts"]:
                coupon = coupons[discounts[taken["discount"]]["source"]["coupon"]]
                price = prices[line["pricing"]["price_details"]["price"]]
                assert taken["discount"] in invoice["discounts"]
                assert line["amount"] == price["unit_amount"] * line["quantity"]
                if coupon["percent_off"] is not None:
                    assert taken["amount"] == round(Decimal(line["amount"]) * int(coupon["percent_off"]) / 100)
                else:
                    assert coupon["currency"] == invoice["currency"]
                    assert taken["amount"] == min(coupon["amount_off"], line["amount"])
                seen[taken["discount"]].append(invoice["created"])
    durations: Counter[str] = Counter()
    for identity, moments in seen.items():
        coupon = coupons[discounts[identity]["source"]["coupon"]]
        durations[coupon["duration"]] += 1
        assert len(moments) == 1 if coupon["duration"] == "once" else len(moments) >= 1
        end = discounts[identity]["end"]
        assert (end is not None) == (coupon["duration"] == "repeating")
        assert end is None or max(moments) < end
    assert durations.keys() == {"forever", "repeating", "once"}


def test_a_promotion_code_leads_to_its_coupon_and_both_count_their_redemptions(stored: Data) -> None:
    codes = by_id(stored["promotion_codes"])
    redeemed: Counter[str] = Counter()
    for discount in stored["discounts"]:
        code = codes[discount["promotion_code"]]
        assert code["promotion"]["coupon"] == discount["source"]["coupon"]
        redeemed.update([code["id"], discount["source"]["coupon"]])
    for obj in stored["promotion_codes"] + stored["coupons"]:
        assert obj["times_redeemed"] == redeemed[obj["id"]]
    assert {code["active"] for code in stored["promotion_codes"]} == {True, False}


def test_no_discount_stays_on_a_subscription_after_its_end(stored: Data) -> None:
    discounts = by_id(stored["discounts"])
    for subscription in stored["subscriptions"]:
        start = subscription["items"]["data"][0]["current_period_start"]
        for identity in subscription["discounts"]:
            assert discounts[identity]["subscription"] == subscription["id"]
            assert (discounts[identity]["end"] or start + 1) > start or subscription["status"] == "canceled"


def test_what_is_billed_during_a_pause_is_void_and_the_next_month_is_paid_again(stored: Data) -> None:
    cycles = defaultdict(list)
    for invoice in stored["invoices"]:
        if invoice["billing_reason"] == "subscription_cycle":
            details = invoice["parent"]["subscription_details"]
            cycles[details["subscription"]].append((invoice["created"], invoice["status"], invoice))
    states = by_id(stored["subscriptions"])
    resumed = 0
    for subscription, rows in cycles.items():
        ordered = [invoice for *_, invoice in sorted(rows, key=lambda row: row[0])]
        for earlier, later in pairwise(ordered):
            voided = earlier["status_transitions"]["voided_at"] == earlier["created"]
            resumed += voided and later["status"] == "paid"
        pause = states[subscription]["pause_collection"]
        if pause is not None and states[subscription]["status"] == "active":
            assert pause["behavior"] == "void"
            assert ordered[-1]["status"] == "void"
            assert pause["resumes_at"] >= states[subscription]["items"]["data"][0]["current_period_end"]
    assert resumed


def test_a_schedule_changes_the_price_at_a_renewal_without_proration(stored: Data) -> None:
    invoices = defaultdict(list)
    for invoice in stored["invoices"]:
        if invoice["parent"]:
            invoices[invoice["parent"]["subscription_details"]["subscription"]].append(invoice)
    done = 0
    for schedule in stored["subscription_schedules"]:
        before, after = schedule["phases"]
        assert before["end_date"] == after["start_date"]
        if schedule["status"] == "released" and schedule["released_at"] == after["start_date"]:
            at_turn = [
                one for one in invoices[schedule["released_subscription"]] if one["created"] == after["start_date"]
            ]
            (line,) = at_turn[0]["lines"]["data"]
            assert line["pricing"]["price_details"]["price"] == after["items"][0]["price"]
            done += 1
        assert (schedule["subscription"] is None) == (schedule["status"] == "released")
    assert done


def test_a_dispute_takes_the_money_and_a_fee_and_a_won_one_gives_it_back(stored: Data) -> None:
    entries, charges = by_id(stored["balance_transactions"]), by_id(stored["charges"])
    assert {dispute["charge"] for dispute in stored["disputes"]} == {c["id"] for c in charges.values() if c["disputed"]}
    for dispute in stored["disputes"]:
        charge = charges[dispute["charge"]]
        assert charge["amount"] == dispute["amount"]
        assert charge["amount_refunded"] == 0
        assert charge["created"] < dispute["created"]
        told = [entries[entry["id"]] for entry in dispute["balance_transactions"]]
        assert [entry["type"] for entry in told] == ["adjustment"] * len(told)
        categories = [entry["reporting_category"] for entry in told]
        assert categories == ["dispute", "dispute_reversal"][: 1 + (dispute["status"] == "won")]
        assert [entry["fee"] for entry in told] == [1_500, 0][: len(told)]
        assert all(entry["source"] == dispute["id"] for entry in told)
        assert told[0]["amount"] < 0
    assert {"needs_response", "under_review", "won", "lost"} >= {dispute["status"] for dispute in stored["disputes"]}
    assert len(stored["disputes"]) >= 2


def test_a_payout_is_the_sum_of_the_entries_that_name_it(stored: Data) -> None:
    payouts, members = by_id(stored["payouts"]), defaultdict(list)
    for entry in stored["balance_transactions"]:
        if entry["payout"] is not None:
            members[entry["payout"]].append(entry)
    assert members.keys() == payouts.keys()
    for identity, entries in members.items():
        payout = payouts[identity]
        own = [entry for entry in entries if entry["type"] == "payout"]
        assert [entry["id"] for entry in own] == [payout["balance_transaction"]]
        rest = [entry for entry in entries if entry["type"] != "payout"]
        assert -own[0]["net"] == payout["amount"] == sum(entry["net"] for entry in rest) > 0
        assert all(entry["available_on"] <= payout["created"] for entry in rest)
    old = [entry for entry in stored["balance_transactions"] if entry["status"] == "available"]
    assert sum(entry["payout"] is None for entry in old) < len(old) / 20


def test_a_credit_note_gives_back_through_a_refund(stored: Data) -> None:
    refunds, invoices = by_id(stored["refunds"]), by_id(stored["invoices"])
    noted: Counter[str] = Counter()
    for note in stored["credit_notes"]:
        (part,) = note["refunds"]
        assert refunds[part["refund"]]["amount"] == part["amount_refunded"] == note["amount"] == note["total"]
        assert note["total"] == note["total_excluding_tax"] + sum(tax["amount"] for tax in note["total_taxes"])
        noted[note["invoice"]] += note["amount"]
    assert noted
    for identity, amount in noted.items():
        assert invoices[identity]["post_payment_credit_notes_amount"] == amount <= invoices[identity]["amount_paid"]


def test_every_download_went_through_a_checkout_that_events_name(story: Path, stored: Data) -> None:
    charges = {charge["payment_intent"]: charge for charge in stored["charges"] if charge["paid"]}
    customers = by_id(stored["customers"])
    sessions = by_id(stored["checkout_sessions"])
    complete = {identity for identity, session in sessions.items() if session["status"] == "complete"}
    for identity in complete:
        session = sessions[identity]
        charge = charges[session["payment_intent"]]
        assert charge["amount"] == session["amount_total"]
        assert charge["billing_details"]["email"] == session["customer_details"]["email"]
        if session["customer"] and not customers[session["customer"]].get("deleted"):
            assert session["client_reference_id"] == customers[session["customer"]]["metadata"]["user_id"]
    guests = [sessions[identity] for identity in complete if sessions[identity]["customer"] is None]
    assert {session["client_reference_id"] is None for session in guests} == {True, False}
    ordered: dict[str, str | None] = {}
    for message in good_messages(story)[0].values():
        if message.get("event") == "Order Completed":
            ordered[message["properties"]["order_id"]] = message.get("userId")
    # The last seconds of a story may hold a payment whose event would come after them.
    assert ordered.keys() <= complete
    assert len(complete - ordered.keys()) <= 1
    assert all(sessions[identity]["client_reference_id"] == user for identity, user in ordered.items())


def test_during_the_outage_hardly_anybody_was_seen(story: Path) -> None:
    outage = draw_outage(11, months_before(UNTIL, 14), UNTIL)
    length = outage.end - outage.start
    assert 6 * HOUR < length < 10 * HOUR
    seen: Counter[int] = Counter()
    for message in good_messages(story)[0].values():
        days, second = divmod(int(datetime.fromisoformat(message["timestamp"]).timestamp()) - outage.start, 7 * DAY)
        seen[days] += second < length
    assert seen[0] < min(seen[-1], seen[1]) / 10
