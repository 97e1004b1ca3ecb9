"""The lock that makes one process the writer, and tells everybody else who that is.

The kernel frees a `flock` when its process ends, however it ends, so a killed writer never leaves
the lock behind. The file's text is only for people; it decides nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pipelines.errors import BusyError

_held: dict[Path, int] = {}
"""How often this process holds each lock: a build inside a run takes it again."""


@contextmanager
def exclusive(path: Path, *, what: str, purpose: str, wait: timedelta = timedelta(0)) -> Iterator[None]:
    """Hold the lock file `path`; `what` names the guarded thing, `purpose` this process's work.

    Raises:
        BusyError: another process still holds it after `wait`; the message names that process.
    """
    if path in _held:
        _held[path] += 1
        try:
            yield
        finally:
            # A generator that is closed late, after its owner let go, has nothing to give back.
            if path in _held:
                _held[path] -= 1
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(handle, what, wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "purpose": purpose}).encode(), 0)
        _held[path] = 1
        try:
            yield
        finally:
            _held.pop(path, None)
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _take(handle: int, what: str, wait: timedelta) -> None:
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(_who(handle, what)) from None
            time.sleep(0.2)


def _who(handle: int, what: str) -> str:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
        name = f"process {holder['pid']} ({holder['purpose']})"
    except (ValueError, KeyError):
        name = "another process"
    return (
        f"the {what} is in use by {name}. Nothing was changed. "
        "Wait until it ends, or end it; dashboards are not affected."
    )
