"""The doctor names what is wrong with its remedy, and changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from pipelines.campaigns import parse_campaign, save
from pipelines.cli import invoke
from pipelines.landing import Landing
from pipelines.operations import installation
from pipelines.operations.doctor import examine
from pipelines.operations.installation import configuration, deliveries, disk
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import builds, campaigns

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DOCUMENT = '{"name": "news", "segment": "all", "subject": "News", "html": "{{ unsubscribe_url }} {{ postal_address }}"}'


def test_an_empty_folder_is_told_what_comes_first(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    found = examine(settings)
    assert [one["what"] for one in found["problems"]] == ["Nothing is published yet."]
    assert found["snapshot"] is None
    assert found["checks"] == found["sources"] == found["loads"] == []
    assert invoke(["doctor"]) == 0
    assert "Load data, then `millstream run`." in capsys.readouterr().out


def test_a_failed_build_and_a_campaign_without_a_sender_are_named(settings: Settings, tmp_path: Path) -> None:
    engine = open_state(settings)
    save_segment(engine, parse_segment("name: all\nmatch: {all: []}"), NOW)
    save(engine, parse_campaign(DOCUMENT, tmp_path), NOW)
    with writing(engine) as connection:
        connection.execute(update(campaigns).values(state="sending"))
        row = {"build_id": "a", "started_at": NOW, "finished_at": NOW, "outcome": "failed", "reason": "no room"}
        connection.execute(insert(builds).values(**row))
    found = examine(settings)
    told = {one["what"]: one["mend"] for one in found["problems"]}
    assert "The last build failed: no room" in told
    assert told["Campaign news is sending, but no sender is at work."] == "`millstream campaign send news` goes on."
    assert found["builds"][0]["reason"] == "no room"


def test_a_built_folder_is_told_of_its_bad_lines_and_late_figures(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    before = {path: path.stat().st_mtime_ns for path in (built_folder / "published").rglob("*")}
    assert invoke(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    bad = next(source["quarantined"] for source in found["sources"] if source["source"] == "events")
    assert bad
    broken = {(row["event"], row["property"], row["problem"]) for row in found["plan_violations"]}
    assert broken == {("Report Exported", "rows", "is no string"), ("Signed Up", "referred_by", "is missing")}
    count = sum(row["event_count"] for row in found["plan_violations"])
    assert [one["what"] for one in found["problems"]] == [
        f"events: {bad} bad lines were set aside.",
        f"The tracking plan is broken {count:,} times, by: Report Exported, Signed Up.",
    ]
    assert all(check["is_passed"] for check in found["checks"])
    assert found["as_of"] == found["now"]
    assert datetime.fromisoformat(found["loads"][0]["loaded_at"]).tzinfo is not None
    monkeypatch.setattr(Settings, "now", lambda _settings: NOW + timedelta(hours=27))
    assert examine(Settings())["problems"][0]["what"] == (
        "The figures are of 2026-11-24 00:00 UTC: the pipeline is late."
    )
    assert before == {path: path.stat().st_mtime_ns for path in (built_folder / "published").rglob("*")}


def test_settings_that_do_not_go_together_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert configuration(settings) == []
    monkeypatch.setenv("MILLSTREAM_MAILER", "sendgrid")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_x")
    monkeypatch.setenv("MILLSTREAM_STRIPE_MODE", "test")
    told = " ".join(one.what for one in configuration(Settings()))
    for part in (
        "no postal address",
        "Mails can not go out by sendgrid: there is no key of SendGrid's.",
        "Mails can not go out by sendgrid: the unsubscribe links lead to this machine.",
        "Mails can not go out by sendgrid: mails would come from hello@example.com.",
        "its events are refused: bounces and complaints suppress nobody.",
        "secret key",
    ):
        assert part in told
    assert "The Stripe key is of live mode, but figures are of test mode." in told
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.x")
    monkeypatch.setenv("SENDGRID_WEBHOOK_PUBLIC_KEY", "MFk")
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", "1 Mill Lane")
    monkeypatch.setenv("MILLSTREAM_PUBLIC_URL", "https://news.example.org")
    monkeypatch.setenv("MILLSTREAM_FROM_EMAIL", "news@example.org")
    monkeypatch.setenv("STRIPE_API_KEY", "rk_live_x")
    monkeypatch.setenv("MILLSTREAM_STRIPE_MODE", "auto")
    assert configuration(Settings()) == []


def test_webhooks_of_an_account_that_is_not_read_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_x")
    for account in ("default", "acct_A"):
        options = {"account": account, "source": "webhook"}
        Landing(settings.landing_dir).add_lines(
            [b"{}" + account.encode()], source="stripe", name="webhook", options=options, now=NOW
        )
    assert [one.what.split()[5] for one in deliveries(Settings())] == ["acct_A"]
    monkeypatch.setenv("MILLSTREAM_STRIPE_ACCOUNTS", "default,acct_A")
    assert deliveries(Settings()) == []


def test_the_disk_is_told_by_room_and_a_folder_that_can_not_be_made_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.landing_dir.mkdir(parents=True)
    (settings.landing_dir / "part").write_bytes(b"x" * 1000)
    told, problems = disk(settings)
    assert told["used_bytes"]["landing"] == 1000
    assert told["free_bytes"] > 0
    assert problems == []
    monkeypatch.setattr(installation, "ROOM", 10**18)
    assert "are free on the disk" in disk(settings)[1][0].what
