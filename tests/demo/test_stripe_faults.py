"""The fake Stripe with hand-made objects: keys, faults, lag, deletions between pages."""

from __future__ import annotations

import urllib.error
import urllib.request

import orjson
import pytest
import stripe

from tests.demo.asking import Shop, ask, client_of, customer, every

DAY = 86_400


def test_lines_past_the_tenth_are_found_under_the_invoice(shop: Shop) -> None:
    lines = [{"id": f"il_{n:02d}", "object": "line_item", "invoice": "in_1", "subtotal": n} for n in range(13)]
    inside = {"object": "list", "data": lines[:10], "has_more": True, "url": "/v1/invoices/in_1/lines"}
    shop.put("invoices", {"id": "in_1", "object": "invoice", "created": 1, "lines": inside})
    shop.put("invoice_lines", *lines)
    assert every(shop.client, "/v1/invoices/in_1/lines", limit=4) == lines
    typed = shop.client.v1.invoices.retrieve("in_1")
    assert [line.id for line in typed.lines.auto_paging_iter()] == [line["id"] for line in lines]
    before = ask(shop.client, "/v1/invoices/in_1/lines", ending_before="il_12", limit=5)
    assert ([line["subtotal"] for line in before["data"]], before["has_more"]) == ([7, 8, 9, 10, 11], True)


def test_a_deleted_customer_is_answered_but_not_listed(shop: Shop) -> None:
    shop.put("customers", customer(1), {"id": "cus_002", "object": "customer", "deleted": True})
    assert [one["id"] for one in ask(shop.client, "/v1/customers")["data"]] == ["cus_001"]
    gone = shop.client.v1.customers.retrieve("cus_002")
    assert (gone.id, gone.deleted) == ("cus_002", True)


@pytest.mark.parametrize("key", ["sk_live_x", "nonsense"])
def test_a_strange_key_is_refused(shop: Shop, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        ask(client_of(shop.url, key), "/v1/customers")


def test_only_the_key_of_the_knob_is_accepted(shop: Shop) -> None:
    shop.knobs.api_key = "rk_test_right"
    assert ask(client_of(shop.url, "rk_test_right"), "/v1/customers")["data"] == []
    with pytest.raises(stripe.AuthenticationError):
        ask(client_of(shop.url, "rk_test_wrong"), "/v1/customers")


def test_a_missing_key_is_refused(shop: Shop) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{shop.url}/v1/customers")
    assert caught.value.code == 401
    assert orjson.loads(caught.value.read())["error"]["type"] == "invalid_request_error"


def test_answers_carry_a_request_id_and_the_version_asked_for(shop: Shop) -> None:
    answer = shop.client.raw_request("get", "/v1/customers", stripe_version="2024-06-20")
    assert answer.headers["stripe-version"] == "2024-06-20"
    assert str(answer.headers["request-id"]).startswith("req_")


def test_every_third_request_can_be_one_too_many(shop: Shop) -> None:
    shop.knobs.rate_limit_every = 3
    outcomes = []
    for _ in range(6):
        try:
            outcomes.append(ask(shop.client, "/v1/customers")["object"])
        except stripe.RateLimitError as error:
            assert orjson.loads(str(error.http_body))["error"]["code"] == "rate_limit"
            assert error.headers is not None
            assert error.headers["stripe-rate-limited-reason"]
            outcomes.append("429")
    assert outcomes == ["list", "list", "429"] * 2


def test_errors_dropped_connections_and_outages_look_real(shop: Shop) -> None:
    shop.knobs.error_every = 1
    with pytest.raises(stripe.APIError):
        ask(shop.client, "/v1/customers")
    shop.knobs.error_every, shop.knobs.drop_every = 0, 1
    with pytest.raises(stripe.APIConnectionError):
        ask(shop.client, "/v1/customers")
    shop.knobs.drop_every, shop.knobs.down = 0, True
    with pytest.raises(stripe.APIError) as caught:
        ask(shop.client, "/v1/customers")
    assert caught.value.http_status == 503
    shop.knobs.down = False
    assert ask(shop.client, "/v1/customers")["data"] == []


def test_a_young_object_stays_invisible_for_the_lag(shop: Shop) -> None:
    shop.put("customers", customer(1, created=100), customer(2, created=195))
    shop.knobs.visibility_lag, shop.knobs.now = 10, lambda: 200.0
    assert [one["id"] for one in ask(shop.client, "/v1/customers")["data"]] == ["cus_001"]
    with pytest.raises(stripe.InvalidRequestError):
        ask(shop.client, "/v1/customers/cus_002")
    shop.knobs.now = lambda: 206.0
    assert len(ask(shop.client, "/v1/customers")["data"]) == 2


def test_old_events_are_forgotten_when_the_knob_says_so(shop: Shop) -> None:
    events = [{"id": f"evt_{day}", "object": "event", "created": day * DAY, "type": "price.created"} for day in (1, 40)]
    shop.put("events", *events)
    assert len(ask(shop.client, "/v1/events")["data"]) == 2
    shop.knobs.event_retention_days, shop.knobs.now = 30, lambda: 41.0 * DAY
    assert [event["id"] for event in ask(shop.client, "/v1/events")["data"]] == ["evt_40"]


def test_a_changed_file_is_seen_while_the_server_runs(shop: Shop) -> None:
    shop.put("customers", *(customer(number, created=number) for number in range(1, 6)))
    first = ask(shop.client, "/v1/customers", limit=2)["data"]
    shop.put("customers", customer(9, created=9), customer(2, created=2) | {"email": "b@example.com"})
    shop.put("customers", {"id": "cus_003", "object": "customer", "deleted": True})
    after = ask(shop.client, "/v1/customers", starting_after=first[-1]["id"])["data"]
    assert [(one["id"], one["email"][0]) for one in after] == [("cus_002", "b"), ("cus_001", "a")]
    assert ask(shop.client, "/v1/customers", limit=1)["data"][0]["id"] == "cus_009"


def test_a_cursor_that_was_deleted_between_pages_is_refused(shop: Shop) -> None:
    shop.put("customers", customer(1, created=1), customer(2, created=2))
    last = ask(shop.client, "/v1/customers", limit=1)["data"][0]["id"]
    shop.put("customers", {"id": last, "object": "customer", "deleted": True})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        ask(shop.client, "/v1/customers", starting_after=last)
    assert (caught.value.http_status, caught.value.param) == (400, "starting_after")


def test_tiers_and_payout_members_keep_to_stripes_rules(shop: Shop) -> None:
    tiers = [{"up_to": None, "unit_amount": 5}]
    shop.put("prices", {"id": "price_1", "object": "price", "created": 1, "tiers": tiers})
    assert "tiers" not in ask(shop.client, "/v1/prices")["data"][0]
    assert ask(shop.client, "/v1/prices", expand=["data.tiers"])["data"][0]["tiers"] == tiers
    entries = [{"id": f"txn_{n}", "object": "balance_transaction", "created": n, "payout": f"po_{n}"} for n in (1, 2)]
    shop.put("balance_transactions", *entries)
    member = ask(shop.client, "/v1/balance_transactions", payout="po_2")["data"]
    assert member == [{"id": "txn_2", "object": "balance_transaction", "created": 2}]


def test_objects_on_a_test_clock_are_hidden_from_plain_lists(shop: Shop) -> None:
    shop.put("customers", customer(1), customer(2) | {"test_clock": "clock_1"})
    assert [one["id"] for one in ask(shop.client, "/v1/customers")["data"]] == ["cus_001"]
    assert [one["id"] for one in ask(shop.client, "/v1/customers", test_clock="clock_1")["data"]] == ["cus_002"]
