"""Write, audit, publish: nothing that failed a check is ever published."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from pipelines.errors import MillstreamError
from pipelines.operations import build, check, ingest_inbox, prepare_warehouse, rebuild
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import builds
from pipelines.stripe import ingest_files
from pipelines.warehouse import Warehouse
from tests.building import mart_bytes, newest

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def copied(built_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder of this test's own with the small business built and published."""
    shutil.copytree(built_folder, tmp_path / "data")
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    return Settings()


@pytest.mark.long
def test_an_empty_data_folder_builds_and_publishes_empty_marts(settings: Settings) -> None:
    number = build(settings, now=NOW)
    assert number == 1
    snapshot = newest(settings.data_dir)
    assert snapshot.query("select count(*) from marts.fct_payments").item() == 0
    assert snapshot.query("select count(*) from marts.fct_events").item() == 0


def test_only_addresses_that_are_not_plain_ascii_get_a_row_with_their_key(settings: Settings) -> None:
    prepare_warehouse(settings, purpose="test")
    documents = [
        # Composed and escaped, with the domain as people write it.
        ("customers", '{"email": " J\\u00f6rg@B\u00fccher.example "}'),
        ("customers", '{"email": "plain@example.com", "name": "J\u00f6rg"}'),
        ("charges", '{"receipt_email": "ann@b\u00fccher.example", "billing_details": {"email": null}}'),
        ("charges", '{"receipt_email": null, "billing_details": {"email": "no address \u00fc"}}'),
    ]
    with Warehouse(settings).write("test") as connection:
        for table, payload in documents:
            connection.execute(f"insert into raw_stripe.{table} (payload) values (?)", [payload])
        connection.execute("insert into raw_events.identities (email) values ('o\u0308de@example.com')")
    prepare_warehouse(settings, purpose="test")
    with Warehouse(settings).write("test") as connection:
        keys = connection.execute("select email, address_key from raw_state.address_keys order by email").fetchall()
    normal = {
        "ann@b\u00fccher.example": "ann@xn--bcher-kva.example",
        "j\u00f6rg@b\u00fccher.example": "j\u00f6rg@xn--bcher-kva.example",
        "o\u0308de@example.com": "\u00f6de@example.com",
    }
    assert dict(keys) == {email: hashlib.sha256(text.encode()).hexdigest() for email, text in normal.items()}


def test_a_failed_check_keeps_the_snapshot_and_says_which(copied: Settings, tmp_path: Path) -> None:
    before = newest(copied.data_dir).number
    bad = tmp_path / "bad.jsonl"
    bad.write_text(
        json.dumps({"id": "ch_bad", "object": "charge", "created": 1_790_000_000, "amount": -5, "currency": "usd"})
    )
    ingest_files(copied, [str(bad)], as_of=NOW, now=NOW)
    with pytest.raises(MillstreamError, match=rf"amount_is_in_range on raw_stripe.charges.*[Ss]napshot {before} stays"):
        build(copied, now=NOW)
    assert newest(copied.data_dir).number == before
    with reading(open_state(copied)) as connection:
        last = connection.execute(
            select(builds).order_by(builds.c.started_at.desc(), builds.c.finished_at.desc())
        ).mappings()
        outcomes = [(row["outcome"], row["snapshot"]) for row in last]
    assert ("failed", None) in outcomes


def test_unknown_values_are_counted_and_do_not_stop_a_build(copied: Settings, tmp_path: Path) -> None:
    with Warehouse(copied).write("test") as connection:
        connection.execute(
            'update raw_stripe.subscriptions set payload = json_merge_patch(payload, \'{"status": "dreaming"}\') '
            "where id = (select min(id) from raw_stripe.subscriptions)"
        )
    prepare_warehouse(copied, purpose="test")
    warned = [one for one in check(copied, now=NOW) if not one.is_passed]
    assert [(one.name, one.severity, one.failing_rows) for one in warned] == [("status_is_known", "warn", 1)]


@pytest.mark.long
def test_a_rebuild_from_the_landing_zone_and_the_state_gives_the_same_bytes(copied: Settings) -> None:
    before = mart_bytes(copied.data_dir)
    shutil.rmtree(copied.lake_dir)
    rebuild(copied, now=NOW)
    assert mart_bytes(copied.data_dir) == before


def test_files_in_the_inbox_are_loaded_each_once(settings: Settings) -> None:
    assert ingest_inbox(settings, now=NOW).read == 0
    settings.inbox_dir.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"user_id": ["u"], "event": ["login"], "timestamp": ["2026-01-01"]}).write_csv(
        settings.inbox_dir / "a.csv"
    )
    assert ingest_inbox(settings, now=NOW).loaded == 1
    again = ingest_inbox(settings, now=NOW)
    assert (again.loaded, again.unchanged) == (0, 1)


@pytest.mark.long
def test_a_partial_build_can_not_publish_what_failed_its_check_before(copied: Settings) -> None:
    before = newest(copied.data_dir).number
    with Warehouse(copied).write("test") as connection:
        connection.execute(
            "update raw_stripe.balance_transactions set payload = json_merge_patch(payload, '{\"net\": 1000000}') "
            "where id = (select min(id) from raw_stripe.balance_transactions "
            "where json_extract_string(payload, '$.type') = 'charge')"
        )
    for select_ in ("all", "events"):
        with pytest.raises(MillstreamError, match="net_is_settled_less_fee"):
            build(copied, select=select_, now=NOW)
    assert newest(copied.data_dir).number == before


def test_what_is_no_event_file_in_the_inbox_stops_nothing(settings: Settings) -> None:
    (settings.inbox_dir / "empty").mkdir(parents=True)
    (settings.inbox_dir / ".DS_Store").write_bytes(b"x")
    assert ingest_inbox(settings, now=NOW).read == 0
    (settings.inbox_dir / "a.jsonl").write_text('{"user": "u", "event": "e", "timestamp": "2026-01-01"}\n')
    assert ingest_inbox(settings, now=NOW).loaded == 1
