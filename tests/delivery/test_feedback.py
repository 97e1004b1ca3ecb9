"""SendGrid's events: each once, whatever form and order they come in; no address in the warehouse."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import select

from pipelines.delivery.feedback import ingest_feedback, load_landed
from pipelines.privacy import address_key, may_mail
from pipelines.privacy.hiding import hidden_keys
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import suppressions
from pipelines.warehouse import Warehouse

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def event(number: int, kind: str = "delivered", **more: Any) -> dict[str, Any]:
    return {
        "email": f"Ann.{number % 3}@Example.com", "timestamp": 1_795_000_000 + number, "event": kind,
        "sg_event_id": f"event-{number}", "sg_message_id": f"message-{number % 3}.filter0001",
        "ip": "192.0.2.7", "campaign": "spring", "occurrence": "once", "person_id": f"usr_{number % 3}", **more,
    }  # fmt: skip


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def stored(settings: Settings) -> list[dict[str, Any]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.sql("from raw_email.events order by event_id").pl().to_dicts()


def test_each_event_counts_once_as_a_line_or_in_an_array(settings: Settings, tmp_path: Path) -> None:
    lines = write(tmp_path / "lines.jsonl", *(event(number) for number in range(4)), event(3))
    first = ingest_feedback(settings, [lines], now=NOW)
    assert (first.read, first.loaded, first.duplicates, first.unchanged) == (5, 4, 1, 0)
    array = write(tmp_path / "array.jsonl", [event(number) for number in range(2, 6)])
    second = ingest_feedback(settings, [array], now=NOW)
    assert (second.read, second.loaded, second.duplicates, second.unchanged) == (4, 2, 0, 2)
    again = ingest_feedback(settings, [lines, array], now=NOW)
    assert (again.read, again.loaded, again.unchanged) == (9, 0, 9)
    assert [row["event_id"] for row in stored(settings)] == [f"event-{number}" for number in range(6)]


def test_a_row_tells_who_by_key_and_when_in_utc(settings: Settings, tmp_path: Path) -> None:
    bounce = event(1, "bounce", type="blocked", reason="550 no such box", url=None)
    ingest_feedback(settings, [write(tmp_path / "one.jsonl", bounce)], now=NOW)
    (row,) = stored(settings)
    assert row["address_key"] == address_key("ann.1@example.com")
    assert (row["event"], row["bounce_type"], row["reason"]) == ("bounce", "blocked", "550 no such box")
    assert (row["campaign"], row["occurrence"], row["person_id"]) == ("spring", "once", "usr_1")
    assert row["event_at"] == datetime.fromtimestamp(1_795_000_001, UTC).replace(tzinfo=None)
    assert row["url"] is None


def test_no_address_reaches_the_warehouse(settings: Settings, tmp_path: Path) -> None:
    ingest_feedback(settings, [write(tmp_path / "some.jsonl", *(event(number) for number in range(3)))], now=NOW)
    told = json.dumps(stored(settings), default=str).lower()
    assert "example.com" not in told
    assert "192.0.2.7" not in told


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{torn", "no JSON"),
        ("7", "no JSON object"),
        (event(1, sg_event_id=""), "sg_event_id is missing"),
        (event(1, timestamp="yesterday"), "timestamp is no second"),
        ({**event(1), "event": None}, "event is missing"),
    ],
)
def test_a_bad_line_is_set_aside_and_the_rest_goes_on(
    settings: Settings, tmp_path: Path, line: object, reason: str
) -> None:
    done = ingest_feedback(settings, [write(tmp_path / "mixed.jsonl", event(0), line, event(2))], now=NOW)
    assert (done.read, done.loaded, done.quarantined) == (3, 2, 1)
    (file,) = (settings.quarantine_dir / "email").iterdir()
    kept = json.loads(file.read_text())
    assert (kept["file"], kept["line"], kept["reason"]) == ("mixed.jsonl", 2, reason)


def test_what_was_landed_gives_the_same_rows_in_a_new_warehouse(settings: Settings, tmp_path: Path) -> None:
    ingest_feedback(settings, [write(tmp_path / "a.jsonl", *(event(number) for number in range(5)))], now=NOW)
    ingest_feedback(settings, [write(tmp_path / "b.jsonl", *(event(number) for number in range(3, 9)))], now=NOW)
    before = stored(settings)
    settings.warehouse_path.unlink()
    with Warehouse(settings).write("test") as connection:
        load_landed(connection, settings, now=NOW)
    assert stored(settings) == before


def test_no_text_of_an_event_brings_an_address_or_a_token_along(settings: Settings, tmp_path: Path) -> None:
    bounce = event(1, "bounce", type="bounce", reason="550 5.1.1 <ann.1@example.com>: Recipient address rejected")
    deferred = event(2, "deferred", response="450 try again, ann.2@example.com", more={"to": ["ann.2@example.com"]})
    click = event(3, "click", url="https://shop.example/u/SECRET-TOKEN?x=1")
    ingest_feedback(settings, [write(tmp_path / "texts.jsonl", bounce, deferred, click)], now=NOW)
    rows = stored(settings)
    told = json.dumps(rows, default=str)
    assert "example.com" not in told
    assert "SECRET" not in told
    assert rows[0]["reason"].startswith("550 5.1.1")
    assert rows[2]["url"] == "https://shop.example/u/•••?x=1"


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ({"event": "bounce", "type": "bounce"}, ("bounce", "all")),
        ({"event": "bounce", "type": "blocked"}, None),
        ({"event": "spamreport"}, ("complaint", "all")),
        ({"event": "unsubscribe"}, ("unsubscribed", "all")),
        ({"event": "group_unsubscribe", "asm_group_id": 17}, ("unsubscribed", "group:17")),
        ({"event": "group_resubscribe", "asm_group_id": 17}, None),
        ({"event": "dropped", "reason": "Bounced Address"}, ("bounce", "all")),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, ("complaint", "all")),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, None),
        ({"event": "deferred"}, None),
        ({"event": "click"}, None),
    ],
)
def test_who_can_not_be_reached_or_wants_no_mail_gets_none(
    settings: Settings, tmp_path: Path, told: dict[str, str], refused: tuple[str, str] | None
) -> None:
    ingest_feedback(settings, [write(tmp_path / "one.jsonl", {**event(1), **told})], now=NOW)
    with reading(open_state(settings)) as connection:
        kept = [(row.address_key, row.reason, row.scope) for row in connection.execute(select(suppressions))]
        hidden = hidden_keys(connection, [address_key("ann.1@example.com")])[address_key("ann.1@example.com")]
        answer = may_mail(connection, "ann.1@example.com", policy="customers", pays=True)
    assert kept == ([(hidden, *refused)] if refused else [])
    assert answer == ("suppressed" if refused else None)
