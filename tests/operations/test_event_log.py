"""Dagster's history through connections that stay open: nothing is lost, and no file stays open for ever."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

from pipelines.event_log import OneEngineEventLog

RUNS = [f"run-{number}" for number in range(9)]


def entry(run: str, text: str) -> EventLogEntry:
    return EventLogEntry(
        error_info=None, level=logging.INFO, user_message=text, run_id=run, timestamp=1.0, step_key=None
    )


def told(storage: SqliteEventLogStorage, run: str) -> list[str]:
    return [one.user_message for one in storage.get_logs_for_run(run)]


def open_files(folder: Path) -> set[str]:
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    found = (os.readlink(link) for link in links if link.exists())
    return {name for name in found if name.startswith(str(folder)) and name.endswith(".db")}


def test_what_was_stored_is_read_by_the_plain_storage_and_few_files_stay_open(tmp_path: Path) -> None:
    storage = OneEngineEventLog(str(tmp_path))
    for run in RUNS:
        storage.store_event(entry(run, "first"))
    for run in RUNS:
        storage.store_event(entry(run, "second"))
    # Read while the writer is at work, as Dagster's page does.
    assert all(told(SqliteEventLogStorage(str(tmp_path)), run) == ["first", "second"] for run in RUNS)
    assert 0 < len(open_files(tmp_path)) <= 8
    storage.dispose()
    assert not open_files(tmp_path)


def test_a_history_that_was_wiped_takes_new_events(tmp_path: Path) -> None:
    storage = OneEngineEventLog(str(tmp_path))
    storage.store_event(entry("a", "before"))
    storage.wipe()
    storage.store_event(entry("a", "after"))
    assert told(storage, "a") == ["after"]
    storage.dispose()
