"""What the journal promises: acknowledged means on disk, and each record is sealed exactly once, whatever is killed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.faults import POINTS
from pipelines.landing import Journal, Label, Landing, NotStoredError, OverloadedError
from pipelines.landing.journal_file import FOLDER
from pipelines.landing.records import HEAD, MAGIC, read_records
from tests.landing.killed import NOW, STRIPE

OTHER = Label(source="stripe", name="webhook", options={"account": "acct_1", "source": "webhook"}).encoded()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def open_files(landing: Landing) -> list[Path]:
    return sorted((landing.folder / FOLDER).iterdir())


def sealed(landing: Landing) -> list[bytes]:
    """Every line of every listed segment."""
    return [line for segment in landing.segments("stripe") for line in landing.path(segment).read_bytes().splitlines()]


def keep(journal: Journal, *lines: bytes, label: bytes = STRIPE, now: datetime = NOW) -> None:
    for line in lines:
        journal.append(label, line + b"\n", now=now).result(timeout=10)


def test_what_was_acknowledged_is_on_disk_and_a_load_takes_it_from_a_journal_in_use(landing: Landing) -> None:
    journal = Journal(landing.folder)
    keep(journal, b"1", b"2")
    (path,) = open_files(landing)
    assert [line for group in read_records(path).groups.values() for line in read_records(path).lines(group)] == [
        b"1\n",
        b"2\n",
    ]
    (first,) = landing.seal_received()
    keep(journal, b"3", now=NOW + timedelta(minutes=1))
    (second,) = landing.seal_received()
    journal.close()
    assert sealed(landing) == [b"1", b"2", b"3"]
    assert (first.input_name, first.received_at, first.format) == ("webhook", NOW, "stripe")
    assert first.options == {
        "account": "default", "source": "webhook", "fetched_at": NOW.isoformat(), "journal": path.stem,
    }  # fmt: skip
    assert second.received_at == NOW + timedelta(minutes=1)
    assert landing.seal_received() == []
    assert open_files(landing) == []


def test_records_of_each_label_become_a_segment_of_their_own(landing: Landing) -> None:
    journal = Journal(landing.folder)
    keep(journal, b"a")
    keep(journal, b"b", label=OTHER)
    keep(journal, b"c")
    journal.close()
    segments = landing.seal_received()
    assert {one.options["account"]: landing.path(one).read_bytes() for one in segments} == {
        "default": b"a\nc\n",
        "acct_1": b"b\n",
    }


def test_the_same_lines_at_the_same_instant_are_kept_as_often_as_they_came(landing: Landing) -> None:
    journal = Journal(landing.folder)
    for _ in range(3):
        keep(journal, b"same")
        landing.seal_received()
    journal.close()
    assert len({segment.input_id for segment in landing.segments("stripe")}) == 3
    assert sealed(landing) == [b"same"] * 3


def test_many_requests_share_one_fsync(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered, begun = threading.Event(), threading.Event()
    real = os.write

    def slow(handle: int, data: bytes) -> int:
        begun.set()
        assert gathered.wait(10)
        return real(handle, data)

    monkeypatch.setattr(os, "write", slow)
    journal = Journal(landing.folder)
    first = journal.append(STRIPE, b"first\n", now=NOW)
    assert begun.wait(10)
    rest = [journal.append(STRIPE, b"%d\n" % number, now=NOW) for number in range(500)]
    gathered.set()
    for done in [first, *rest]:
        done.result(timeout=10)
    journal.close()
    assert (journal.figures.records, journal.figures.commits) == (501, 2)


def test_more_than_may_wait_is_refused_and_what_waited_is_kept(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered = threading.Event()
    real = os.write

    def slow(handle: int, data: bytes) -> int:
        assert gathered.wait(10)
        return real(handle, data)

    monkeypatch.setattr(os, "write", slow)
    journal = Journal(landing.folder, waiting=1000)
    taken: list[Future[None]] = []

    def append_for_ever() -> None:
        while True:
            taken.append(journal.append(STRIPE, b"x\n", now=NOW))

    with pytest.raises(OverloadedError):
        append_for_ever()
    gathered.set()
    for done in taken:
        done.result(timeout=10)
    keep(journal, b"again")
    journal.close()
    landing.seal_received()
    assert sealed(landing) == [b"x"] * len(taken) + [b"again"]


@pytest.mark.parametrize("place", ["write", "fdatasync", "open"])
def test_a_full_disk_acknowledges_nothing_and_the_journal_goes_on_after_it(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    journal = Journal(landing.folder)
    keep(journal, b"before")
    if place == "open":
        landing.seal_received()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.landing.journal_file._sync" if place == "fdatasync" else f"os.{place}", full)
        done = journal.append(STRIPE, b"lost\n", now=NOW)
        with pytest.raises(NotStoredError, match="No space left"):
            done.result(timeout=10)
    keep(journal, b"after")
    journal.close()
    landing.seal_received()
    assert sealed(landing) == [b"before", b"after"]
    assert journal.figures.failures == 1


@pytest.mark.parametrize("tail", [b"", MAGIC, b"\0" * 5000, b"half", "cut", "flipped"], ids=str)
def test_a_torn_tail_is_cut_and_nothing_before_it(landing: Landing, tail: bytes | str) -> None:
    journal = Journal(landing.folder)
    keep(journal, b"1", b"2")
    journal.close()
    (path,) = open_files(landing)
    whole = path.read_bytes()
    size = len(whole) // 2
    torn = {"cut": whole[: size - 1], "flipped": whole[: size - 2] + b"X\n"}[tail] if isinstance(tail, str) else tail
    path.write_bytes(whole + torn)
    assert read_records(path).torn == len(torn)
    landing.seal_received()
    assert sealed(landing) == [b"1", b"2"]


def test_a_damaged_place_costs_only_the_records_on_it(landing: Landing) -> None:
    journal = Journal(landing.folder)
    keep(journal, b"1", b"2", b"3")
    journal.close()
    (path,) = open_files(landing)
    content = bytearray(path.read_bytes())
    size = len(content) // 3
    content[size + HEAD + 3] ^= 1
    path.write_bytes(content)
    contents = read_records(path)
    assert (contents.damaged, contents.torn) == (size, 0)
    landing.seal_received()
    assert sealed(landing) == [b"1", b"3"]


def test_a_journal_is_closed_by_size_and_by_age(landing: Landing) -> None:
    told = threading.Semaphore(0)
    journal = Journal(landing.folder, bound=1, when_closed=told.release)
    keep(journal, b"1")
    assert told.acquire(timeout=10)
    journal.close()
    journal = Journal(landing.folder, age=timedelta(milliseconds=50), when_closed=told.release)
    keep(journal, b"2")
    assert told.acquire(timeout=10)
    assert {path.suffix for path in open_files(landing)} == {".closed"}
    journal.close()
    landing.seal_received()
    assert sealed(landing) == [b"1", b"2"]


def test_sealing_while_another_thread_appends_loses_nothing_and_doubles_nothing(landing: Landing) -> None:
    journal = Journal(landing.folder, bound=2000, when_closed=landing.seal_received)
    lines = [b"%06d" % number for number in range(600)]
    is_done = threading.Event()

    def seal() -> None:
        while not is_done.is_set():
            landing.seal_received()

    sealers = [threading.Thread(target=seal) for _ in range(2)]
    for sealer in sealers:
        sealer.start()
    for begin in range(0, len(lines), 20):
        waiting = [journal.append(STRIPE, line + b"\n", now=NOW) for line in lines[begin : begin + 20]]
        for done in waiting:
            done.result(timeout=10)
    is_done.set()
    for sealer in sealers:
        sealer.join()
    journal.close()
    landing.seal_received()
    assert sorted(sealed(landing)) == lines


# --- killed -----------------------------------------------------------------------------------------------

FAULTS = [
    "journal.before_write:2",
    "journal.after_write:2",
    "journal.after_sync:2",
    "landing.before_rename:1",
    "landing.before_manifest:1",
    "landing.after_manifest:1",
    "journal.before_delete:1",
]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-m", "tests.landing.killed", str(folder), *FAULTS], check=True, timeout=60)
    return folder


def test_every_place_of_the_journal_is_killed_at() -> None:
    assert {point for point in POINTS if point.startswith("journal.")} <= {fault.split(":")[0] for fault in FAULTS}


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_any_place_every_acknowledged_record_is_sealed_once(killed: Path, fault: str) -> None:
    folder = killed / fault
    assert (folder / "code").read_text() == "137"
    landing = Landing(folder / "landing")
    landing.seal_received()
    assert open_files(landing) == []
    acknowledged = (folder / "acknowledged").read_bytes().splitlines()
    assert acknowledged
    found = sealed(landing)
    assert found[: len(acknowledged)] == acknowledged
    # What was written and not answered is kept too: its sender sends it again, and that is a duplicate.
    assert len(found) - len(acknowledged) == (fault.split(":")[0] in ("journal.after_write", "journal.after_sync"))
