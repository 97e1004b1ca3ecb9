"""Events over the tracking API and a real server: who may send, what is refused, and what is in the warehouse."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.events import load_landed
from pipelines.events.collect import BODY_LIMIT
from pipelines.events.sources import WriteKey, add_source, key_hash, rotate_key
from pipelines.gateway.app import create_app
from pipelines.gateway.keys import KeyRing, UnknownKeyError, UnreadableKeysError
from pipelines.landing import Journal, Landing
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Warehouse
from tests.events.loading import stored
from tests.gateway.calling import Caller, Clock, serving
from tests.threads import on_own_thread

NOW = Clock().now
VIEW = {"userId": "u1", "event": "view", "messageId": "m1", "timestamp": "2026-11-24T10:00:00Z"}
KINDS = ("track", "identify", "page", "screen", "group", "alias")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key(settings: Settings) -> str:
    return add_source(open_state(settings), "web", now=NOW)


@pytest.fixture
def gateway(settings: Settings, clock: Clock) -> Iterator[Caller]:
    with serving(create_app(settings, clock=clock)) as caller:
        yield caller


def landed(settings: Settings) -> list[dict[str, Any]]:
    landing = Landing(settings.landing_dir)
    landing.seal_received()
    return [
        json.loads(line)
        for segment in landing.segments("events")
        for line in landing.path(segment).read_bytes().splitlines()
    ]


def loaded(settings: Settings) -> list[dict[str, object]]:
    with Warehouse(settings).write("test") as connection:
        load_landed(connection, settings, now=NOW)
    return stored(settings, "event_id, type, event, event_at")


def batch(*numbers: int) -> dict[str, object]:
    return {"batch": [{**VIEW, "type": "track", "messageId": f"m{number}"} for number in numbers]}


# --- taken ------------------------------------------------------------------------------------------------


def test_every_call_of_the_api_is_an_event_in_the_warehouse(gateway: Caller, settings: Settings, key: str) -> None:
    for kind in KINDS:
        message = {**VIEW, "messageId": kind, "name": "Home", "groupId": "g1", "previousId": "a1"}
        answer = gateway.send(f"/v1/{kind}", message, key=key)
        assert (answer.status, answer.text) == (200, '{"success":true}')
    assert gateway.send("/v1/batch", batch(1, 2, 1), key=key).status == 200
    rows = {row["event_id"]: (row["type"], row["event"]) for row in loaded(settings)}
    assert rows == {
        "track": ("track", "view"), "identify": ("identify", "identify"), "page": ("page", "Home"),
        "screen": ("screen", "Home"), "group": ("group", "group"), "alias": ("alias", "alias"),
        "m1": ("track", "view"), "m2": ("track", "view"),
    }  # fmt: skip
    assert gateway.taken("events") == {"accepted": 7}
    assert gateway.counts()['messages_total{source="web"}'] == 9
    (segment,) = Landing(settings.landing_dir).segments("events")
    assert (segment.input_name, segment.options["source"]) == ("source web", "web")


def test_the_browsers_client_calls_the_same_by_one_letter(gateway: Caller, settings: Settings, key: str) -> None:
    for letter in "tipsga":
        message = {**VIEW, "messageId": letter, "groupId": "g", "previousId": "a", "writeKey": key}
        assert gateway.send(f"/v1/{letter}", message, {"Content-Type": "text/plain"}).status == 200
    assert gateway.send("/v1/b", {**batch(1), "writeKey": key}, {"Content-Type": "text/plain"}).status == 200
    assert {row["event_id"] for row in loaded(settings)} == {*"tipsga", "m1"}
    assert all("writeKey" not in message for message in landed(settings))


def test_received_at_is_the_servers_and_a_slow_clock_is_corrected(
    gateway: Caller, settings: Settings, key: str
) -> None:
    gateway.send("/v1/batch", {**batch(1), "sentAt": "2026-11-24T11:00:00Z"}, key=key)
    (message,) = landed(settings)
    assert datetime.fromisoformat(message["receivedAt"]) == NOW
    assert datetime.fromisoformat(message["timestamp"]) == NOW - timedelta(hours=1)
    assert [row["event_at"] for row in loaded(settings)] == [(NOW - timedelta(hours=1)).replace(tzinfo=None)]


def test_gzip_is_taken_and_a_bomb_is_not(gateway: Caller, settings: Settings, key: str) -> None:
    packed = {"Content-Encoding": "gzip"}
    assert gateway.send("/v1/batch", gzip.compress(json.dumps(batch(1)).encode()), packed, key=key).status == 200
    assert gateway.send("/v1/batch", gzip.compress(bytes(30_000_000)), packed, key=key).status == 413
    assert gateway.send("/v1/batch", b"no gzip", packed, key=key).status == 400
    assert gateway.send("/v1/batch", batch(2), {"Content-Encoding": "br"}, key=key).status == 415
    assert gateway.refused("events") == {"too_large": 1, "unreadable": 1, "encoding": 1}
    assert [message["messageId"] for message in landed(settings)] == ["m1"]


def test_a_bad_message_in_a_good_batch_is_told_and_set_aside(gateway: Caller, settings: Settings, key: str) -> None:
    body = {"batch": [{**VIEW, "type": "track"}, {**VIEW, "type": "track", "userId": ""}, 5]}
    answer = gateway.send("/v1/batch", body, key=key)
    assert (answer.status, json.loads(answer.text)) == (200, {
        "success": True,
        "set_aside": 2,
        "reasons": [
            {"index": 1, "reason": "nobody: neither a user nor an anonymous id"},
            {"index": 2, "reason": "no JSON object"},
        ],
    })  # fmt: skip
    counts = gateway.counts()
    assert counts['messages_total{source="web"}'] == 1
    assert counts['messages_set_aside_total{source="web",reason="nobody"}'] == 1
    assert counts['messages_set_aside_total{source="web",reason="no_object"}'] == 1
    assert [row["event_id"] for row in loaded(settings)] == ["m1"]
    kept = [json.loads(path.read_text()) for path in (settings.quarantine_dir / "events").iterdir()]
    assert sorted((row["file"], row["line"], row["reason"]) for row in kept) == [
        ("source web", 1, "no JSON object"), ("source web", 1, "nobody: neither a user nor an anonymous id"),
    ]  # fmt: skip


# --- refused ----------------------------------------------------------------------------------------------


def test_an_unknown_key_is_refused_and_leaves_nothing(gateway: Caller, settings: Settings, key: str) -> None:
    for given, body in ((None, batch(1)), ("wk_other", batch(1)), (None, {**batch(1), "writeKey": "wk_other"})):
        answer = gateway.send("/v1/batch", body, key=given)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, "*")
        assert "www-authenticate" not in answer.headers  # A browser would ask its user for a password.
    for header in ("Basic", "Basic !", "Basic " + base64.b64encode(b"\xff:").decode(), f"Bearer {key}"):
        assert gateway.send("/v1/batch", batch(1), {"Authorization": header}).status == 401
    assert gateway.refused("events") == {"unauthorized": 7}
    assert gateway.send("/v1/batch", {**batch(1), "writeKey": key}, {"Authorization": "Bearer x"}).status == 200
    assert [message["messageId"] for message in landed(settings)] == ["m1"]


def test_a_key_works_from_the_moment_it_is_made_and_an_old_one_until_it_ends(
    gateway: Caller, settings: Settings, clock: Clock
) -> None:
    engine = open_state(settings)
    assert gateway.send("/v1/batch", batch(1), key="wk_early").status == 401
    first = add_source(engine, "app", now=NOW)
    assert gateway.send("/v1/batch", batch(1), key=first).status == 200
    second = rotate_key(engine, "app", overlap=timedelta(hours=1), now=NOW)
    for key in (second, first):
        assert gateway.send("/v1/batch", batch(2), key=key).status == 200
    clock.now += timedelta(hours=1)
    assert [gateway.send("/v1/batch", batch(3), key=key).status for key in (first, second)] == [401, 200]


def test_a_body_that_is_too_large_is_413_at_the_limit_of_its_path(
    gateway: Caller, settings: Settings, key: str
) -> None:
    for path, kind in (("/v1/track", "track"), ("/v1/batch", "batch")):
        body = json.dumps({**batch(1), **VIEW, "messageId": kind}).encode()
        full = body + b" " * (BODY_LIMIT[kind] - len(body))
        assert gateway.send(path, full + b" ", key=key).status == 413
        assert gateway.send(path, full, key=key).status == 200
    assert gateway.refused("events") == {"too_large": 2}
    assert {message["messageId"] for message in landed(settings)} == {"track", "m1"}


def test_an_overload_is_429_and_nothing_is_acknowledged(settings: Settings, key: str) -> None:
    journal = Journal(settings.landing_dir, waiting=2000)
    with serving(create_app(settings, journal=journal)) as gateway:
        answer = gateway.send("/v1/batch", batch(*range(50)), key=key)
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert gateway.send("/v1/batch", batch(1), key=key).status == 200
        assert gateway.refused("events") == {"overloaded": 1}
    journal.close()
    assert [message["messageId"] for message in landed(settings)] == ["m1"]


def test_a_store_that_can_not_be_read_is_503_for_unknown_keys(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "state.sqlite").mkdir()
    with serving(create_app(settings)) as gateway:
        answer = gateway.send("/v1/batch", batch(1), key="wk_any")
        assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert gateway.refused("events") == {"no_keys": 1}
        assert gateway.get("/healthz").status == 200


def test_a_browser_may_send_from_any_site(gateway: Caller, key: str) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = gateway.ask_first("/v1/batch", {**asked, "Access-Control-Request-Headers": "authorization,anonymousid"})
    assert answer.status == 204
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization,anonymousid",
        "access-control-max-age": "86400",
    }
    odd = gateway.ask_first("/v1/t", {**asked, "Access-Control-Request-Headers": "a" * 600})
    assert odd.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert gateway.send("/v1/batch", batch(1), asked, key=key).headers["access-control-allow-origin"] == "*"
    assert gateway.send("/v1/batch", b"{", asked, key=key).headers["access-control-allow-origin"] == "*"
    assert gateway.get("/v1/batch").status == 405
    assert gateway.send("/v1/nothing", batch(1), key=key).status == 404


# --- keys -------------------------------------------------------------------------------------------------


class Store:
    """Keys that a test may change, and that may be out of reach."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.is_broken = False
        self.free = threading.Event()
        self.free.set()

    def __call__(self) -> list[WriteKey]:
        self.asked += 1
        assert self.free.wait(5)
        if self.is_broken:
            raise OSError("the store is gone")
        return [WriteKey(key_hash(key), f"of {key}", key[-4:], NOW, None) for key in self.keys]


