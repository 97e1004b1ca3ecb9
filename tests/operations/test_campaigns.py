"""Campaigns by themselves: what is due becomes a run, the run a sender, and shut gates are told in words."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from sqlalchemy import insert, select

from pipelines.campaigns import approve, move, parse_campaign, save, show
from pipelines.campaigns.journeys import begin, follow
from pipelines.cli import invoke
from pipelines.definitions import defs
from pipelines.defs.campaigns.assets import OCCURRENCES
from pipelines.defs.campaigns.checks import campaign_gates
from pipelines.defs.campaigns.jobs import campaigns_due
from pipelines.delivery import at_work, report
from pipelines.mail import mailer_for
from pipelines.operations import campaigns as room
from pipelines.privacy import ConsentRow, import_consents
from pipelines.quality import CheckResult
from pipelines.segments import materialise, parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import audit_log, builds, recipients
from pipelines.warehouse import SnapshotReader, Warehouse
from tests import warm
from tests.campaigns.test_documents import HTML
from tests.operations import sending
from tests.segments.people import person, publish_people
from tests.threads import on_own_thread

PAST_DUE = {"trait": {"field": "subscription_status", "op": "eq", "value": "past_due"}}
DUNNING = {
    "name": "dunning",
    "segment": "payment_failed",
    "trigger": {"on": "segment_entry"},
    "steps": [
        {"name": "first", "wait": "0m", "subject": "1", "html": HTML},
        {"name": "second", "wait": "3d", "subject": "2", "html": HTML},
    ],
}
SIZE = 6


@pytest.fixture
def now() -> datetime:
    """This very moment: a sender that is a process of its own has no other."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", "Mill Lane 1, Ely")
    return Settings()


def people(settings: Settings, now: datetime, *past_due: int) -> None:
    """A run of the pipeline: a snapshot in which these are past due, and who entered the segment."""
    states = [person(n, subscription_status="past_due" if n in past_due else "active") for n in range(1, SIZE + 1)]
    materialise(open_state(settings), publish_people(settings, states, as_of=now), now)


def world(settings: Settings, now: datetime, document: Mapping[str, object]) -> None:
    """Six people who agreed, the first of them past due, and an approved campaign."""
    engine = open_state(settings)
    rows = [ConsentRow(n, f"p{n}@example.com", "form", now - timedelta(days=9)) for n in range(1, SIZE + 1)]
    import_consents(engine, rows, now)
    save_segment(engine, parse_segment(yaml.safe_dump({"name": "payment_failed", "match": PAST_DUE})), now)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), now)
    people(settings, now, 1)
    save(engine, parse_campaign(yaml.safe_dump(dict(document)), settings.data_dir), now, actor="ann")
    approve(engine, settings, str(document["name"]), now, user="ann")


def newest(settings: Settings):
    return SnapshotReader(settings.published_dir).newest()


# --- gates ------------------------------------------------------------------------------------------------


def test_a_built_business_holds_nobody_back_until_its_data_are_old(built_folder: Path) -> None:
    settings = Settings(MILLSTREAM_DATA_DIR=built_folder, MILLSTREAM_CONSENT="customers")
    engine, at = open_state(settings), settings.now()
    assert room.held(settings, engine, at) == []
    facts = room.facts(settings, engine, newest(settings))
    # Two currencies of payouts and balance transactions, all of them explained.
    assert set(facts.unexplained.values()) == {0}
    assert [hold.gate for hold in room.held(settings, engine, at + timedelta(hours=27))] == ["freshness"]
    required = Settings(MILLSTREAM_DATA_DIR=built_folder)
    assert [hold.gate for hold in room.held(required, engine, at)] == ["consent"]


