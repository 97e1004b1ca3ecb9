"""SendGrid's events as another project recorded them: each is taken, none is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.delivery.feedback import ingest_feedback
from pipelines.privacy import address_key
from pipelines.settings import Settings


def test_every_recorded_event_is_taken(settings: Settings, material: Path, tmp_path: Path) -> None:
    cases = json.loads((material / "sendgrid" / "event_payloads_basic.json").read_text())["events"]
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text("".join(json.dumps(case["payload"]) + "\n" for case in cases))
    summary = ingest_feedback(settings, [bodies], now=datetime(2026, 11, 24, tzinfo=UTC))
    assert summary.read == summary.loaded == sum(len(case["payload"]) for case in cases)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        rows = {row[0]: row[1:] for row in connection.sql(
            "select event_id, event, address_key, message_id from raw_email.events"
        ).fetchall()}  # fmt: skip
    for case in cases:
        expected, (told,) = case["expected"], case["payload"]
        event, key, message = rows[expected["event_id"]]
        assert (event, key, message) == (told["event"], address_key(expected["recipient"]), told["sg_message_id"])
