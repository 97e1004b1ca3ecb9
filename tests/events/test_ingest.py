"""Events from files: each event once, whatever the cut and the order of files."""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.events import ingest_files, open_files
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse
from tests.events.loading import LOGIN, NOW, counts, load, stored, write


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


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson"])
def test_compression_changes_nothing(settings: Settings, tmp_path: Path, ending: str) -> None:
    content = (json.dumps(LOGIN) + "\n").encode()
    pack: Any = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(Path(ending).suffix, bytes)
    path = tmp_path / f"a{ending}"
    path.write_bytes(pack(content))
    assert counts(load(settings, path)) == (1, 1, 0, 0, 0)


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spread")


@hypothesis_settings(max_examples=5)
@given(
    st.lists(
        st.tuples(st.sampled_from(["m1", "m2", "m3", None]), st.integers(1, 3), st.sampled_from(["a", "b"])),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
def test_the_order_and_the_cut_of_files_never_matter(
    folder: Path, events: list[tuple[str | None, int, str]], chance: random.Random
) -> None:
    """However lines with ids are spread over files, loaded in any order, each event is stored once."""
    own = Settings(MILLSTREAM_DATA_DIR=folder / "data")
    # All examples share a folder, which a new one each would make ten times as slow; the user keeps them apart.
    user = f"u{len(list(folder.iterdir()))}"
    lines = [
        {
            "user_id": user,
            "event": f"{name}-{message}",
            "timestamp": f"2026-01-0{day}T00:00:00Z",
            "messageId": f"{user}-{message}-{name}-{day}",
        }
        for message, day, name in events
    ]
    shuffled = chance.sample(lines, len(lines))
    files = [write(folder / f"{user}-{piece}.jsonl", *shuffled[piece::3]) for piece in range(min(3, len(lines)))]
    load(own, *files)
    found = [row for row in stored(own, "event_id, event_at, person_id") if row["person_id"] == user]
    assert sorted((str(row["event_id"]), f"{row['event_at']:%Y-%m-%dT%H:%M:%SZ}") for row in found) == sorted(
        {(line["messageId"], line["timestamp"]) for line in lines}
    )


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


def test_what_goes_wrong_while_writing_is_never_the_inputs_fault(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the commit: the call fails, nothing counts as loaded, and the next call loads it."""
    path = write(tmp_path / "a.jsonl", LOGIN, LOGIN)

    def full(*_: object, **__: object) -> None:
        raise duckdb.TransactionException("Failed to commit: could not write, No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("pipelines.events.load.write_days", full)
        with pytest.raises(duckdb.TransactionException):
            load(settings, path)
    assert counts(load(settings, path)) == (2, 2, 0, 0, 0)


def test_a_day_gains_files_until_they_are_too_many_and_then_has_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.events.days.FILES_OF_A_DAY", 2)
    files = [write(tmp_path / f"{n}.jsonl", {**LOGIN, "messageId": f"m{n}"}) for n in range(4)]
    load(settings, *files)
    with Warehouse(settings).write("test") as connection:
        listed = connection.execute("select row_count from raw_events.lake_files order by row_count").fetchall()
    assert listed == [(1,), (3,)]
    assert [row["event_id"] for row in stored(settings, "event_id, event_at")] == ["m0", "m1", "m2", "m3"]