def test_a_failed_build_a_silent_source_and_a_difference_at_stripe_are_found(settings, now):
    world(settings, now, DUNNING)
    engine = open_state(settings)
    assert room.held(settings, engine, now) == []
    with Warehouse(settings).write("test") as connection:
        late = CheckResult("newest_row_is_recent", "raw_events.events", "millstream", "warn", False, 1, "5 days old")
        room_health(connection, [late], now)
    people(settings, now, 1)
    room.note_counted_again(engine, "default", now, 1250, now)
    with writing(engine) as connection:
        row = {"build_id": "a", "started_at": now, "finished_at": now, "outcome": "failed", "reason": "no room"}
        connection.execute(insert(builds).values(**row))
    shut = room.held(settings, engine, now)
    assert [hold.gate for hold in shut] == ["checks", "sources", "reconciliation"]
    assert "raw_events.events: 5 days old." in shut[1].what
    assert "1,250 minor units differed" in shut[2].what
    # Counted again and nothing differs any more; a build of the same moment was published.
    room.note_counted_again(engine, "default", now, 0, now)
    with writing(engine) as connection:
        connection.execute(insert(builds).values(**{**row, "build_id": "b", "outcome": "published", "snapshot": 3}))
    assert [hold.gate for hold in room.held(settings, engine, now)] == ["sources"]


def room_health(connection, results, now):
    from pipelines.operations.health import store_checks

    store_checks(connection, results, now=now, is_whole=True)


def test_by_hand_old_data_are_refused_and_nobody_is_claimed(settings, now, capsys):
    world(settings, now - timedelta(hours=27), {"name": "news", "segment": "everybody", "subject": "Hi", "html": HTML})
    assert invoke(["campaign", "send", "news"]) == 1
    told = capsys.readouterr().err
    assert "campaign news is held back. Snapshot 1 stands for" in told
    assert "`millstream run` brings it up to date" in told
    engine = open_state(settings)
    with reading(engine) as connection:
        assert connection.execute(select(recipients)).all() == []
    assert show(engine, "news")["state"] == "approved"
    people(settings, now)
    assert invoke(["campaign", "send", "news"]) == 0
    assert show(engine, "news")["state"] == "sent"
    # What is frozen needs no gate any more, and neither does what is over.
    people(settings, now - timedelta(days=9))
    assert invoke(["campaign", "send", "news"]) == 0


def test_who_watches_is_told_of_what_would_hold_a_schedule_back(settings, now, capsys):
    world(settings, now, {"name": "news", "segment": "everybody", "subject": "Hi", "html": HTML})
    room.note_counted_again(open_state(settings), "default", now, 1250, now)
    assert invoke(["campaign", "send", "news", "--unattended", "--json"]) == 0
    held = json.loads(capsys.readouterr().out)
    assert [hold["gate"] for hold in held["held_back"]] == ["reconciliation"]
    assert (held["state"], held["audience"]) == ("approved", 0)
    assert invoke(["campaign", "send", "news"]) == 0
    told = capsys.readouterr()
    assert "a schedule would wait: Counted again at Stripe" in told.err
    assert "This call: 6 mails accepted." in told.out


