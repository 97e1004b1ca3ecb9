"""Events from files: each line kept or quarantined, each event once, who it was."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.events import ingest_files, open_files
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOGIN = {"user_id": "u1", "event": "login", "timestamp": "2026-01-02T03:04:05Z"}


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def load(settings: Settings, *paths: Path, **mapping: str) -> LoadSummary:
    return ingest_files(settings, [str(path) for path in paths], mapping=mapping, now=NOW)


def stored(settings: Settings, columns: str = "*") -> list[dict[str, object]]:
    with Warehouse(settings).write("test") as connection:
        return (
            connection.sql(
                f"select {columns} from raw_events.events join raw_events.identity_map using (visitor_key) "
                "order by event_at, event_id"
            )
            .pl()
            .to_dicts()
        )


def counts(summary: LoadSummary) -> tuple[int, int, int, int, int]:
    assert summary.read == summary.loaded + summary.duplicates + summary.unchanged + summary.quarantined
    return summary.read, summary.loaded, summary.duplicates, summary.unchanged, summary.quarantined


def test_identical_lines_without_an_id_are_kept(settings: Settings, tmp_path: Path) -> None:
    assert counts(load(settings, write(tmp_path / "a.jsonl", LOGIN, LOGIN, LOGIN))) == (3, 3, 0, 0, 0)


def test_loading_a_file_again_adds_nothing(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LOGIN, LOGIN)
    load(settings, path)
    assert counts(load(settings, path)) == (2, 0, 0, 2, 0)


def test_a_longer_export_adds_only_what_is_new(settings: Settings, tmp_path: Path) -> None:
    load(settings, write(tmp_path / "a.jsonl", LOGIN, LOGIN))
    longer = write(tmp_path / "b.jsonl", LOGIN, LOGIN, LOGIN, {**LOGIN, "event": "logout"})
    assert counts(load(settings, longer)) == (4, 2, 0, 2, 0)


def test_an_event_with_an_id_is_loaded_once_over_files_and_days(settings: Settings, tmp_path: Path) -> None:
    event = {**LOGIN, "messageId": "m1"}
    first = write(tmp_path / "a.jsonl", event, event)
    assert counts(load(settings, first)) == (2, 1, 1, 0, 0)
    retried = {**event, "timestamp": "2026-01-03T00:00:00Z"}
    assert counts(load(settings, write(tmp_path / "b.jsonl", retried))) == (1, 0, 0, 1, 0)
    assert [row["event_at"] for row in stored(settings)] == [datetime(2026, 1, 2, 3, 4, 5)]  # noqa: DTZ001 (UTC inside)


def test_the_same_event_in_two_files_of_one_call_is_a_duplicate(settings: Settings, tmp_path: Path) -> None:
    event = {**LOGIN, "messageId": "m1"}
    files = [
        write(tmp_path / "a.jsonl", event),
        write(tmp_path / "b.jsonl", event, {**event, "messageId": "m2"}),
    ]
    assert counts(load(settings, *files)) == (3, 2, 1, 0, 0)


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


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson"])
def test_compression_changes_nothing(settings: Settings, tmp_path: Path, ending: str) -> None:
    content = (json.dumps(LOGIN) + "\n").encode()
    pack: Any = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(Path(ending).suffix, bytes)
    path = tmp_path / f"a{ending}"
    path.write_bytes(pack(content))
    assert counts(load(settings, path)) == (1, 1, 0, 0, 0)


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


def test_a_later_identify_restates_history_without_rewriting_days(settings: Settings, tmp_path: Path) -> None:
    load(
        settings,
        write(tmp_path / "a.jsonl", {"anonymousId": "a1", "event": "view", "timestamp": "2026-01-01T00:00:00Z"}),
    )
    before = sorted(settings.lake_dir.rglob("*.parquet"))
    load(
        settings,
        write(
            tmp_path / "b.jsonl",
            {"anonymousId": "a1", "userId": "u1", "event": "login", "timestamp": "2026-02-01T00:00:00Z"},
        ),
    )
    assert {row["person_id"] for row in stored(settings, "person_id, event_at, event_id")} == {"u1"}
    assert set(before) <= set(settings.lake_dir.rglob("*.parquet"))


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


@pytest.mark.parametrize(
    ("paths", "mapping", "word"),
    [
        (["nowhere.jsonl"], {}, "nowhere.jsonl"),
        (["a.txt"], {}, "no known kind"),
        (["a.jsonl"], {"person": "x"}, "--map person"),
    ],
)
def test_a_call_that_can_not_be_meant_loads_nothing(
    settings: Settings, tmp_path: Path, paths: list[str], mapping: dict[str, str], word: str
) -> None:
    write(tmp_path / "a.jsonl", LOGIN)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match=word):
        ingest_files(settings, [str(tmp_path / path) for path in paths], mapping=mapping, now=NOW)
    assert not settings.lake_dir.exists()


def test_a_question_over_files_does_not_touch_the_data_folder(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LOGIN, {**LOGIN, "messageId": "m"}, {**LOGIN, "messageId": "m"})
    with open_files([str(path)], mapping={}, timezone="UTC") as connection:
        assert connection.execute("select count(*), any_value(person_id) from events").fetchone() == (2, "u1")
    assert not settings.data_dir.exists()


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["m1", "m2", "m3", None]), st.integers(1, 3), st.sampled_from(["a", "b"])),
        max_size=12,
    ),
    st.randoms(),
)
def test_the_order_and_the_cut_of_files_never_matter(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str | None, int, str]], chance: random.Random
) -> None:
    """However lines with ids are spread over files, loaded in any order, the same events are stored."""
    lines = [
        {
            "user_id": "u",
            "event": f"{name}-{message}",
            "timestamp": f"2026-01-0{day}T00:00:00Z",
            "messageId": f"{message}-{name}-{day}",
        }
        for message, day, name in events
    ]
    outcomes = []
    for pieces in (1, 3):
        folder = tmp_path_factory.mktemp("spread")
        own = Settings(MILLSTREAM_DATA_DIR=folder / "data")
        shuffled = chance.sample(lines, len(lines))
        for piece in range(pieces):
            part = shuffled[piece::pieces]
            if part:
                load(own, write(folder / f"{piece}.jsonl", *part))
        if lines:
            outcomes.append(
                {
                    (row["event_id"], row["event_at"], row["person_id"])
                    for row in stored(own, "event_id, event_at, person_id")
                }
            )
    assert not outcomes or outcomes[0] == outcomes[1]
    assert not outcomes or len(outcomes[0]) == len({line["messageId"] for line in lines})


def test_a_file_cut_off_inside_its_compression_gives_what_can_be_read(settings: Settings, tmp_path: Path) -> None:
    lines = "".join(json.dumps({**LOGIN, "messageId": f"{n}-{random.Random(n).random()}"}) + "\n" for n in range(3000))
    packed = gzip.compress(lines.encode())
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    summary = load(settings, path)
    assert summary.loaded > 100
    # The torn line and what can not be unpacked.
    assert summary.quarantined in (1, 2)


def test_an_input_that_can_not_be_read_at_all_is_set_aside_and_the_rest_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 this is none PAR1")
    good = write(tmp_path / "good.jsonl", LOGIN)
    assert counts(load(settings, broken, good)) == (2, 1, 0, 0, 1)
    later = write(tmp_path / "later.jsonl", {**LOGIN, "event": "logout"})
    assert counts(load(settings, later)) == (1, 1, 0, 0, 0)
    assert counts(load(settings, broken)) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("when", ["infinity", "99999999999999999999", "not a time", "0000-00-00"])
def test_a_time_that_is_none_never_stops_a_load(settings: Settings, tmp_path: Path, when: str) -> None:
    path = write(tmp_path / "a.jsonl", {**LOGIN, "timestamp": when}, LOGIN)
    assert counts(load(settings, path)) == (2, 1, 0, 0, 1)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(LOGIN).encode() for _ in range(2)) + b"\r\n")
    assert counts(load(settings, path)) == (2, 2, 0, 0, 0)


def test_what_goes_wrong_while_writing_is_never_the_inputs_fault(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the commit: the call fails, nothing counts as loaded, and the next call loads it."""
    path = write(tmp_path / "a.jsonl", LOGIN, LOGIN)

    def full(*_: object, **__: object) -> None:
        raise duckdb.TransactionException("Failed to commit: could not write, No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("pipelines.events.load._write_days", full)
        with pytest.raises(duckdb.TransactionException):
            load(settings, path)
    assert counts(load(settings, path)) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("number", ["1234567890.1618400001", "1.10", "007", "1e5"])
def test_a_csv_cell_that_a_number_would_change_stays_text(settings: Settings, tmp_path: Path, number: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"user_id,event,timestamp,size\n{number},view,2026-01-01,{number}\n")
    load(settings, path)
    (row,) = stored(settings, "raw_events.identity_map.user_id, properties, event_at, event_id")
    assert (row["user_id"], json.loads(str(row["properties"]))) == (number, {"size": number})
