"""Stripe's deliveries over a real server: what is refused and how, and what is in the warehouse after a load."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import stripe

from pipelines.defs.serving.jobs import received
from pipelines.delivery.feedback import prepare_email
from pipelines.events import prepare_events
from pipelines.gateway.app import create_app
from pipelines.landing import Journal, Landing
from pipelines.landing.manifest import manifest_lock
from pipelines.operations import left_over
from pipelines.operations.health import store_loads
from pipelines.rates import prepare_rates
from pipelines.settings import Settings
from pipelines.stripe import load_landed, webhooks
from pipelines.stripe.delivered import newest_keys
from pipelines.stripe.webhooks import Inbox
from pipelines.warehouse import Warehouse, publish
from tests.gateway.calling import NOW, SECRET, Caller, Clock, event, pretty, serving, signature, thin
from tests.threads import on_own_thread

TOLERANCE = timedelta(seconds=300)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", f"{SECRET}, whsec_second")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(_secrets: None, settings: Settings, clock: Clock) -> Iterator[Caller]:
    with serving(create_app(Settings(), clock=clock)) as caller:
        yield caller


def landed(settings: Settings) -> list[dict[str, Any]]:
    """Every delivery in the landing zone."""
    landing = Landing(settings.landing_dir)
    landing.seal_received()
    return [
        json.loads(line)
        for segment in landing.segments("stripe")
        for line in landing.path(segment).read_bytes().splitlines()
    ]


def loaded(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """Load what was landed and ask the warehouse."""
    with Warehouse(settings).write("a test") as connection:
        load_landed(connection, settings, now=NOW)
        return connection.execute(query).fetchall()


# --- refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=,v1=",
        "v1=" + "0" * 64,
        f"t={int(NOW.timestamp())}",
        f"t={int(NOW.timestamp())},v1=" + "0" * 64,
        f"t={int(NOW.timestamp())},v1=\xff\xfe",
        f"t=-5,t={int(NOW.timestamp())},v1=" + "0" * 64,
        "t=1e9,v1=" + "0" * 64,
    ],
    ids=str,
)
def test_a_forged_signature_is_refused_counted_and_leaves_nothing(
    gateway: Caller, settings: Settings, header: str | None
) -> None:
    answer = gateway.post(pretty(event(1)), {} if header is None else {"Stripe-Signature": header})
    assert answer.status == 400
    assert "signature" in answer.text
    assert gateway.refused() == {"signature": 1}
    assert landed(settings) == []


def test_a_forged_body_secret_or_scheme_is_refused(gateway: Caller, settings: Settings) -> None:
    body = pretty(event(1))
    right = signature(body, SECRET, NOW)
    assert gateway.post(body + b" ", {"Stripe-Signature": right}).status == 400
    assert gateway.deliver(event(1), secret="whsec_other").status == 400
    assert gateway.post(body, {"Stripe-Signature": right.replace("v1=", "v0=")}).status == 400
    moved = right.replace(str(int(NOW.timestamp())), str(int(NOW.timestamp()) + 1))
    assert gateway.post(body, {"Stripe-Signature": moved}).status == 400
    assert gateway.refused() == {"signature": 4}
    assert landed(settings) == []


def test_300_seconds_old_or_ahead_pass_and_301_do_not(gateway: Caller, settings: Settings) -> None:
    assert gateway.deliver(event(1), at=NOW - TOLERANCE).status == 200
    assert gateway.deliver(event(2), at=NOW + TOLERANCE).status == 200
    assert gateway.deliver(event(3), at=NOW - TOLERANCE - SECOND).status == 400
    assert gateway.deliver(event(4), at=NOW + TOLERANCE + SECOND).status == 400
    assert gateway.refused() == {"expired": 1, "future": 1}
    assert [one["id"] for one in landed(settings)] == ["evt_000001", "evt_000002"]


def test_a_replay_is_a_duplicate_within_the_tolerance_and_refused_after_it(
    gateway: Caller, settings: Settings, clock: Clock
) -> None:
    body = pretty(event(1))
    headers = {"Stripe-Signature": signature(body, SECRET, NOW)}
    assert gateway.post(body, headers).outcome == "accepted"
    clock.now = NOW + TOLERANCE
    assert gateway.post(body, headers).outcome == "duplicate"
    clock.now = NOW + TOLERANCE + SECOND
    assert gateway.post(body, headers).status == 400
    assert (gateway.taken(), gateway.refused()) == ({"accepted": 1, "duplicate": 1}, {"expired": 1})
    assert len(landed(settings)) == 1


def test_a_body_that_is_too_large_is_413_with_and_without_its_length(gateway: Caller, settings: Settings) -> None:
    most = webhooks.LIMIT
    body = pretty(event(1, padding="x" * most))
    headers = {"Stripe-Signature": signature(body, SECRET, NOW)}
    assert gateway.post(body, headers).status == 413
    assert gateway.post((body[at : at + 50_000] for at in range(0, len(body), 50_000)), headers).status == 413
    assert gateway.refused() == {"too_large": 2}
    padding = most - len(pretty(event(1, padding="")))
    assert gateway.deliver(event(1, padding="x" * padding)).status == 200
    assert len(landed(settings)) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'"evt_1"', b'{"object": "event"}', b'{"id": "ch_1", "object": "charge"}'], ids=str
)
def test_signed_and_no_event_is_refused(gateway: Caller, settings: Settings, body: bytes) -> None:
    assert gateway.post(body, {"Stripe-Signature": signature(body, SECRET, NOW)}).status == 400
    assert gateway.refused() == {"malformed": 1}
    assert landed(settings) == []


def test_without_a_secret_nothing_is_believed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", " , ")
    with serving(create_app(Settings(), clock=Clock())) as gateway:
        answer = gateway.deliver(event(1), secret="")
        assert answer.status == 503
        assert "STRIPE_WEBHOOK_SECRET" in answer.text
        assert gateway.refused() == {"no_secret": 1}
    assert landed(settings) == []


def test_an_overload_is_429_and_tells_when_to_come_again(settings: Settings) -> None:
    journal = Journal(settings.landing_dir, waiting=100)
    with serving(create_app(Settings(), journal=journal, clock=Clock())) as gateway:
        answer = gateway.deliver(event(1))
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert gateway.refused() == {"overloaded": 1}
        assert gateway.get("/healthz").status == 200
    journal.close()
    assert landed(settings) == []


# --- taken ------------------------------------------------------------------------------------------------


def test_either_secret_fits_while_one_is_rolled(gateway: Caller) -> None:
    assert gateway.deliver(event(1), secret="whsec_second").status == 200
    body = pretty(event(2))
    old = signature(body, "whsec_gone", NOW)
    new = signature(body, SECRET, NOW).partition(",")[2]
    assert gateway.post(body, {"Stripe-Signature": f"{old},{new}"}).status == 200
    assert gateway.taken() == {"accepted": 2}


def test_a_delivery_is_landed_as_it_came_and_loaded_as_an_event(gateway: Caller, settings: Settings) -> None:
    assert gateway.deliver(event(1)).outcome == "accepted"
    assert landed(settings) == [event(1)]
    rows = loaded(settings, "select id, account, livemode, source, payload ->> '$.data.object.name' "
                            "from raw_stripe.events")  # fmt: skip
    assert rows == [("evt_000001", "default", False, "webhook", "Zoë\n1")]
    assert loaded(settings, "select id, source from raw_stripe.customers") == [("cus_1", "event")]


def test_accounts_and_modes_are_kept_apart(gateway: Caller, settings: Settings) -> None:
    gateway.deliver(event(1))
    gateway.deliver(event(2, livemode=True))
    gateway.deliver(event(3, account="acct_connected"))
    gateway.deliver(thin(4, context="acct_platform/acct_connected", livemode=True))
    landed(settings)
    segments = Landing(settings.landing_dir).segments("stripe")
    assert {(one.input_name, one.options["source"]) for one in segments} == {("webhook", "webhook")}
    assert {(one.options["account"], one.options["mode"]) for one in segments} == {
        ("default", "test"), ("default", "live"), ("acct_connected", "test"), ("acct_connected", "live"),
    }  # fmt: skip
    rows = loaded(settings, "select id, account, livemode from raw_stripe.events order by id")
    assert rows == [
        ("evt_000001", "default", False),
        ("evt_000002", "default", True),
        ("evt_000003", "acct_connected", False),
    ]


def test_a_thin_event_is_kept_whole(gateway: Caller, settings: Settings) -> None:
    body = pretty(thin(1))
    with pytest.raises(ValueError, match="thin event"):
        stripe.Webhook.construct_event(body, signature(body, SECRET, datetime.now(NOW.tzinfo)), SECRET)
    assert gateway.deliver(thin(1)).outcome == "accepted"
    assert landed(settings) == [thin(1)]
    rows = loaded(settings, "select id, object, payload ->> '$.related_object.id' from raw_stripe.object_versions")
    assert rows == [("evt_thin_000001", "v2.core.event", "acct_1")]


def test_duplicates_and_disorder_change_nothing(gateway: Caller, settings: Settings) -> None:
    order = [5, 1, 4, 1, 3, 2, 5, 5, 2]
    outcomes = [gateway.deliver(event(number)).outcome for number in order]
    assert outcomes.count("accepted") == 5
    assert gateway.taken() == {"accepted": 5, "duplicate": 4}
    assert loaded(settings, "select count(*), count(distinct id) from raw_stripe.events") == [(5, 5)]
    # cus_N is told of by event N alone.
    assert loaded(settings, "select id, payload ->> '$.name' from raw_stripe.customers order by id") == [
        (f"cus_{number}", f"Zoë\n{number}") for number in range(1, 6)
    ]


def test_a_duplicate_is_answered_only_once_the_first_is_safe() -> None:
    class Waiting:
        """A journal whose disk takes as long as the test wants."""

        def __init__(self) -> None:
            self.asked: list[Future[None]] = []
            self.has_asked = threading.Event()

        def append(self, label: bytes, lines: bytes, *, now: datetime) -> Future[None]:
            self.asked.append(Future())
            self.has_asked.set()
            return self.asked[-1]

    journal = Waiting()
    inbox = Inbox(journal, [SECRET.encode()])
    body = pretty(event(1))
    header = signature(body, SECRET, NOW)

    async def both(*, is_full: bool) -> list[str | BaseException]:
        tasks = [asyncio.create_task(inbox.take(body, header, now=NOW)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
        if is_full:
            journal.asked[-1].set_exception(OSError("full"))
        else:
            journal.asked[-1].set_result(None)
        return await asyncio.gather(*tasks, return_exceptions=True)

    first = on_own_thread(asyncio.run, both(is_full=True))
    assert [type(one) for one in first] == [OSError, OSError]
    # What was not kept is not known: the next delivery is taken.
    assert sorted(map(str, on_own_thread(asyncio.run, both(is_full=False)))) == ["accepted", "duplicate"]
    assert len(journal.asked) == 2


def test_many_at_once_are_each_taken_once(gateway: Caller, settings: Settings) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: gateway.deliver(event(number % 100)), range(300)))
    assert {answer.status for answer in answers} == {200}
    assert gateway.taken() == {"accepted": 100, "duplicate": 200}
    assert sorted(one["id"] for one in landed(settings)) == [f"evt_{number:06d}" for number in range(100)]


def test_a_restart_knows_what_came_before_it_sealed_or_not(settings: Settings) -> None:
    for number, expected in ((1, [1]), (2, [1, 2])):
        with serving(create_app(Settings(), clock=Clock())) as gateway:
            outcomes = [gateway.deliver(event(one)).outcome for one in range(1, number + 1)]
        assert outcomes == ["duplicate"] * (number - 1) + ["accepted"]
        assert [one["id"] for one in landed(settings)] == [f"evt_{one:06d}" for one in expected]
    assert newest_keys(Landing(settings.landing_dir), limit=1) == [("default", "test", "evt_000002")]


def test_only_the_newest_ids_are_held_and_an_old_duplicate_is_harmless(settings: Settings) -> None:
    journal = Journal(settings.landing_dir)
    inbox = Inbox(journal, [SECRET.encode()], known=3)

    async def deliver(number: int) -> str:
        body = pretty(event(number))
        return await inbox.take(body, signature(body, SECRET, NOW), now=NOW)

    async def all_of_them() -> list[str]:
        return [await deliver(number) for number in (1, 2, 3, 4, 4, 2, 1)]

    outcomes = on_own_thread(asyncio.run, all_of_them())
    journal.close()
    assert outcomes == ["accepted"] * 4 + ["duplicate", "duplicate", "accepted"]
    assert len(landed(settings)) == 5
    assert loaded(settings, "select count(*), count(distinct id) from raw_stripe.events") == [(4, 4)]


def test_it_receives_while_another_holds_the_warehouse_and_the_manifest(gateway: Caller, settings: Settings) -> None:
    settings.landing_dir.mkdir(parents=True, exist_ok=True)
    with (
        Warehouse(settings).write("a long run"),
        manifest_lock(settings.landing_dir / "manifest.jsonl"),
    ):
        assert gateway.deliver(event(1)).outcome == "accepted"
    assert len(landed(settings)) == 1


def test_a_run_is_asked_for_once_when_something_was_received(gateway: Caller, settings: Settings) -> None:
    def asked() -> list[str | None]:
        result = received(settings=settings)
        assert isinstance(result, dg.SensorResult)
        return [request.run_key for request in result.run_requests or []]

    assert asked() == []
    gateway.deliver(event(1))
    first = asked()
    gateway.deliver(event(2))
    assert first == asked() != []
    assert len(landed(settings)) == 2
    assert asked() == [], "nothing was published yet, so nobody knows what is left over"
    gateway.deliver(event(3))
    assert asked() not in ([], first)


def test_what_another_sealed_and_nobody_published_is_asked_for_after_some_minutes(
    gateway: Caller, settings: Settings
) -> None:
    def left(minutes: int) -> str | None:
        return left_over(settings, now=NOW + timedelta(minutes=minutes))

    def publish_all() -> None:
        with Warehouse(settings).write("a test") as connection:
            prepare_events(connection, settings)
            load_landed(connection, settings, now=NOW)
            prepare_email(connection)
            prepare_rates(connection)
            store_loads(connection)
            publish(connection, settings, as_of=NOW, now=NOW)

    publish_all()
    gateway.deliver(event(1))
    assert left(10) is None, "it waits unsealed: the sensor sees that by itself"
    landed(settings)
    assert left(4) is None
    assert left(6) is not None
    publish_all()
    assert left(6) is None


def test_health_metrics_and_methods(gateway: Caller) -> None:
    assert (gateway.get("/healthz").status, gateway.get("/readyz").status) == (200, 200)
    assert gateway.get("/webhooks/stripe").status == 405
    assert gateway.get("/nothing").status == 404
    told = gateway.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE millstream_deliveries_total counter" in told.text
    assert gateway.counts()["disk_free_bytes"] > 0