def test_unknown_keys_ask_the_store_only_now_and_then() -> None:
    async def ask() -> None:
        store = Store("a")
        ring = KeyRing(store, pause=0.05)
        asked = [ring.source_of(key, now=NOW) for key in "abcdefgh" * 5]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [one for one in found if not isinstance(one, UnknownKeyError)] == ["of a"] * 5
        assert store.asked == 1
        store.keys.append("b")
        assert await ring.source_of("b", now=NOW) == "of b"
        assert store.asked == 2

    on_own_thread(asyncio.run, ask())


def test_known_keys_stay_known_while_the_store_is_gone_and_cost_no_waiting() -> None:
    async def ask() -> None:
        store = Store("a")
        time = [0.0]
        ring = KeyRing(store, pause=0, clock=lambda: time[0])
        assert await ring.source_of("a", now=NOW) == "of a"
        store.is_broken = True
        time[0] = 6.0
        assert await ring.source_of("a", now=NOW) == "of a"
        with pytest.raises(UnreadableKeysError):
            await ring.source_of("b", now=NOW)
        store.is_broken = False
        store.keys = ["b"]
        store.free.clear()
        # It is known while it is asked anew whether it still is.
        assert await ring.source_of("a", now=NOW) == "of a"
        store.free.set()
        assert await ring.source_of("b", now=NOW) == "of b"
        with pytest.raises(UnknownKeyError):
            await ring.source_of("a", now=NOW)

    on_own_thread(asyncio.run, ask())


def test_a_key_that_has_ended_is_unknown() -> None:
    async def ask() -> None:
        ended = WriteKey(key_hash("a"), "web", "a", NOW, NOW)
        with pytest.raises(UnknownKeyError):
            await KeyRing(lambda: [ended]).source_of("a", now=datetime.now(UTC))

    on_own_thread(asyncio.run, ask())
