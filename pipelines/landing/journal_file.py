"""One file of the journal: written by one process, until somebody closes it or takes it away.

It is taken away by renaming it while its lock is held (`sealing`); its writer notices at its next
batch. What crashes leave of it is told in `journal`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from pipelines.faults import fault_point
from pipelines.files import sync_folder

FOLDER = "open"
OPEN, CLOSED = ".open", ".closed"
_sync = getattr(os, "fdatasync", os.fsync)


class JournalFile:
    """One journal file, from its creation to the moment that somebody closes it or takes it away."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent.parent)
            sync_folder(folder.parent)
        self.path = folder / f"{time.time_ns():020d}-{os.getpid()}{OPEN}"
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.begun = time.monotonic()
        self.size = 0
        self.is_closed = False
        try:
            # Without its name on disk a power cut would lose the file with everything in it.
            sync_folder(folder)
        except OSError:
            self.close()
            raise

    def write(self, data: bytes) -> bool:
        """Write and bring to disk under the file's lock; False, and nothing done, where it was taken away."""
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            if not self._is_in_place():
                return False
            fault_point("journal.before_write")
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            fault_point("journal.after_write")
            _sync(self._handle)
            fault_point("journal.after_sync")
            self.size += len(data)
            return True
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """End this file: it is sealed as it stands, or gone where it holds no whole batch."""
        with contextlib.suppress(OSError):
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            if self._is_in_place():
                # Nobody was told of anything behind the last whole batch.
                os.ftruncate(self._handle, self.size)
                if self.size:
                    os.rename(self.path, self.path.with_suffix(CLOSED))
                else:
                    self.path.unlink()
        self.forget()

    def forget(self) -> None:
        """Let go of a file that is somebody else's now."""
        self.is_closed = True
        with contextlib.suppress(OSError):
            os.close(self._handle)

    def _is_in_place(self) -> bool:
        try:
            return os.stat(self.path).st_ino == os.fstat(self._handle).st_ino
        except FileNotFoundError:
            return False
