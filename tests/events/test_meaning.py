"""What lines mean: times, messages, cells, people; and what is said of a line that means nothing."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.events import ingest_files
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse
from tests.events.loading import LOGIN, NOW, counts, load, stored, write


def test_bad_lines_are_set_aside_with_file_line_and_reason(settings: Settings, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        LOGIN,
        '{"user_id": "u1", "event": "torn',
        "[1, 2]",
        {**LOGIN, "timestamp": "yesterday"},
        {"user_id": "u1", "event": "no time"},
        {"event": "nobody", "timestamp": "2026-01-01"},
        {"user_id": "u1", "timestamp": "2026-01-01"},
        "",
        LOGIN,
    )
    assert counts(load(settings, path)) == (8, 2, 0, 0, 6)
    (kept,) = (settings.quarantine_dir / "events").iterdir()
    rows = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [(row["file"], row["line"], row["reason"]) for row in rows] == [
        ("a.jsonl", 2, "no valid JSON"),
        ("a.jsonl", 3, "no JSON object"),
        ("a.jsonl", 4, "a timestamp that is no time"),
        ("a.jsonl", 5, "no timestamp"),
        ("a.jsonl", 6, "nobody: neither a user nor an anonymous id"),
        ("a.jsonl", 7, "no event name"),
    ]
    assert rows[0]["text"] == '{"user_id": "u1", "event": "torn'


def test_csv_rows_with_too_few_columns_are_set_aside(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('user,event,timestamp,note\nu1,login,2026-01-01,"two\nlines"\nu1,login\nu2,login,2026-01-01,\n')
    assert counts(load(settings, path)) == (3, 2, 0, 0, 1)
    (row,) = [
        json.loads(line) for line in next((settings.quarantine_dir / "events").iterdir()).read_text().splitlines()
    ]
    assert (row["line"], row["reason"]) == (4, "2 columns, the header has 4")


def test_json_lines_and_parquet_of_the_same_rows_agree(settings: Settings, tmp_path: Path) -> None:
    rows = [
        {
            "visitor": f"v{n % 3}",
            "event": "view",
            "timestamp": f"2026-01-0{n % 5 + 1}T10:00:00Z",
            "size": n,
            "share": n / 4,
            "tag": None if n % 2 else "x",
        }
        for n in range(20)
    ]
    load(settings, write(tmp_path / "a.jsonl", *rows), anonymous_id="visitor")
    pl.DataFrame(rows).with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC")).write_parquet(
        tmp_path / "a.parquet"
    )
    assert counts(load(settings, tmp_path / "a.parquet", anonymous_id="visitor")) == (20, 0, 0, 20, 0)


def test_times_without_a_zone_are_read_in_the_named_one(settings: Settings, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {**LOGIN, "timestamp": "2026-07-01 02:00:00"},
        {**LOGIN, "timestamp": "2026-07-01T02:00:00Z"},
    )
    ingest_files(settings, [str(path)], timezone="Europe/Berlin", now=NOW)
    assert [row["event_at"].hour for row in stored(settings)] == [0, 2]  # type: ignore[attr-defined]


def test_segment_messages_keep_their_meaning(settings: Settings, tmp_path: Path) -> None:
    base = {"anonymousId": "a1", "timestamp": "2026-01-01T00:00:00Z"}
    load(
        settings,
        write(
            tmp_path / "a.jsonl",
            {
                **base,
                "messageId": "1",
                "type": "page",
                "name": "Pricing",
                "properties": {"path": "/pricing"},
                "context": {"locale": "de"},
            },
            {
                **base,
                "messageId": "2",
                "type": "identify",
                "userId": "u1",
                "traits": {"email": "ann@example.com", "first_name": "Ann"},
            },
            {
                **base,
                "messageId": "3",
                "type": "track",
                "event": "Signed Up",
                "userId": "u1",
                "properties": {"plan": "pro"},
            },
        ),
    )
    rows = stored(settings, "type, event, raw_events.events.properties, context, person_id")
    assert [(row["type"], row["event"], row["person_id"]) for row in rows] == [
        ("page", "Pricing", "u1"),
        ("identify", "identify", "u1"),
        ("track", "Signed Up", "u1"),
    ]
    assert json.loads(str(rows[0]["context"])) == {"locale": "de"}
    assert json.loads(str(rows[2]["properties"])) == {"plan": "pro"}


def test_two_known_users_of_one_device_are_never_merged(settings: Settings, tmp_path: Path) -> None:
    at = "2026-01-0{}T00:00:00Z"
    lines = [
        {"anonymousId": "device", "event": "view", "timestamp": at.format(1)},
        {"anonymousId": "device", "userId": "first", "event": "login", "timestamp": at.format(2)},
        {"anonymousId": "device", "userId": "second", "event": "login", "timestamp": at.format(3)},
        {"anonymousId": "device", "event": "view", "timestamp": at.format(4)},
    ]
    load(settings, write(tmp_path / "a.jsonl", *lines))
    assert [row["person_id"] for row in stored(settings, "person_id, event_at, event_id")] == [
        "first",
        "first",
        "second",
        "first",
    ]


def test_traits_are_merged_in_the_order_they_were_told(settings: Settings, tmp_path: Path) -> None:
    def identify(day: int, **traits: str) -> dict[str, object]:
        return {
            "type": "identify",
            "userId": "u1",
            "traits": traits,
            "timestamp": f"2026-01-0{day}T00:00:00Z",
            "messageId": f"m{day}",
        }

    load(settings, write(tmp_path / "new.jsonl", identify(3, email="new@example.com")))
    load(settings, write(tmp_path / "old.jsonl", identify(1, email="old@example.com", first_name="Ann")))
    with Warehouse(settings).write("test") as connection:
        found = connection.execute("select email, first_name from raw_events.identities").fetchall()
    assert found == [("new@example.com", "Ann")]


@pytest.mark.parametrize("when", ["infinity", "99999999999999999999", "not a time", "0000-00-00"])
def test_a_time_that_is_none_never_stops_a_load(settings: Settings, tmp_path: Path, when: str) -> None:
    path = write(tmp_path / "a.jsonl", {**LOGIN, "timestamp": when}, LOGIN)
    assert counts(load(settings, path)) == (2, 1, 0, 0, 1)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(LOGIN).encode() for _ in range(2)) + b"\r\n")
    assert counts(load(settings, path)) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("number", ["1234567890.1618400001", "1.10", "007", "1e5"])
def test_a_csv_cell_that_a_number_would_change_stays_text(settings: Settings, tmp_path: Path, number: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"user_id,event,timestamp,size\n{number},view,2026-01-01,{number}\n")
    load(settings, path)
    (row,) = stored(settings, "raw_events.identity_map.user_id, properties, event_at, event_id")
    assert (row["user_id"], json.loads(str(row["properties"]))) == (number, {"size": number})
