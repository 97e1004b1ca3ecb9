"""Whether the landing zone would take something right now: asked of the disk, not remembered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

_EVERY = 1.0
"""Seconds: whoever asks more often gets the last answer, since each one costs an fsync."""


class Probe:
    """Writes, brings to disk and deletes a small file."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Why nothing can be taken; None where it can."""
        with self._lock:
            now = self._clock()
            if self._asked_at is None or now - self._asked_at >= _EVERY:
                self._asked_at, self._problem = now, self._ask()
            return self._problem

    def _ask(self) -> str | None:
        path = self._folder / f"{os.getpid()}.probe"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("wb") as file:
                    file.write(b"ready?\n" * 100)
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                path.unlink(missing_ok=True)
        except OSError as problem:
            return f"the landing zone can not be written ({problem.strerror})"
        return None
