"""A hundred thousand malformed lines and requests: the requests (`tests/events/test_malformed_lines.py` has the lines)."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import MappingProxyType
from typing import NamedTuple

import pytest

from pipelines.events import load_landed
from pipelines.events.collect import BODY_LIMIT
from pipelines.events.sources import add_source
from pipelines.gateway.app import create_app
from pipelines.gateway.refusals import REFUSALS
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Warehouse
from tests.events.loading import stored
from tests.gateway.calling import Clock, serving

GOOD, SENDERS = 200, 8
NOW = Clock().now
VIEW = {"type": "track", "userId": "u1", "event": "view", "timestamp": "2026-11-24T10:00:00Z"}

Chance = random.Random


class Sent(NamedTuple):
    """One request to the tracking API."""

    path: str
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def good(identity: str) -> Sent:
    return Sent("/v1/batch", json.dumps({"batch": [{**VIEW, "messageId": identity}]}).encode())


def torn(chance: Chance) -> Sent:
    """A body that is no JSON, or no message and no batch."""
    whole = good("torn").body
    path = chance.choice(["/v1/batch", "/v1/track", "/v1/identify", "/v1/b"])
    body = chance.choice([
        whole[: chance.randrange(len(whole))],
        whole[chance.randrange(1, 12) :],
        whole.replace(b"{", b"", 1),
        whole.replace(b"]", b""),
        whole.replace(b"view", b"\xff\xfe"),
        b"[" * chance.randrange(1, 30_000),
        chance.randbytes(chance.randrange(1, 40)) + b"{",
        *(b"5", b"null", b'"text"', b"[]", b"\x00"),
    ])  # fmt: skip
    return Sent(path, body)


def no_batch(chance: Chance) -> Sent:
    """A batch whose messages are no list."""
    return Sent(
        "/v1/batch", json.dumps(chance.choice([{}, {"batch": {}}, {"batch": 1}, {"batch": None}, VIEW])).encode()
    )


def badly_packed(chance: Chance) -> Sent:
    """Said to be gzip, and cut off or none at all."""
    packed = gzip.compress(good("packed").body)
    body = chance.choice([packed[: chance.randrange(1, len(packed))], good("packed").body, b"\x1f\x8b" + packed, b"?"])
    return Sent("/v1/batch", body, {"Content-Encoding": "gzip"})


def otherwise_packed(chance: Chance) -> Sent:
    return Sent(
        "/v1/batch", good("other").body, {"Content-Encoding": chance.choice(["br", "deflate", "zstd", "gzip, br"])}
    )


def stranger(chance: Chance) -> Sent:
    """A whole message of somebody without a key that is known here."""
    header = chance.choice(
        [{}, basic(f"wk_{chance.randrange(9)}"), {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}]
    )
    return Sent("/v1/batch", good("stranger").body, {"Authorization": "", **header})


def too_large(chance: Chance) -> Sent:
    path, kind = chance.choice([("/v1/track", "track"), ("/v1/page", "page")])
    return Sent(path, good("large").body + b" " * BODY_LIMIT[kind])


def bomb(chance: Chance) -> Sent:
    """Small as it comes, beyond the limit when it is unpacked."""
    return Sent(
        "/v1/batch", gzip.compress(bytes(BODY_LIMIT["batch"] + chance.randrange(1, 9)), 1), {"Content-Encoding": "gzip"}
    )


WAYS: dict[Callable[[Chance], Sent], tuple[int, str]] = {
    torn: (40, "unreadable"), no_batch: (15, "unreadable"), badly_packed: (15, "unreadable"),
    otherwise_packed: (8, "encoding"), stranger: (15, "unauthorized"), too_large: (5, "too_large"), bomb: (2, "too_large"),
}  # fmt: skip
"""How often a request is made bad in each way, and why it is refused."""


def send(port: int, key: str, number: int, bad: int) -> Counter[str]:
    """One sender's requests, `bad` of them among good ones; how often which refusal was to be expected."""
    chance = random.Random(number)
    order = [None] * bad + list(range(GOOD // SENDERS))
    chance.shuffle(order)
    told: Counter[str] = Counter()
    # One connection for all: what is refused leaves it whole for the next.
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for place in order:
            if place is None:
                (way,) = chance.choices(list(WAYS), [often for often, _ in WAYS.values()])
                sent, reason = way(chance), WAYS[way][1]
                expected = REFUSALS[reason].status
                told[reason] += 1
            else:
                sent, expected = good(f"m{number}-{place}"), 200
            connection.request("POST", sent.path, sent.body, {**basic(key), **sent.headers})
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (expected, True), sent
    return told


@pytest.mark.parametrize("bad", [800, pytest.param(5_000, marks=pytest.mark.long)])
def test_each_bad_request_is_refused_once_with_its_reason_and_every_good_one_is_loaded(
    settings: Settings, bad: int
) -> None:
    key = add_source(open_state(settings), "web", now=NOW)
    with serving(create_app(settings, clock=Clock())) as gateway, ThreadPoolExecutor(SENDERS) as pool:
        told = sum(
            pool.map(lambda number: send(gateway.port, key, number, bad // SENDERS), range(SENDERS)), Counter[str]()
        )
        assert gateway.refused("events") == told
        assert gateway.taken("events") == {"accepted": GOOD}
    assert told.total() == bad
    assert told.keys() == {reason for _, reason in WAYS.values()}
    with Warehouse(settings).write("test") as connection:
        summary = load_landed(connection, settings, now=NOW)
    assert (summary.read, summary.loaded, summary.quarantined) == (GOOD, GOOD, 0)
    assert {row["event_id"] for row in stored(settings, "event_id, event_at")} == {
        f"m{number}-{place}" for number in range(SENDERS) for place in range(GOOD // SENDERS)
    }
