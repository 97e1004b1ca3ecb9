"""Stripe over HTTP through the SDK: everything once, what changed later, whatever the network does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.demo.knobs import Knobs
from pipelines.demo.stripe_server import serving
from pipelines.errors import MillstreamError
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, sync
from pipelines.stripe.catalogue import KINDS
from pipelines.stripe.client import Answer
from pipelines.stripe.limiter import Limiter
from pipelines.warehouse import Warehouse

NOW = datetime(2026, 11, 24, tzinfo=UTC)
Json = dict[str, Any]


class Shop:
    """A Stripe account under the test's hand, and the product's own way to sync it."""

    def __init__(self, folder: Path, settings: Settings, knobs: Knobs) -> None:
        self.folder, self.settings, self.knobs = folder, settings, knobs

    def put(self, kind: str, *objects: Json) -> None:
        with (self.folder / f"{kind}.jsonl").open("ab") as file:
            file.writelines(orjson.dumps(thing) + b"\n" for thing in objects)

    def sync(self, at: datetime = NOW, *, full: bool = False) -> LoadSummary:
        return sync(self.settings, StripeApi(self.settings, sleep=lambda seconds: None), full=full, now=at)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with Warehouse(self.settings).write("test") as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def shop(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    folder = tmp_path / "stripe"
    folder.mkdir()
    knobs = Knobs()
    with serving(folder, knobs=knobs) as url:
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_shop")
        monkeypatch.setenv("STRIPE_API_BASE", url)
        yield Shop(folder, Settings(), knobs)


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def customer(number: int, *, at: datetime = NOW - timedelta(days=9), **more: object) -> Json:
    return {
        "id": f"cus_{number:04d}",
        "object": "customer",
        "created": seconds(at),
        "livemode": False,
        **more,
    }


def changed(thing: Json, kind: str, *, at: datetime, number: int = 1) -> Json:
    return {
        "id": f"evt_{number:04d}_{seconds(at)}",
        "object": "event",
        "type": kind,
        "created": seconds(at),
        "livemode": False,
        "data": {"object": thing},
    }


def test_every_object_arrives_once_over_many_pages(shop: Shop) -> None:
    shop.put("customers", *(customer(number) for number in range(345)))
    assert shop.sync().by_object == {"customer": 345}
    assert shop.rows("select count(*), count(distinct id) from raw_stripe.customers") == [(345, 345)]


def test_the_raw_json_is_kept_word_by_word(shop: Shop) -> None:
    odd = customer(1, name='Zoë \n "quoted" ☕', metadata={"b": "2", "a": "1"}, balance=-5, future_field=[1.50, None])
    shop.put("customers", odd)
    shop.sync()
    ((payload,),) = shop.rows("select payload from raw_stripe.customers")
    assert orjson.loads(payload) == odd
    assert list(orjson.loads(payload)["metadata"]) == ["b", "a"]


def test_a_second_sync_without_a_change_loads_nothing(shop: Shop) -> None:
    shop.put("customers", customer(1))
    shop.sync()
    again = shop.sync(NOW + timedelta(minutes=5))
    assert again.loaded == 0


def test_a_change_told_by_an_event_is_fetched_again_and_not_taken_from_the_event(shop: Shop) -> None:
    shop.put("customers", customer(1, name="old"))
    shop.sync()
    at = NOW + timedelta(minutes=5)
    shop.put("customers", customer(1, name="newest"))
    shop.put("events", changed(customer(1, name="in the event"), "customer.updated", at=at))
    shop.sync(at + timedelta(minutes=1))
    assert shop.rows("select json_extract_string(payload, '/name') from raw_stripe.customers") == [("newest",)]
    assert shop.rows("select count(*) from raw_stripe.object_versions where object = 'customer'") == [(3,)]


def test_an_object_that_is_gone_keeps_its_last_payload_and_a_mark(shop: Shop) -> None:
    shop.put("customers", customer(1, name="Ann"))
    shop.sync()
    at = NOW + timedelta(minutes=5)
    shop.put("customers", {"id": "cus_0001", "object": "customer", "deleted": True})
    shop.put("events", changed(customer(1, name="Ann"), "customer.deleted", at=at))
    shop.sync(at + timedelta(minutes=1))
    assert shop.rows("select is_deleted, json_extract_string(payload, '/name') from raw_stripe.customers") == [
        (True, "Ann")
    ]


def test_lines_beyond_an_invoices_first_ten_are_followed(shop: Shop) -> None:
    lines = [{"id": f"il_{number}", "object": "line_item", "invoice": "in_1", "amount": number} for number in range(25)]
    shop.put("invoice_lines", *lines)
    first = {"object": "list", "data": lines[:10], "has_more": True, "url": "/v1/invoices/in_1/lines"}
    shop.put(
        "invoices",
        {
            "id": "in_1",
            "object": "invoice",
            "created": seconds(NOW - timedelta(days=1)),
            "lines": first,
            "discounts": [],
        },
    )
    shop.sync()
    assert shop.rows("select parent_id, count(*), count(distinct id) from raw_stripe.invoice_lines group by 1") == [
        ("in_1", 25, 25)
    ]


@pytest.mark.parametrize("left", [11, 10, 3])
def test_a_line_past_the_tenth_that_leaves_a_draft_leaves_the_table(shop: Shop, left: int) -> None:
    """Whether the draft still has more lines than it shows, or shows all that are left."""
    lines = [{"id": f"il_{number:02}", "object": "line_item", "invoice": "in_1"} for number in range(13)]

    def draft(count: int) -> Json:
        first = {"object": "list", "data": lines[: min(count, 10)], "has_more": count > 10}
        made = seconds(NOW - timedelta(days=1))
        return {"id": "in_1", "object": "invoice", "created": made, "status": "draft", "lines": first, "discounts": []}

    held = "select id from raw_stripe.invoice_lines order by id"
    shop.put("invoice_lines", *lines)
    shop.put("invoices", draft(13))
    shop.sync()
    assert shop.rows(held) == [(line["id"],) for line in lines]
    at = NOW + timedelta(minutes=5)
    (shop.folder / "invoice_lines.jsonl").write_bytes(b"")
    shop.put("invoice_lines", *lines[:left])
    shop.put("invoices", draft(left))
    shop.put("events", changed(draft(left), "invoice.updated", at=at))
    shop.sync(at + timedelta(minutes=1))
    assert shop.rows(held) == [(line["id"],) for line in lines[:left]]
    # It is put back.
    shop.put("invoice_lines", *lines[left:])
    shop.put("invoices", draft(13))
    shop.put("events", changed(draft(13), "invoice.updated", at=at + timedelta(minutes=2)))
    shop.sync(at + timedelta(minutes=3))
    assert shop.rows(held) == [(line["id"],) for line in lines]


def test_lines_beyond_a_credit_notes_first_ten_are_followed(shop: Shop) -> None:
    """They do not say whose they are: the address of their list does."""
    lines = [{"id": f"cnli_{number}", "object": "credit_note_line_item", "amount": number} for number in range(25)]
    for note in ("cn_1", "cn_2"):
        shop.put(
            "credit_note_lines", *({**line, "id": f"{line['id']}{note[-1]}", "credit_note": note} for line in lines)
        )
        inside = [{**line, "id": f"{line['id']}{note[-1]}"} for line in lines[:10]]
        first = {"object": "list", "data": inside, "has_more": True, "url": f"/v1/credit_notes/{note}/lines"}
        made = seconds(NOW - timedelta(days=1))
        shop.put("credit_notes", {"id": note, "object": "credit_note", "created": made, "lines": first})
    shop.sync()
    sql = "select parent_id, count(*), count(distinct id) from raw_stripe.credit_note_lines group by 1 order by 1"
    assert shop.rows(sql) == [("cn_1", 25, 25), ("cn_2", 25, 25)]
    payloads = (
        "select count(*) from raw_stripe.credit_note_lines where json_extract_string(payload, '/credit_note') is null"
    )
    assert shop.rows(payloads) == [(50,)]


def with_items(count: int, *, of: int) -> Json:
    """A subscription of `of` items of which the first `count` lie inside."""
    made = seconds(NOW - timedelta(days=9))
    items = [item(number) for number in range(count)]
    inside = {
        "object": "list",
        "data": items,
        "has_more": of > count,
        "url": "/v1/subscription_items?subscription=sub_1",
    }
    return {
        "id": "sub_1",
        "object": "subscription",
        "created": made,
        "status": "active",
        "discounts": [],
        "items": inside,
    }


def item(number: int, **more: object) -> Json:
    return {"id": f"si_{number:02}", "object": "subscription_item", "subscription": "sub_1", "discounts": [], **more}


def test_items_beyond_a_subscriptions_first_ten_are_followed_and_marked_when_they_go(shop: Shop) -> None:
    shop.put("subscription_items", *(item(number) for number in range(10, 13)))
    shop.put("subscriptions", with_items(10, of=13))
    shop.sync()
    sql = (
        "select id, bool_or(is_deleted) from raw_stripe.object_versions where object = 'subscription_item' "
        "group by id order by id"
    )
    assert shop.rows(sql) == [(f"si_{number:02}", False) for number in range(13)]
    # Nothing tells that an item left but a list without it.
    at = NOW + timedelta(minutes=5)
    (shop.folder / "subscription_items.jsonl").write_bytes(b"")
    shop.put("subscription_items", item(10), item(12, quantity=2))
    shop.put("events", changed(with_items(10, of=12), "customer.subscription.updated", at=at))
    shop.sync(at + timedelta(minutes=1))
    assert [name for name, is_deleted in shop.rows(sql) if is_deleted] == ["si_11"]
    shop.sync(at + timedelta(minutes=2), full=True)
    assert shop.rows("select count(*) from raw_stripe.object_versions where id = 'si_11'") == [(2,)]
    # It comes back.
    shop.put("subscription_items", item(11))
    shop.sync(at + timedelta(minutes=3), full=True)
    newest = "select is_deleted from raw_stripe.object_versions where id = 'si_11' order by version_at desc limit 1"
    assert shop.rows(newest) == [(False,)]


def test_every_kind_of_the_catalogue_is_asked_for_and_answered(shop: Shop) -> None:
    made = {kind.name: {"id": f"x_{kind.table}", "object": kind.name, "created": seconds(NOW)} for kind in KINDS}
    expandable: Json = {"discounts": [], "items": {"object": "list", "data": [], "has_more": False}}
    for kind in KINDS:
        lines = {"lines": {"object": "list", "data": [], "has_more": False}} if kind.children else {}
        shop.put(
            kind.path.removeprefix("/v1/").replace("/", "_"),
            made[kind.name] | expandable | lines | {"date": seconds(NOW)},
        )
    assert shop.sync().by_object == dict.fromkeys(made, 1)
    for kind in KINDS:
        assert shop.rows(f"select id from raw_stripe.{kind.table}") == [(f"x_{kind.table}",)]


@pytest.mark.parametrize("knob", ["rate_limit_every", "error_every", "drop_every"])
def test_refusals_and_broken_connections_lose_nothing(shop: Shop, knob: str) -> None:
    shop.put("customers", *(customer(number) for number in range(250)))
    setattr(shop.knobs, knob, 3)
    assert shop.sync().by_object == {"customer": 250}


def test_stripe_down_is_said_and_the_next_sync_heals(shop: Shop) -> None:
    shop.put("customers", customer(1))
    shop.knobs.down = True
    with pytest.raises(MillstreamError, match="Stripe did not answer after"):
        shop.sync()
    shop.knobs.down = False
    assert shop.sync().loaded == 1


def test_a_wrong_key_is_named_by_its_end_only(shop: Shop) -> None:
    shop.knobs.api_key = "sk_test_the_right_one"
    with pytest.raises(MillstreamError, match=r"…shop \(401\)") as told:
        shop.sync()
    assert "sk_test_shop" not in str(told.value)


def test_without_a_key_the_way_out_is_told(settings: Settings) -> None:
    with pytest.raises(MillstreamError, match="STRIPE_API_KEY"):
        StripeApi(settings)


def test_a_cursor_older_than_stripes_memory_lists_everything_again(shop: Shop) -> None:
    shop.put("customers", customer(1))
    shop.sync()
    shop.put("customers", customer(2, at=NOW + timedelta(days=1)))
    assert shop.sync(NOW + timedelta(days=40)).by_object == {"customer": 1}


def test_a_sync_that_dies_before_its_end_is_made_good_by_the_next(shop: Shop) -> None:
    shop.put("customers", *(customer(number) for number in range(150)))
    shop.put("products", {"id": "prod_1", "object": "product", "created": 1_500_000_000})
    shop.knobs.api_key = None
    api = StripeApi(shop.settings, sleep=lambda seconds: None)
    asked = api.get

    def dies(path: str, **parameters: object) -> Answer | None:
        if path == "/v1/prices":
            raise KeyboardInterrupt
        return asked(path, **parameters)

    api.get = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        sync(shop.settings, api, now=NOW)
    summary = shop.sync()
    assert shop.rows("select count(*) from raw_stripe.customers") == [(150,)]
    assert summary.quarantined == 0


def test_the_limiter_keeps_to_twenty_a_second_and_lets_our_own_servers_run() -> None:
    clock = [0.0]
    waited: list[float] = []

    def sleep(pause: float) -> None:
        waited.append(pause)
        clock[0] += pause

    went: list[float] = []
    strict = Limiter(live=True, base=None, clock=lambda: clock[0], sleep=sleep)
    for _ in range(120):
        with strict.request("charges"):
            went.append(clock[0])
    # A fifth of a second's worth may go at once, the rest at twenty a second: never above Stripe's 25.
    assert 5.7 < clock[0] < 5.9
    assert max(sum(at <= other < at + 1 for other in went) for at in went) <= 25
    free = Limiter(live=False, base="http://127.0.0.1:1", clock=lambda: clock[0], sleep=sleep)
    before = clock[0]
    for _ in range(1000):
        with free.request("charges"):
            pass
    assert clock[0] - before < 0.01


def test_a_list_that_shows_nothing_new_adds_no_version(shop: Shop) -> None:
    shop.put("customers", customer(1))
    for day in range(3):
        shop.sync(NOW + timedelta(days=day), full=True)
    assert shop.rows("select count(*) from raw_stripe.object_versions") == [(1,)]


@pytest.mark.parametrize(
    "answer",
    [None, b"{}", b"[]", b'{"object":"list","data":[],"has_more":true}', b'{"data":[{"id":"cus_1"}],"has_more":true}'],
    ids=["404", "no list", "an array", "more of nothing", "the same again and again"],
)
def test_a_list_that_is_none_or_never_ends_is_no_empty_list(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    """Taken for empty, it would let the cursor pass over a whole history."""
    shop.put("customers", customer(1))
    with monkeypatch.context() as broken:
        parsed = None if answer is None else Answer(answer, orjson.loads(answer))
        broken.setattr(StripeApi, "get", lambda *_, **__: parsed)
        with pytest.raises(MillstreamError, match="the next run asks again"):
            shop.sync()
    assert shop.sync().by_object == {"customer": 1}


def test_an_id_with_signs_of_its_own_is_asked_for_as_it_is(shop: Shop) -> None:
    shop.put("coupons", {"id": "SUMMER#1/A", "object": "coupon", "created": seconds(NOW), "name": "old"})
    shop.sync()
    at = NOW + timedelta(minutes=5)
    asked: list[str] = []
    api = StripeApi(shop.settings, sleep=lambda pause: None)
    get = api.get

    def watched(path: str, **parameters: object) -> Answer | None:
        asked.append(path)
        return get(path, **parameters)

    api.get = watched  # type: ignore[method-assign]
    shop.put("events", changed({"id": "SUMMER#1/A", "object": "coupon"}, "coupon.updated", at=at))
    sync(shop.settings, api, now=at + timedelta(minutes=1))
    assert "/v1/coupons/SUMMER%231%2FA" in asked
