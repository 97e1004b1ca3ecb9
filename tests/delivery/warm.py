"""A sender in a fork of a warm process: a crash costs milliseconds instead of the imports of a new process."""

from __future__ import annotations

import os
from multiprocessing.process import BaseProcess

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


def _send_by_the_clock(settings: Settings, name: str, fault: str) -> None:
    os.environ["MILLSTREAM_FAULT"] = fault
    send(settings, name)


def begin(settings: Settings, name: str, fault: str = "") -> BaseProcess:
    """A sender in a process of its own, by the clock on the wall; whoever begins it ends it or waits for it."""
    process = warm.FORKS.Process(target=_send_by_the_clock, args=(settings, name, fault))
    process.start()
    return process
