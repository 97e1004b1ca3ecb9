"""What the landing zone promises: as it came, once, whole or absent, findable by person."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from pipelines.landing import Landing, split
from pipelines.landing.manifest import read_segments
from pipelines.landing.split import copy_in_parts, open_plain

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def land(landing: Landing, path: Path, **options: str) -> list[str]:
    segments = landing.add_file(path, source="events", file_format="jsonl", options=options, now=NOW)
    return [segment.path for segment in segments]


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a": 1}\n\xff broken \n{"a": 2}')
    return path


def test_a_file_is_kept_byte_by_byte(landing: Landing, file: Path) -> None:
    (segment,) = landing.add_file(file, source="events", file_format="jsonl", options={}, now=NOW)
    assert landing.path(segment).read_bytes() == file.read_bytes()
    assert segment.input_name == "events.jsonl"


def test_the_same_content_is_landed_once_whatever_its_name(landing: Landing, file: Path) -> None:
    first = land(landing, file)
    assert land(landing, file.rename(file.with_name("copy.jsonl"))) == first
    assert len(landing.segments("events")) == 1


def test_other_options_make_another_input(landing: Landing, file: Path) -> None:
    land(landing, file)
    land(landing, file, timezone="Europe/Berlin")
    assert len(landing.segments("events")) == 2


def test_a_compressed_file_stays_compressed(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n'))
    (segment,) = landing.add_file(path, source="events", file_format="jsonl", options={}, now=NOW)
    assert landing.path(segment).name.endswith(".jsonl.gz")
    with open_plain(landing.path(segment)) as plain:
        assert plain.read() == b'{"a": 1}\n'


def test_a_large_file_is_cut_between_lines_and_loses_none(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    lines = [f'{{"n": {number}}}\n'.encode() for number in range(1000)]
    path.write_bytes(b"".join(lines))
    parts = copy_in_parts(path, tmp_path, "jsonl", bound=2000)
    assert len(parts) > 3
    assert b"".join(part.path.read_bytes() for part in parts) == b"".join(lines)
    for part in parts:
        assert part.path.read_bytes().startswith(lines[part.first_line - 1])


def test_every_part_of_a_large_csv_has_the_header(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text("user,event\n" + "".join(f"u{number},login\n" for number in range(500)))
    parts = copy_in_parts(path, tmp_path, "csv", bound=1000)
    bodies = [part.path.read_text().splitlines() for part in parts]
    assert {body[0] for body in bodies} == {"user,event"}
    assert [line for body in bodies for line in body[1:]] == path.read_text().splitlines()[1:]


def test_a_file_that_grows_is_taken_up_to_its_last_whole_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the moment of opening the last line is half written; while we copy, its writer goes on."""
    path = tmp_path / "growing.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 1000 + b'{"a": ')
    copy = split._copy

    def copy_while_it_grows(source: BinaryIO, target: Path, size: int) -> None:
        copy(source, target, size)
        with path.open("ab") as writer:
            writer.write(b'2}\n{"a": 3}\n')

    monkeypatch.setattr(split, "_copy", copy_while_it_grows)
    (part,) = copy_in_parts(path, tmp_path, "jsonl")
    assert part.path.read_bytes() == b'{"a": 1}\n' * 1000


def test_a_torn_manifest_line_is_no_entry_and_does_not_spoil_the_next(landing: Landing, file: Path) -> None:
    land(landing, file)
    manifest = landing.folder / "manifest.jsonl"
    with manifest.open("ab") as handle:
        handle.write(b'{"path": "events/half')
    assert len(read_segments(manifest)) == 1
    land(landing, file, timezone="Europe/Berlin")
    assert len(read_segments(manifest)) == 2


def test_lines_from_a_wire_are_one_segment_and_nothing_is_none(landing: Landing) -> None:
    segment = landing.add_lines([b"[]", b"{}"], source="stripe", name="charge", options={}, now=NOW)
    assert segment is not None
    assert landing.path(segment).read_bytes() == b"[]\n{}\n"
    assert landing.add_lines([], source="stripe", name="charge", options={}, now=NOW) is None
