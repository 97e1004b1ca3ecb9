"""One sender at a time: a second one waits, and then finds in the ledger what is left to do.

On SQLite a file lock, which the kernel frees when its process ends, however it ends; on PostgreSQL
an advisory lock, which ends with its connection. Holding it means that whatever another owner left
in flight belongs to the dead.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from pipelines.settings import Settings

_NUMBER = 0x6D696C6C
"""The advisory lock's number: 'mill'."""
PAUSE = 0.2


@contextmanager
def only_sender(
    settings: Settings, engine: Engine, *, stopped: Callable[[], bool], waiting: Callable[[str], None]
) -> Iterator[bool]:
    """Hold the senders' lock; yields False where `stopped` came true while waiting for it."""
    if engine.dialect.name == "postgresql":
        # A connection of its own and no transaction: the lock lasts as long as the connection does.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT", reads_only=True) as connection:
            ask = text("select pg_try_advisory_lock(:number)")
            try:
                yield _wait(lambda: bool(connection.execute(ask, {"number": _NUMBER}).scalar()), stopped, waiting)
            finally:
                # Given back to the pool it would keep the lock.
                connection.invalidate()
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    handle = os.open(settings.data_dir / "sender.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _wait(lambda: _take(handle), stopped, waiting)
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(take: Callable[[], bool], stopped: Callable[[], bool], waiting: Callable[[str], None]) -> bool:
    told = False
    while not take():
        if stopped():
            return False
        if not told:
            waiting("another sender is at work; waiting for it to end.")
            told = True
        time.sleep(PAUSE)
    return True
