"""The fake Stripe, asked through the real SDK: paging, filters, expansion, refusals."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
import stripe

from tests.demo.asking import Data, ask, client_of, every


@pytest.mark.parametrize("kind", ["customers", "products", "prices", "invoices", "invoice_payments", "invoiceitems",
                                  "charges", "refunds", "payment_intents", "balance_transactions", "events", "coupons",
                                  "promotion_codes", "disputes", "credit_notes", "payouts", "checkout/sessions"])  # fmt: skip
def test_paging_gives_every_object_once_newest_first(client: stripe.StripeClient, stored: Data, kind: str) -> None:
    found = every(client, f"/v1/{kind}", limit=37)
    expected = [obj for obj in stored[kind.replace("/", "_")] if not obj.get("deleted")]
    assert expected
    assert sorted(obj["id"] for obj in found) == sorted(obj["id"] for obj in expected)
    ages = [(obj.get("created") or obj["date"], obj["id"]) for obj in found]
    assert all(newer > older for newer, older in pairwise(ages))


def test_the_sdk_pages_by_itself_both_ways(client: stripe.StripeClient, stored: Data) -> None:
    there = [one.id for one in client.v1.customers.list({"limit": 50}).auto_paging_iter()]
    assert len(there) == len([obj for obj in stored["customers"] if not obj.get("deleted")])
    page = client.v1.customers.list({"limit": 50, "ending_before": there[-1]})
    back = [one.id for one in page.auto_paging_iter()]
    assert sorted(back) == sorted(there[:-1])


def test_ten_objects_come_when_nothing_is_said(client: stripe.StripeClient) -> None:
    page = ask(client, "/v1/invoices")
    assert (len(page["data"]), page["has_more"], page["object"], page["url"]) == (
        10,
        True,
        "list",
        "/v1/invoices",
    )


def test_created_filters_cut_where_they_say(client: stripe.StripeClient, stored: Data) -> None:
    ages = sorted(obj["created"] for obj in stored["charges"])
    low, high = ages[20], ages[80]
    for bounds in ({"gte": low, "lt": high}, {"gt": low, "lte": high}, {"gte": high}, {"lt": low}):
        found = {obj["id"] for obj in every(client, "/v1/charges", limit=100, created=bounds)}
        tests = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
        expected = {
            obj["id"] for obj in stored["charges"]
            if all(tests[bound](obj["created"], moment) for bound, moment in bounds.items())
        }  # fmt: skip
        assert found == expected, bounds
    assert all(obj["created"] == low for obj in ask(client, "/v1/charges", created=low)["data"])


def test_canceled_subscriptions_come_only_when_asked_for(client: stripe.StripeClient, stored: Data) -> None:
    default = every(client, "/v1/subscriptions", limit=100)
    assert default
    assert all(sub["status"] != "canceled" for sub in default)
    assert len(every(client, "/v1/subscriptions", limit=100, status="all")) == len(stored["subscriptions"])
    canceled = every(client, "/v1/subscriptions", limit=100, status="canceled")
    assert {sub["status"] for sub in canceled} == {"canceled"}
    ended = every(client, "/v1/subscriptions", limit=100, status="ended")
    assert {sub["status"] for sub in ended} <= {"canceled", "incomplete_expired"}


def test_filters_on_fields_leave_only_what_fits(client: stripe.StripeClient, stored: Data) -> None:
    one = stored["subscriptions"][0]
    mine = every(client, "/v1/invoices", subscription=one["id"])
    assert mine
    assert {invoice["parent"]["subscription_details"]["subscription"] for invoice in mine} == {one["id"]}
    assert {invoice["status"] for invoice in every(client, "/v1/invoices", status="paid", limit=100)} == {"paid"}
    refunds = every(client, "/v1/balance_transactions", type="refund")
    assert len(refunds) == len(stored["refunds"])
    assert {price["active"] for price in every(client, "/v1/prices", active=False)} == {False}


def test_events_can_be_asked_for_by_type(client: stripe.StripeClient) -> None:
    two = ["invoice.paid", "charge.refunded"]
    assert {event["type"] for event in every(client, "/v1/events", types=two, limit=100)} <= set(two)
    some = every(client, "/v1/events", type="customer.subscription.*", limit=100)
    assert some
    assert all(event["type"].startswith("customer.subscription.") for event in some)
    with pytest.raises(stripe.InvalidRequestError, match="at most 20"):
        ask(client, "/v1/events", types=[f"a.{number}" for number in range(21)])


def test_ids_stay_ids_until_they_are_expanded(client: stripe.StripeClient) -> None:
    plain = ask(client, "/v1/charges", limit=100)["data"]
    assert all(isinstance(charge["balance_transaction"], str | None) for charge in plain)
    assert all("refunds" not in charge for charge in plain)
    wide = ask(client, "/v1/charges", limit=100, expand=["data.balance_transaction", "data.customer", "data.refunds"])
    paid = [charge for charge in wide["data"] if charge["paid"]]
    assert all(charge["balance_transaction"]["source"] == charge["id"] for charge in paid)
    assert all(charge["customer"]["object"] == "customer" for charge in paid if charge["customer"])
    for charge in wide["data"]:
        assert sum(refund["amount"] for refund in charge["refunds"]["data"]) == charge["amount_refunded"]


def test_expansion_goes_four_levels_deep_and_no_deeper(client: stripe.StripeClient) -> None:
    deep = ask(client, "/v1/subscriptions", limit=3, expand=["data.latest_invoice.customer"])["data"]
    assert all(sub["latest_invoice"]["customer"]["id"] == sub["customer"] for sub in deep)
    whole = ask(client, f"/v1/subscriptions/{deep[0]['id']}", expand=["items.data.price.product"])
    assert whole["items"]["data"][0]["price"]["product"]["object"] == "product"
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        ask(client, "/v1/subscriptions", expand=["data.items.data.price.product"])
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        ask(client, "/v1/subscriptions", expand=["data.status"])


def test_discounts_and_coupons_stand_in_the_place_of_their_ids_when_expanded(
    client: stripe.StripeClient, stored: Data
) -> None:
    bare = next(sub for sub in stored["subscriptions"] if sub["discounts"])
    (discount,) = ask(client, f"/v1/subscriptions/{bare['id']}", expand=["discounts"])["discounts"]
    assert discount["id"] == bare["discounts"][0]
    whole = ask(client, f"/v1/subscriptions/{bare['id']}", expand=["discounts.source.coupon"])["discounts"][0]
    assert whole["source"]["coupon"]["id"] == discount["source"]["coupon"]
    page = ask(client, "/v1/promotion_codes", coupon=discount["source"]["coupon"], expand=["data.promotion.coupon"])
    assert [code["promotion"]["coupon"]["object"] for code in page["data"]] == ["coupon"]
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        ask(client, "/v1/discounts")


def test_the_members_of_a_payout_are_found_by_a_filter_and_not_told(client: stripe.StripeClient, stored: Data) -> None:
    payout = stored["payouts"][3]
    members = every(client, "/v1/balance_transactions", payout=payout["id"], limit=100)
    assert sum(entry["net"] for entry in members) == 0
    assert {entry["source"] for entry in members} > {payout["id"]}
    assert all("payout" not in entry for entry in members)


def test_subscription_items_need_their_subscription(client: stripe.StripeClient, stored: Data) -> None:
    sub = stored["subscriptions"][0]
    items = ask(client, "/v1/subscription_items", subscription=sub["id"])["data"]
    assert items == sub["items"]["data"]
    assert ask(client, f"/v1/subscription_items/{items[0]['id']}") == items[0]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        ask(client, "/v1/subscription_items")
    assert caught.value.param == "subscription"


def test_what_is_not_there_is_refused_as_stripe_does(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.retrieve("price_none")
    assert caught.value.http_status == 404
    assert orjson.loads(str(caught.value.http_body))["error"] == {
        "type": "invalid_request_error", "code": "resource_missing", "param": "id",
        "message": "No such price: 'price_none'",
    }  # fmt: skip
    for path, parameters, status in (
        ("/v1/invoices", {"starting_after": "in_none"}, 400),
        ("/v1/invoices", {"limit": 101}, 400),
        ("/v1/invoices", {"limit": "many"}, 400),
        ("/v1/invoices", {"colour": "red"}, 400),
        ("/v1/invoices", {"created": {"before": 1}}, 400),
        ("/v1/nonsense", {}, 404),
        ("/v2/customers", {}, 404),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            ask(client, path, **parameters)
        assert refused.value.http_status == status, (path, parameters)


def test_nothing_can_be_written(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.customers.create({"email": "new@example.com"})
    assert caught.value.http_status == 405


def test_the_command_serves_the_same_folder(story: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pipelines.demo.stripe_server",
        "--data",
        str(story / "stripe"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[3]
            assert len(ask(client_of(url), "/v1/products")["data"]) == 5
        finally:
            process.terminate()
