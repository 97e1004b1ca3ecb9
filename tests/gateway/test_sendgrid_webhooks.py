"""SendGrid's deliveries over a real server: what is refused and how, and what they change at once and when loaded."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipelines.delivery import webhook
from pipelines.delivery.applied import apply_events, known_events
from pipelines.delivery.feedback import load_landed
from pipelines.errors import MillstreamError, UsageError
from pipelines.gateway.app import create_app
from pipelines.landing import Journal, Landing
from pipelines.privacy import address_key, lift, may_mail, suppress
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import mail_events, suppressions
from pipelines.warehouse import Warehouse
from tests import warm
from tests.gateway.calling import NOW, Caller, Clock, serving
from tests.gateway.sendgrid import KEY, OTHER_KEY, STRANGER, body_of, deliver, mail_event, public_key, signed
from tests.threads import on_own_thread

TOLERANCE = timedelta(seconds=600)
SECOND = timedelta(seconds=1)
PATH = "/webhooks/sendgrid"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_WEBHOOK_PUBLIC_KEY", f"{public_key(OTHER_KEY)}, {public_key(KEY)}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(_keys: None, settings: Settings, clock: Clock) -> Iterator[Caller]:
    with serving(create_app(Settings(), clock=clock)) as caller:
        yield caller


def landed(settings: Settings) -> list[Any]:
    """Every body in the landing zone."""
    landing = Landing(settings.landing_dir)
    landing.seal_received()
    return [
        json.loads(line)
        for segment in landing.segments("email")
        for line in landing.path(segment).read_bytes().splitlines()
    ]


def applied(settings: Settings) -> list[tuple[Any, ...]]:
    """What the state store holds of events."""
    columns = mail_events.c
    rows = select(columns.event_id, columns.dedupe_key, columns.campaign, columns.occurrence, columns.address_key,
                  columns.event, columns.is_machine, columns.event_at)  # fmt: skip
    with reading(open_state(settings)) as connection:
        return [tuple(row) for row in connection.execute(rows.order_by(columns.event_id))]


def load(settings: Settings) -> list[str]:
    """Load what was landed; the ids of the events in the warehouse, one for each row."""
    with Warehouse(settings).write("a test") as connection:
        load_landed(connection, settings, now=NOW)
        rows = connection.execute("select event_id from raw_email.events order by event_id").fetchall()
    return [str(row[0]) for row in rows]


def refusal_of(settings: Settings, number: int) -> str | None:
    with reading(open_state(settings)) as connection:
        return may_mail(connection, f"p{number}@example.com", policy="customers", pays=True)


# --- refused ----------------------------------------------------------------------------------------------


BROKEN = [
    (None, None), ("", ""), ("not base64!", "{now}"), ("AAAA", "{now}"), ("MEUCIGHQVtGj", "{now}"), ("\xff\xfe", "{now}"),
    ("{right}", None), ("{right}", "soon"), ("{right}", "{now}.0"), ("{right}", "-5"),
]  # fmt: skip
"""Signature and time, where {right} and {now} are those of a body that is taken."""


def test_a_forged_or_broken_signature_is_refused_counted_and_leaves_nothing(
    gateway: Caller, settings: Settings
) -> None:
    body = body_of(mail_event(1))
    right = signed(body)
    for given in BROKEN:
        headers = {
            name: value.replace("{now}", right[webhook.TIMESTAMP]).replace("{right}", right[webhook.SIGNATURE])
            for name, value in zip((webhook.SIGNATURE, webhook.TIMESTAMP), given, strict=True)
            if value is not None
        }
        assert gateway.send(PATH, body, headers).status == 400, given
    assert gateway.refused("sendgrid") == {"signature": len(BROKEN)}
    assert (landed(settings), applied(settings)) == ([], [])


def test_a_changed_body_time_or_key_is_refused(gateway: Caller, settings: Settings) -> None:
    body = body_of(mail_event(1, "spamreport"))
    right = signed(body)
    assert gateway.send(PATH, body.rstrip(), right).status == 400
    later = {**right, webhook.TIMESTAMP: str(int(right[webhook.TIMESTAMP]) + 1)}
    assert gateway.send(PATH, body, later).status == 400
    assert gateway.send(PATH, body, signed(body, key=STRANGER)).status == 400
    assert gateway.refused("sendgrid") == {"signature": 3}
    assert (landed(settings), refusal_of(settings, 1)) == ([], None)
    assert gateway.send(PATH, body, signed(body, key=OTHER_KEY)).status == 200


def test_600_seconds_old_or_ahead_pass_and_601_do_not_and_a_replay_is_a_duplicate_until_then(
    gateway: Caller, settings: Settings, clock: Clock
) -> None:
    assert deliver(gateway, mail_event(1), at=NOW - TOLERANCE).status == 200
    assert deliver(gateway, mail_event(2), at=NOW + TOLERANCE).status == 200
    assert deliver(gateway, mail_event(3), at=NOW - TOLERANCE - SECOND).status == 400
    assert deliver(gateway, mail_event(4), at=NOW + TOLERANCE + SECOND).status == 400
    clock.now = NOW + TOLERANCE
    assert deliver(gateway, mail_event(2), at=NOW).outcome == "duplicate"
    clock.now = NOW + TOLERANCE + SECOND
    assert deliver(gateway, mail_event(2), at=NOW).status == 400
    assert gateway.refused("sendgrid") == {"expired": 2, "future": 1}
    assert gateway.taken("sendgrid") == {"accepted": 2, "duplicate": 1}
    assert len(landed(settings)) == len(applied(settings)) == 2


def test_a_body_that_is_too_large_is_413(gateway: Caller, settings: Settings) -> None:
    body = body_of(mail_event(1, padding="x" * webhook.LIMIT))
    assert gateway.send(PATH, body, signed(body)).status == 413
    assert gateway.refused("sendgrid") == {"too_large": 1}
    assert landed(settings) == []


def test_signed_and_no_events_is_refused(gateway: Caller, settings: Settings) -> None:
    bodies = (b"", b"[]", b"{", b'"event"', b"[1, null]", b"nonsense")
    for body in bodies:
        assert gateway.send(PATH, body, signed(body)).status == 400, body
    assert gateway.refused("sendgrid") == {"malformed": len(bodies)}
    assert landed(settings) == []


def test_without_a_key_it_says_which_setting_is_missing_and_a_wrong_key_starts_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDGRID_WEBHOOK_PUBLIC_KEY")
    with serving(create_app(Settings(), clock=Clock())) as gateway:
        answer = deliver(gateway, mail_event(1))
    assert (answer.status, "SENDGRID_WEBHOOK_PUBLIC_KEY" in answer.text) == (503, True)
    for wrong in ("nonsense", "AAAA", public_key()[:-8]):
        monkeypatch.setenv("SENDGRID_WEBHOOK_PUBLIC_KEY", wrong)
        with pytest.raises(UsageError, match="SENDGRID_WEBHOOK_PUBLIC_KEY"):
            create_app(Settings())


# --- taken ------------------------------------------------------------------------------------------------


def test_what_it_tells_holds_at_once_and_the_load_finds_the_same(gateway: Caller, settings: Settings) -> None:
    events = [
        mail_event(1, "bounce", type="bounce"), mail_event(2, "bounce", type="blocked"), mail_event(3, "spamreport"),
        mail_event(4, "unsubscribe"), mail_event(5, "group_unsubscribe", asm_group_id=7), mail_event(6, "open"),
        mail_event(7, "dropped", reason="Bounced Address"), mail_event(8, "click", url="https://shop.example/x"),
    ]  # fmt: skip
    assert deliver(gateway, *events).outcome == "accepted"
    refused = [number for number in range(1, 9) if refusal_of(settings, number) == "suppressed"]
    assert refused == [1, 3, 4, 5, 7]
    rows = applied(settings)
    assert len(rows) == 8
    first = next(row for row in rows if row[0] == "event-bounce-1")
    key = address_key("p1@example.com")
    assert first == ("event-bounce-1", f"{1:064x}", "win-back", "once", key, "bounce", False, NOW - 60 * SECOND)
    # A refusal that passes says nothing of the address, and is no bounce to whoever counts them.
    assert [row[5] for row in rows if row[0] == "event-bounce-2"] == ["blocked"]
    assert load(settings) == [row[0] for row in rows]
    assert applied(settings) == rows


def test_the_load_alone_gives_the_same_rows_as_the_gateway(settings: Settings, tmp_path: Path, gateway: Caller) -> None:
    events = [mail_event(n, kind) for n, kind in enumerate(("bounce", "open", "unsubscribe", "group_unsubscribe"))]
    deliver(gateway, *events, mail_event(9, "open", useragent="Barracuda Sentinel"))
    other = Settings(MILLSTREAM_DATA_DIR=tmp_path / "other", MILLSTREAM_SECRET_KEY="secret")
    landing = Landing(other.landing_dir)
    lines = [json.dumps(body).encode() for body in landed(settings)]
    landing.add_lines(lines, source="email", name="copy", options={}, now=NOW)
    load(other)
    assert applied(other) == applied(settings)
    assert [refusal_of(other, number) for number in range(5)] == [refusal_of(settings, number) for number in range(5)]


def test_bad_events_are_set_aside_with_their_reason_and_the_good_ones_beside_them_are_kept(
    gateway: Caller, settings: Settings
) -> None:
    bad = [
        7, {}, mail_event(2, sg_event_id=None), mail_event(3, timestamp="soon"), mail_event(4, "e" * 41),
        mail_event(5, sg_event_id="a\u0000b"), mail_event(6, sg_event_id="x" * 201),
    ]  # fmt: skip
    assert deliver(gateway, bad[0], mail_event(1, "bounce"), *bad[1:]).outcome == "accepted"
    counts = gateway.counts()
    told = {
        name: value for name, value in counts.items() if name.startswith('messages_set_aside_total{source="sendgrid"')
    }
    assert (counts['messages_total{source="sendgrid"}'], sum(told.values())) == (1, 7)
    assert [row[0] for row in applied(settings)] == load(settings) == ["event-bounce-1"]
    (file,) = (settings.quarantine_dir / "email").iterdir()
    assert len(file.read_text().splitlines()) == 7
    assert deliver(gateway, mail_event(1, "bounce")).outcome == "duplicate"


def test_an_event_without_a_usable_address_or_key_is_kept_and_refuses_nobody(
    gateway: Caller, settings: Settings
) -> None:
    strange = mail_event(1, "bounce", email="<me@example.com>", dk="not a key", cid="c" * 101, occ=5)
    assert deliver(gateway, strange).outcome == "accepted"
    (row,) = applied(settings)
    assert row[1:6] == (None, None, None, None, "bounce")
    with reading(open_state(settings)) as connection:
        assert connection.execute(select(suppressions)).first() is None


def test_whoever_was_taken_off_the_list_stays_off_it_when_an_event_comes_again(
    gateway: Caller, settings: Settings
) -> None:
    deliver(gateway, mail_event(1, "bounce"))
    with writing(open_state(settings)) as connection:
        assert lift(connection, address_key("p1@example.com"), actor="ann", now=NOW) == 1
    assert deliver(gateway, mail_event(1, "bounce"), mail_event(2)).outcome == "accepted"
    load(settings)
    assert refusal_of(settings, 1) is None


def test_many_at_once_in_disorder_and_twice_are_each_applied_once(gateway: Caller, settings: Settings) -> None:
    bodies = [[mail_event(number), mail_event(number, "open")] for number in range(40)] * 2
    random.Random(7).shuffle(bodies)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda events: deliver(gateway, *events), bodies))
    assert {answer.status for answer in answers} == {200}
    assert gateway.taken("sendgrid") == {"accepted": 40, "duplicate": 40}
    assert len(applied(settings)) == len(load(settings)) == 80


def test_a_restart_knows_what_was_applied_before_it(settings: Settings) -> None:
    for expected in ("accepted", "duplicate"):
        with serving(create_app(Settings(), clock=Clock())) as gateway:
            assert deliver(gateway, mail_event(1)).outcome == expected


def test_no_body_whatever_breaks_it(gateway: Caller, settings: Settings) -> None:
    chance = random.Random(11)
    values: list[object] = [
        None, True, -1, 2**70, 1.5, "", "x" * 500, "\u0000", "ann@example.com", [], [[]], {}, {"a": [None]}, "\U0001f4a9",
    ]  # fmt: skip
    statuses = set()
    for number in range(150):
        event = mail_event(number, chance.choice(["bounce", "click", "unsubscribe", "group_resubscribe", "new"]))
        for name in chance.sample([*event, "type", "reason", "url", "asm_group_id", "useragent"], 4):
            event[name] = chance.choice(values)
        body = body_of(event, chance.choice(values))
        if number % 3 == 0:
            body = bytes(chance.choices(body, k=len(body))) if number % 2 else body[: chance.randrange(len(body))]
        statuses.add(gateway.send(PATH, body, signed(body)).status)
    assert statuses == {200, 400}
    kept = [row[0] for row in applied(settings)]
    assert sorted(set(kept)) == load(settings)


# --- the store or the process fails --------------------------------------------------------------------------


def test_while_the_state_store_does_not_answer_it_takes_deliveries_and_the_load_applies_them(
    settings: Settings,
) -> None:
    async def deliver_without_a_store() -> str:
        async def gone(*_: object) -> set[str]:
            raise ConnectionError("no store")

        async def hangs(*_: object) -> None:
            await asyncio.sleep(60)

        journal = Journal(settings.landing_dir)
        inbox = webhook.Inbox(journal, [KEY.public_key()], known=gone, apply=hangs, patience=0.05)
        body = body_of(mail_event(1, "bounce"))
        headers = signed(body)
        outcome, _ = await inbox.take(body, headers[webhook.SIGNATURE], headers[webhook.TIMESTAMP], now=NOW)
        journal.close()
        return outcome

    assert on_own_thread(asyncio.run, deliver_without_a_store()) == "accepted"
    assert refusal_of(settings, 1) is None
    load(settings)
    assert refusal_of(settings, 1) == "suppressed"
    assert [row[0] for row in applied(settings)] == ["event-bounce-1"]


def take_one(fault: str, folder: str) -> None:
    """Take one delivery in a process that may end at `fault`."""
    os.environ["MILLSTREAM_FAULT"] = fault
    settings = Settings(MILLSTREAM_DATA_DIR=folder)
    engine = open_state(settings)

    async def take() -> None:
        async def known(ids: Any) -> set[str]:
            return known_events(engine, ids)

        async def apply(events: Any, now: Any) -> int:
            return apply_events(engine, events, now=now)

        journal = Journal(settings.landing_dir)
        inbox = webhook.Inbox(journal, [KEY.public_key()], known=known, apply=apply)
        body = body_of(mail_event(1, "bounce"), mail_event(2))
        headers = signed(body)
        await inbox.take(body, headers[webhook.SIGNATURE], headers[webhook.TIMESTAMP], now=NOW)
        journal.close()

    asyncio.run(take())


@pytest.mark.parametrize(
    ("fault", "is_landed", "is_applied"),
    [
        ("journal.before_write:1", False, False),
        ("feedback.after_landing:1", True, False),
        ("feedback.before_commit:1", True, False),
        ("feedback.after_commit:1", True, True),
    ],
)
def test_killed_anywhere_the_second_delivery_and_the_load_make_it_whole(
    settings: Settings, fault: str, is_landed: bool, is_applied: bool
) -> None:
    open_state(settings)
    process = warm.FORKS.Process(target=take_one, args=(fault, str(settings.data_dir)))
    process.start()
    process.join(60)
    assert process.exitcode == 137
    assert (refusal_of(settings, 1) == "suppressed", len(applied(settings))) == (is_applied, 2 * is_applied)
    assert bool(landed(settings)) == is_landed
    # Nobody was told that it arrived, so it is delivered again.
    with serving(create_app(Settings(), clock=Clock())) as gateway:
        assert deliver(gateway, mail_event(1, "bounce"), mail_event(2)).outcome == (
            "duplicate" if is_applied else "accepted"
        )
    assert refusal_of(settings, 1) == "suppressed"
    assert load(settings) == [row[0] for row in applied(settings)] == ["event-bounce-1", "event-delivered-2"]


def test_a_suppression_of_another_secret_is_not_mistaken_for_nobodys(settings: Settings) -> None:
    with writing(open_state(settings)) as connection:
        suppress(connection, address_key("p1@example.com"), reason="bounce", source="test", now=NOW)
    other = Settings(MILLSTREAM_SECRET_KEY="another")
    with pytest.raises(MillstreamError, match="secret"):
        refusal_of(other, 1)
    assert refusal_of(settings, 1) == "suppressed"