def test_what_is_planned_goes_out_although_a_gate_is_shut(settings, now, capsys):
    world(settings, now - timedelta(hours=2), DUNNING)
    engine = open_state(settings)
    begin(engine, newest(settings), settings, "dunning", now - timedelta(hours=1), actor="ann")
    people(settings, now, 1, 2, 3)
    follow(engine, settings, "dunning", now, lambda: newest(settings))
    people(settings, now - timedelta(hours=27), 1, 2, 3, 4)
    assert invoke(["campaign", "send", "dunning", "--unattended", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["accepted"] == 2
    assert told["state"] == "scheduled"


# --- the job ----------------------------------------------------------------------------------------------


def tick(settings: Settings, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """What the sensor asks for now; its partitions are made, as the daemon would."""
    told = campaigns_due(dg.build_sensor_context(instance=instance), settings=settings)
    assert isinstance(told, dg.SensorResult)
    for request in told.dynamic_partitions_requests or []:
        instance.add_dynamic_partitions(str(OCCURRENCES.name), list(request.partition_keys))
    return list(told.run_requests or [])


def test_an_entry_becomes_a_run_whose_sender_mails_once(settings, now):
    world(settings, now - timedelta(hours=2), DUNNING)
    engine = open_state(settings)
    begin(engine, newest(settings), settings, "dunning", now - timedelta(hours=2), actor="ann")
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(settings, instance) == []
        people(settings, now, 1, 2, 3)
        (asked,) = tick(settings, instance)
        assert asked.partition_key == "dunning|entry"
        # The same thing is asked for once, whoever looks.
        assert [one.run_key for one in tick(settings, instance)] == [asked.run_key]
        job = defs().resolve_job_def("campaigns")

        def run():
            return job.execute_in_process(partition_key="dunning|entry", instance=instance)

        first = on_own_thread(run).asset_materializations_for_node("campaigns__sent")[0].metadata
        assert {key: first[key].value for key in ("audience", "accepted", "open", "duplicates", "missing")} == {
            "audience": 2,
            "accepted": 2,
            "open": 0,
            "duplicates": 0,
            "missing": 0,
        }
        assert (first["state"].value, first["held_back_by"].value) == ("scheduled", "nothing")
        assert "example.com" not in str(first)
        assert tick(settings, instance) == []
    mails = sorted(settings.outbox_dir.rglob("*.eml"))
    assert len(mails) == 2
    assert "This call" not in (settings.logs_dir / "send-dunning.log").read_text()
    with reading(engine) as connection:
        told = connection.execute(select(audit_log.c.details).where(audit_log.c.action == "campaign.advance")).all()
    assert "@" not in str(told)


def test_a_killed_run_leaves_no_sender_and_the_next_one_goes_on(settings, now, tmp_path):
    news = {"name": "news", "segment": "everybody", "subject": "Hi", "html": HTML, "limits": {"per_minute": 120}}
    world(settings, now, news)
    engine = open_state(settings)
    environment = {**os.environ, **settings.environment()}
    run = warm.start(sending.run_of, "news", environment=environment, out=tmp_path / "out", err=tmp_path / "err")
    wait_until(lambda: accepted(engine) >= 1)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    wait_until(lambda: not at_work(settings))
    so_far = accepted(engine)
    assert so_far < SIZE
    time.sleep(0.7)
    assert accepted(engine) == so_far
    assert invoke(["campaign", "send", "news", "--unattended"]) == 0
    found = report(engine, "news", mailer_for(settings))
    assert found["certificate"] == "audience 6 = accepted 6; duplicates 0, missing 0, ambiguous 0"


def accepted(engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(recipients.c.state).where(recipients.c.state == "accepted")).all())


def wait_until(holds) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_gates_are_checks_that_stop_no_pipeline(settings, now):
    world(settings, now - timedelta(hours=27), DUNNING)
    results: Any = list(campaign_gates(settings=settings))  # type: ignore[call-overload]
    assert {result.check_name: result.passed for result in results} == {
        "campaigns_may_go_by_freshness": False,
        "campaigns_may_go_by_checks": True,
        "campaigns_may_go_by_sources": True,
        "campaigns_may_go_by_reconciliation": True,
        "campaigns_may_go_by_consent": True,
    }
    assert {result.severity for result in results} == {dg.AssetCheckSeverity.WARN}


def test_a_paused_campaign_and_one_that_is_being_sent_are_not_asked_for(settings, now):
    world(settings, now - timedelta(hours=2), DUNNING)
    engine = open_state(settings)
    begin(engine, newest(settings), settings, "dunning", now - timedelta(hours=2), actor="ann")
    people(settings, now, 1, 2)
    assert [one.partition for one in room.waiting(settings, engine, now)] == ["dunning|entry"]
    from pipelines.delivery.lock import only_sender

    with only_sender(settings, engine, stopped=lambda: True, waiting=lambda _line: None):
        assert room.waiting(settings, engine, now) == []
    with writing(engine) as connection:
        move(connection, "dunning", "paused", now=now, actor="ann")
    assert room.waiting(settings, engine, now) == []


def test_what_a_campaign_does_by_itself_is_told_for_the_page(settings, now):
    world(settings, now - timedelta(hours=2), DUNNING)
    engine = open_state(settings)
    begin(engine, newest(settings), settings, "dunning", now - timedelta(hours=2), actor="ann")
    people(settings, now, 1, 2)
    follow(engine, settings, "dunning", now, lambda: newest(settings))
    told = room.told_automation(settings, engine, "dunning", now)
    assert told["next_due_at"] == now + timedelta(days=3)
    assert told["journeys"]["waiting_for"] == {"second": 1}
    assert told["held_back"] == []
    assert (told["saved_by"], told["approved_by"]) == ("ann", "ann")
    later = room.told_automation(settings, engine, "dunning", now + timedelta(days=3))
    assert [hold["gate"] for hold in later["held_back"]] == ["freshness"]
