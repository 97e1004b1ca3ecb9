"""The journal: what arrives over a network is on disk before anybody is told that it arrived.

One thread writes. While it brings one batch to disk the next one gathers, so that many requests
share one fsync; a request's future is done when its bytes would survive a power cut. Receiving
needs no lock of the warehouse and none of the manifest.

The journal is a file in `landing/open/`. Whoever loads may take it away at any moment, also from a
process that is writing: it renames the file while it holds the file's lock (`sealing`), and the
next batch finds its file gone and begins another. A batch is written and brought to disk under
that lock, so a file that was taken holds whole batches.

What a crash leaves behind, whichever line it falls on:

- before the write: nothing. Nobody was told anything; who sends, sends again.
- during the write, or before fsync returned: some of the batch, perhaps torn. Nobody was told.
  Whole records of it are loaded and the repeated delivery is a duplicate; the rest is cut.
- after fsync, before the answer: all of the batch; the repeated delivery is a duplicate.
- after the answer: all of the batch, in a file that the next seal finds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from pipelines.errors import MillstreamError
from pipelines.landing.journal_file import FOLDER, JournalFile
from pipelines.landing.records import encode

BOUND = 64 * 1024 * 1024
"""Bytes after which a journal is closed and sealed."""
AGE = timedelta(minutes=15)
"""Time after which it is, so that what came in a quiet hour does not wait for a load to be listed."""
WAITING = 16 * 1024 * 1024
"""Bytes that may wait for the disk; whoever comes then is told to come again."""


class OverloadedError(MillstreamError):
    """More waits for the disk than we hold in memory; nothing of this was taken."""


class NotStoredError(MillstreamError):
    """The disk did not take it (full, or broken); nothing of this was acknowledged."""


class Appender(Protocol):
    """Whatever keeps records: the journal, or in a measurement nothing at all."""

    def append(self, label: bytes, lines: bytes, *, now: datetime) -> Future[None]:
        """Keep one record; the future is done when it is on disk."""


@dataclass
class Figures:
    """What a journal did since it began."""

    commits: int = 0
    records: int = 0
    written_bytes: int = 0
    failures: int = 0
    commit_seconds: float = 0.0
    waiting_bytes: int = 0


class Journal:
    """Appends records of one data folder. Used from any thread; `close` before the process ends.

    `when_closed` is called in a thread of its own each time a journal was closed by size or age.
    """

    def __init__(
        self,
        landing: Path,
        *,
        bound: int = BOUND,
        age: timedelta = AGE,
        waiting: int = WAITING,
        when_closed: Callable[[], object] = lambda: None,
    ) -> None:
        self.figures = Figures()
        self._folder = landing / FOLDER
        self._bound, self._age, self._limit = bound, age.total_seconds(), waiting
        self._when_closed = when_closed
        self._file: JournalFile | None = None
        self._waiting: list[tuple[bytes, Future[None]]] = []
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def append(self, label: bytes, lines: bytes, *, now: datetime) -> Future[None]:
        """Keep one record (`lines` are whole lines); the future is done when it is on disk.

        Raises:
            OverloadedError: too much is waiting already.
            NotStoredError: its thread is gone. The future raises it where the disk did not take the record.
        """
        record = encode(label, lines, now)
        done: Future[None] = Future()
        with self._changed:
            if not self._thread.is_alive() and not self._is_closing:
                raise NotStoredError("nobody writes any more. Nothing of this was taken; restart the gateway.")
            if self._is_closing or self.figures.waiting_bytes + len(record) > self._limit:
                raise OverloadedError("too much is waiting for the disk. Nothing of this was taken; send it again.")
            self._waiting.append((record, done))
            self.figures.waiting_bytes += len(record)
            self._changed.notify()
        return done

    def close(self) -> None:
        """Bring what waits to disk and close the file; the next seal takes it."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closing, self._left())
                batch, self._waiting = self._waiting, []
                is_last = self._is_closing and not batch
            if batch:
                self._commit(batch)
            if self._file is not None and (is_last or self._file.size >= self._bound or self._left() == 0):
                self._file.close()
                self._file = None
                if not is_last:
                    threading.Thread(target=self._when_closed, name="sealing", daemon=True).start()
            if is_last:
                return

    def _left(self) -> float | None:
        """Seconds until the open file is old; None without one."""
        return None if self._file is None else max(0.0, self._file.begun + self._age - time.monotonic())

    def _commit(self, batch: list[tuple[bytes, Future[None]]]) -> None:
        begin = time.monotonic()
        # From here on nobody can take an answer back; who did before is written all the same.
        told = [done for _, done in batch if done.set_running_or_notify_cancel()]
        size = sum(len(record) for record, _ in batch)
        try:
            self._write(b"".join(record for record, _ in batch))
        except Exception as problem:
            # Whatever it was: nobody may be left without an answer, and the next batch is tried.
            self.figures.failures += 1
            reason = getattr(problem, "strerror", None) or type(problem).__name__
            refusal = NotStoredError(
                f"the disk did not take it ({reason}). Nothing of it is acknowledged; send it again."
            )
            for done in told:
                done.set_exception(refusal)
        else:
            self.figures.commits += 1
            self.figures.records += len(batch)
            self.figures.written_bytes += size
            for done in told:
                done.set_result(None)
        self.figures.commit_seconds += time.monotonic() - begin
        with self._changed:
            self.figures.waiting_bytes -= size

    def _write(self, data: bytes) -> None:
        """Bring a batch to disk, in a file that nobody took away."""
        while True:
            if self._file is None:
                self._file = JournalFile(self._folder)
            file = self._file
            try:
                if file.write(data):
                    return
                file.forget()
            except Exception:
                # What a failed fsync left is unknown: this file ends with its last whole batch.
                file.close()
                raise
            finally:
                if file.is_closed:
                    self._file = None
