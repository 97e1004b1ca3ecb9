"""A sender in a fork of a warm process: a crash costs milliseconds instead of the imports of a new process."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.delivery import send
from pipelines.settings import Settings
from tests import warm
from tests.segments.people import NOW


def _send(settings: Settings, fault: str) -> None:
    os.environ["MILLSTREAM_FAULT"] = fault
    send(settings, "win-back", lambda: NOW)


def send_in_a_fork(settings: Settings, fault: str) -> int | None:
    """Send in a process of its own that ends at `fault`; its exit code."""
    process = warm.FORKS.Process(target=_send, args=(settings, fault))
    process.start()
    process.join(60)
    code = process.exitcode
    if code is None:
        process.kill()
    process.close() if code is not None else process.join()
    return code


class Sender:
    """A sender in a process of its own, by the clock on the wall; whoever begins it ends it or waits for it."""

    def __init__(self, parent: subprocess.Popen[bytes], settings: Settings, name: str, fault: str) -> None:
        assert parent.stdin is not None
        assert parent.stdout is not None
        asked = {"settings": settings.environment(), "name": name, "fault": fault}
        parent.stdin.write(json.dumps(asked).encode() + b"\n")
        self._told = parent.stdout
        self._process = int(self._told.readline())
        self.exitcode: int | None = None

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it is still alive after so many seconds."""
        if self.exitcode is None and select.select([self._told], [], [], seconds)[0]:
            self.exitcode = int(self._told.readline())
        return self.exitcode

    def kill(self) -> int:
        """SIGKILL, unless it ended before; its exit code."""
        # Its parent has not been told to wait for another yet, so the number is still its own or nobody's.
        if self.wait(0) is None:
            os.kill(self._process, signal.SIGKILL)
        code = self.wait(60)
        assert code is not None
        return code


def rehearse(parent: subprocess.Popen[bytes], settings: Settings, name: str) -> None:
    """Let the parent itself send a campaign of that store, with what carries mails nowhere."""
    assert parent.stdin is not None
    there = settings.model_copy(update={"mailer": "outbox"})
    parent.stdin.write(json.dumps({"settings": there.environment(), "rehearse": name}).encode() + b"\n")


@contextmanager
def warm_parent() -> Iterator[subprocess.Popen[bytes]]:
    """The process that all senders of one ordeal are forked from, one after the other (parent.py)."""
    command = [sys.executable, "-m", "tests.delivery.parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield process
        finally:
            process.kill()
