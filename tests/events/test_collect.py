"""Bodies of the tracking API: what the server adds to a message, and what it says of a bad one."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.events import load_landed
from pipelines.events.body import TooLargeBodyError, UnreadableBodyError, read_body, unpack
from pipelines.events.collect import BATCH, Collected, collect
from pipelines.events.problems import MESSAGE_LIMIT
from pipelines.landing import Journal
from pipelines.landing.records import read_label
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse
from tests.events.loading import stored

CAME = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATE = timedelta(milliseconds=250)
VIEW = {"type": "track", "userId": "u1", "event": "view", "messageId": "m1", "timestamp": "2026-11-24T10:00:00Z"}


def said(body: object, kind: str = BATCH, *, source: str = "web", at: datetime = CAME) -> Collected:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return collect(read_body(raw), kind, source=source, received_at=at)


def batch(*messages: object, **more: object) -> Collected:
    return said({"batch": list(messages), **more})


def lines(collected: Collected) -> list[Any]:
    """The good messages as they are landed."""
    return [
        json.loads(line)
        for label, text in collected.records
        if "refused" not in read_label(label).options
        for line in text.splitlines()
    ]


def aside(collected: Collected) -> list[tuple[str, Any]]:
    """The bad messages as they are landed, each with its reason."""
    return [
        (read_label(label).options["refused"], json.loads(line))
        for label, text in collected.records
        if "refused" in read_label(label).options
        for line in text.splitlines()
    ]


# --- times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["2026-11-24T11:00:00Z", "2026-11-24T13:00:00+02:00", "2026-11-24T11:00:00"])
def test_a_clock_that_is_an_hour_slow_is_corrected_and_its_time_kept(sent: str) -> None:
    (line,) = lines(batch(VIEW, sentAt=sent))
    assert line["timestamp"] == "2026-11-24T11:00:00+00:00"
    assert line["originalTimestamp"] == VIEW["timestamp"]
    assert (line["sentAt"], line["receivedAt"]) == (sent, "2026-11-24T12:00:00.000000+00:00")


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2080, 1, 1)),  # noqa: DTZ001 (a clock that is wrong)
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.timedeltas(timedelta(0), timedelta(minutes=5)),
)
def test_a_wrong_clock_tells_how_long_ago_it_was(clock: datetime, ago: timedelta, on_its_way: timedelta) -> None:
    # Whatever its clock says, a sender knows how long it waited before it sent.
    sent = clock.replace(tzinfo=UTC)
    (line,) = lines(batch({**VIEW, "timestamp": (sent - ago).isoformat()}, sentAt=sent.isoformat()))
    assert datetime.fromisoformat(line["timestamp"]) == CAME - ago


def test_without_sent_at_a_time_is_believed_and_without_a_time_it_happened_when_it_came() -> None:
    assert lines(batch(VIEW))[0]["timestamp"] == VIEW["timestamp"]
    for nothing in ({}, {"timestamp": None}, {"timestamp": ""}):
        (line,) = lines(said({"userId": "u1", "event": "view", **nothing}, "track"))
        assert line["timestamp"] == line["receivedAt"] == "2026-11-24T12:00:00.000000+00:00"


def test_a_message_tells_its_own_times_as_rudderstack_does() -> None:
    message = {**VIEW, "originalTimestamp": "2026-11-24T10:00:00Z", "sentAt": "2026-11-24T11:59:59.750Z"}
    del message["timestamp"]
    (line,) = lines(said(message, "track"))
    assert line["timestamp"] == "2026-11-24T10:00:00.250000+00:00"


def test_a_message_with_both_times_was_corrected_before() -> None:
    message = {**VIEW, "originalTimestamp": "2020-01-01T00:00:00Z"}
    (line,) = lines(batch(message, sentAt="2026-11-24T11:00:00Z"))
    assert (line["timestamp"], line["originalTimestamp"]) == (VIEW["timestamp"], "2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "told", ["yesterday", 1_700_000_000, {"a": 1}, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_that_can_not_be_moved_stays_as_it_came(told: object) -> None:
    for sent in ("2026-11-24T11:00:00Z", "2026-11-24T13:00:00Z", "soon"):
        (line,) = lines(batch({**VIEW, "timestamp": told}, sentAt=sent))
        assert line["originalTimestamp"] == told
        assert isinstance(line["timestamp"], type(told))


# --- what else is added -----------------------------------------------------------------------------------


def test_a_message_says_what_it_said_and_where_it_came_from() -> None:
    told = {
        **VIEW,
        "type": "TRACK",
        "properties": {"n": 10**30, "small": 0.1, "text": "Zoë\n\u2028", "nested": {"a": [None, True]}},
        "context": {"ip": "192.0.2.1"},
        "receivedAt": "1999-01-01T00:00:00Z",
        "writeKey": "secret",
        "integrations": {"All": False},
    }
    (line,) = lines(batch(told, context={"app": {"name": "shop"}, "ip": "overridden"}))
    assert line["properties"] == told["properties"]
    assert line["context"] == {"app": {"name": "shop"}, "ip": "192.0.2.1", "millstream": {"source": "web"}}
    assert (line["type"], line["integrations"]) == ("track", {"All": False})
    assert line["receivedAt"].startswith("2026-11-24T12")
    assert "writeKey" not in line


@pytest.mark.parametrize("kind", ["track", "identify", "page", "screen", "group", "alias"])
def test_a_path_of_one_message_says_what_kind_it_is(kind: str) -> None:
    message = {"userId": "u1", "event": "view", "groupId": "g", "previousId": "a", "type": "other", "writeKey": "k"}
    (line,) = lines(said(message, kind))
    assert line["type"] == kind
    assert "writeKey" not in line


def test_a_message_without_an_id_is_known_again_by_its_content() -> None:
    without = {name: value for name, value in VIEW.items() if name != "messageId"}
    ids = [line["messageId"] for line in lines(batch(without, without, {**without, "event": "other"}))]
    assert len(set(ids)) == 3
    later = said({"batch": [without], "sentAt": "2026-11-24T13:00:00Z"}, at=CAME + LATE)
    retried = said({**dict(reversed(without.items())), "writeKey": "k", "sentAt": "2026-11-24T13:00:01Z"}, "track")
    assert [lines(one)[0]["messageId"] for one in (later, retried)] == [ids[0], ids[0]]
    assert lines(said({"batch": [without]}, source="app"))[0]["messageId"] not in ids


def test_without_an_id_and_a_time_it_counts_each_time_it_comes() -> None:
    nothing = {"userId": "u1", "event": "view"}
    ids = {lines(said(nothing, "track", at=CAME + n * LATE))[0]["messageId"] for n in range(3)}
    assert len(ids) == 3


# --- bad messages -----------------------------------------------------------------------------------------

NOBODY = "nobody: neither a user nor an anonymous id"
BAD: list[tuple[object, str, str]] = [
    (None, "no_object", "no JSON object"),
    (5, "no_object", "no JSON object"),
    ([VIEW], "no_object", "no JSON object"),
    ("track", "no_object", "no JSON object"),
    ({"userId": "u", "event": "e"}, "type", "a type that is none of track, identify, page, screen, group, alias"),
    ({**VIEW, "type": "click"}, "type", "a type that is none of track, identify, page, screen, group, alias"),
    ({**VIEW, "type": ["track"]}, "type", "a type that is none of track, identify, page, screen, group, alias"),
    ({**VIEW, "userId": {"id": 1}}, "value", "userId is no text"),
    ({**VIEW, "userId": True}, "value", "userId is no text"),
    ({**VIEW, "userId": None, "user": {"id": 1}}, "value", "user is no text"),
    ({**VIEW, "messageId": []}, "value", "messageId is no text"),
    ({**VIEW, "event": {"name": "e"}}, "value", "event is no text"),
    ({**VIEW, "properties": [1]}, "value", "properties is no JSON object"),
    ({**VIEW, "context": "web"}, "value", "context is no JSON object"),
    ({**VIEW, "type": "identify", "traits": 5}, "value", "traits is no JSON object"),
    ({**VIEW, "type": "page", "name": {}}, "value", "name is no text"),
    ({**VIEW, "userId": ""}, "nobody", NOBODY),
    ({**VIEW, "userId": None, "anonymousId": None}, "nobody", NOBODY),
    ({**VIEW, "event": ""}, "no_event", "no event name"),
    ({**VIEW, "event": None}, "no_event", "no event name"),
    ({**VIEW, "type": "group"}, "no_group", "a group call without groupId"),
    ({**VIEW, "type": "alias"}, "no_previous", "an alias call without previousId"),
    ({**VIEW, "properties": {"x": "y" * MESSAGE_LIMIT}}, "too_large", "larger than 32,768 bytes"),
]


@pytest.mark.parametrize(("bad", "reason", "words"), BAD, ids=[f"{words} {n}" for n, (_, _, words) in enumerate(BAD)])
def test_a_bad_message_costs_only_itself_and_is_kept_with_its_reason(bad: object, reason: str, words: str) -> None:
    collected = batch(VIEW, bad, {**VIEW, "messageId": "m2"})
    assert [line["messageId"] for line in lines(collected)] == ["m1", "m2"]
    assert collected.accepted == 2
    assert [(place, problem.reason) for place, problem in collected.set_aside] == [(1, reason)]
    assert aside(collected) == [(words, bad)]


def test_a_message_may_be_as_large_as_the_limit_whatever_we_add() -> None:
    frame = len(json.dumps({**VIEW, "properties": {"x": ""}}, separators=(",", ":")))
    full = {**VIEW, "properties": {"x": "y" * (MESSAGE_LIMIT - frame)}}
    assert batch(full, sentAt="2026-11-24T11:00:00Z").accepted == 1
    full["event"] = "view!"
    assert batch(full).accepted == 0


def test_a_key_is_never_kept() -> None:
    bad = batch({"writeKey": "secret", "type": "?"}, writeKey="secret")
    good = batch({**VIEW, "writeKey": "secret"}, writeKey="secret")
    assert all(b"secret" not in text for one in (bad, good) for _, text in one.records)


# --- bodies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", BATCH), (b"[]", BATCH), (b"5", "track"), (b"{", "track"), (b"{}", BATCH), (b'{"batch": {}}', BATCH),
        (b'{"batch": [\xff]}', BATCH), (b'{"userId": "\xff"}', "track"), (b'"' + b"[" * 5000, "track"),
        (b"[" * 100_000, BATCH), (b'{"a":' * 90_000, "track"),
        (b'{"userId":"u","event":"e","properties":{"x":' + b"[" * 500 + b"]" * 500 + b"}}", "track"),
        (b'{"userId":"u","event":"e","x":' + b"9" * 5000 + b"}", "track"),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_body_that_holds_no_messages_is_refused_whole(body: bytes, kind: str) -> None:
    with pytest.raises(UnreadableBodyError):
        said(body, kind)


def test_what_real_clients_send_and_strict_readers_refuse_is_taken() -> None:
    text = (
        '{"batch": [{"type": "track", "userId": "u", "event": "cut \\ud83d", "properties": '
        '{"nan": NaN, "far": [Infinity, -Infinity, 1e999], "emoji": "\\ud83d\\ude00", "id": 123456789012345678901}}]}'
    )
    (line,) = lines(said(text.encode()))
    assert line["event"] == "cut \N{REPLACEMENT CHARACTER}"
    assert line["properties"] == {"nan": None, "far": [None] * 3, "emoji": "😀", "id": 123456789012345678901}


def test_an_empty_batch_is_fine_and_leaves_nothing() -> None:
    assert batch() == Collected()


def test_gzip_is_unpacked_up_to_the_limit_and_no_further() -> None:
    body = b"x" * 1000
    assert unpack(gzip.compress(body), 1000) == body
    assert unpack(gzip.compress(body[:500]) + gzip.compress(body[500:]), 1000) == body
    bomb = gzip.compress(bytes(50_000_000), 1)
    for packed, limit in ((gzip.compress(body), 999), (bomb, 512_000), (gzip.compress(body) * 2, 1000)):
        with pytest.raises(TooLargeBodyError):
            unpack(packed, limit)
    for broken in (gzip.compress(body)[:-9], b"\x1f\x8b" + b"?" * 20, body, gzip.compress(body) + b"?"):
        with pytest.raises(UnreadableBodyError):
            unpack(broken, 2000)


# --- everything at once -----------------------------------------------------------------------------------


def land(settings: Settings, collected: list[Collected]) -> None:
    journal = Journal(settings.landing_dir, waiting=1 << 30)
    done = [journal.append(label, text, now=CAME) for one in collected for label, text in one.records]
    journal.close()
    for each in done:
        each.result()


def in_quarantine(settings: Settings) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted((settings.quarantine_dir / "events").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


def test_of_100_000_messages_no_good_one_is_lost_and_each_bad_one_is_counted_once(settings: Settings) -> None:
    chance = random.Random(6)
    bad = [(json.dumps(message), words) for message, _, words in BAD if words != BAD[-1][2]]
    told: Counter[str] = Counter()
    accepted: set[str] = set()
    to_load: list[Collected] = []
    for number in range(1000):
        texts, good, reasons = [], [], Counter[str]()
        for place in range(100):
            if chance.random() < 0.3:
                text, words = chance.choice(bad)
                reasons[words] += 1
            else:
                good.append(name := f"{number}-{place}")
                text = f'{{"type":"track","messageId":"{name}","anonymousId":"a{place}","event":"e{number % 9}"}}'
            texts.append(text)
        # The slow way of reading must say the same.
        odd = '"far": 1e999, ' if number % 10 == 0 else ""
        one = said(f'{{{odd}"batch": [{",".join(texts)}]}}'.encode())
        assert Counter(problem.words for _, problem in one.set_aside) == reasons
        assert [line["messageId"] for line in lines(one)] == good
        if number % 5 == 0:
            to_load.append(one)
            accepted.update(good)
            told += reasons
    land(settings, to_load)
    with Warehouse(settings).write("test") as connection:
        summary = load_landed(connection, settings, now=CAME)
    assert (summary.read, summary.loaded, summary.quarantined) == (20_000, len(accepted), told.total())
    assert {row["event_id"] for row in stored(settings, "event_id, event_at")} == accepted
    kept = in_quarantine(settings)
    assert Counter(row["reason"] for row in kept) == told
    assert {row["file"] for row in kept} == {"source web"}


def test_whatever_is_done_to_a_body_it_is_refused_or_all_of_it_is_kept(settings: Settings) -> None:
    chance = random.Random(7)
    message = {**VIEW, "properties": {"price": 1.5, "tags": ["a", "ü", None]}, "context": {"page": {"url": "/"}}}
    texts = [
        json.dumps({"batch": [message, {**message, "messageId": "m2"}], "sentAt": "2026-11-24T11:00:00Z"}),
        json.dumps({**message, "writeKey": "k"}),
        json.dumps(
            {"batch": [{**message, "type": kind, "groupId": "g", "previousId": "p"} for kind in ("alias", "group")]}
        ),
    ]
    pieces = [
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"\x00",
        b"\xff",
        b"\\ud800",
        b"1e999",
        b"\n",
        b"NaN",
        b"9" * 25,
    ]
    taken: list[Collected] = []
    refused = 0
    for _ in range(20_000):
        body = bytearray(chance.choice(texts).encode())
        for _ in range(chance.choice((1, 1, 2, 5))):
            place = chance.randrange(len(body))
            body[place : place + chance.choice((0, 0, 1, 3, 30))] = chance.choice(pieces)
        try:
            document = read_body(bytes(body)).document
            kind = BATCH if "batch" in document else "track"
            one = said(bytes(body), kind)
        except UnreadableBodyError:
            refused += 1
            continue
        assert one.accepted + len(one.set_aside) == (len(document["batch"]) if kind == BATCH else 1)
        assert len(lines(one)) == one.accepted
        assert len(aside(one)) == len(one.set_aside)
        taken.append(one)
    assert len(taken) > 1000 < refused
    land(settings, taken)
    with Warehouse(settings).write("test") as connection:
        summary = load_landed(connection, settings, now=CAME)
    came = sum(one.accepted + len(one.set_aside) for one in taken)
    assert came == summary.read == summary.loaded + summary.duplicates + summary.unchanged + summary.quarantined
    assert len(in_quarantine(settings)) == summary.quarantined


def test_a_refused_line_keeps_its_reason_when_everything_is_loaded_again(settings: Settings, tmp_path: Path) -> None:
    land(settings, [batch(VIEW, {**VIEW, "userId": ""}, {**VIEW, "type": "?"}, VIEW)])
    again = Settings(MILLSTREAM_DATA_DIR=tmp_path / "again")
    for folder in (settings, again):
        if folder is again:
            shutil.copytree(settings.landing_dir, again.landing_dir)
        with Warehouse(folder).write("test") as connection:
            summary = load_landed(connection, folder, now=CAME)
        assert (summary.read, summary.loaded, summary.duplicates, summary.quarantined) == (4, 1, 1, 2)
        told = {words for _, reason, words in BAD if reason in ("nobody", "type")}
        assert {row["reason"] for row in in_quarantine(folder)} == told
