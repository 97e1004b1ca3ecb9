"""The steps that may be killed, each in a child forked from one warm parent."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pipelines.events import ingest_files
from pipelines.operations import build, publish_snapshot
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, sync

STEPS: dict[str, Callable[[Settings], object]] = {
    "stripe": lambda settings: sync(settings, StripeApi(settings), now=settings.now()),
    "events": lambda settings: ingest_files(settings, [str(settings.demo_dir / "events")], now=settings.now()),
    "build": lambda settings: build(settings, now=settings.now()),
    "publish": lambda settings: publish_snapshot(settings, now=settings.now()),
}

# What every step imports, loaded once in the parent: Great Expectations alone takes seconds.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, "great_expectations", "polars", "stripe"])


def do(step: str, environment: dict[str, str], log: Path) -> int:
    """Run one step in a process of its own; answers its exit code and leaves what went wrong in `log`."""
    child = _context.Process(target=_run, args=(step, environment, log))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _run(step: str, environment: dict[str, str], log: Path) -> None:
    os.environ.update(environment)
    try:
        STEPS[step](Settings())
    except BaseException:
        log.write_text(traceback.format_exc())
        sys.exit(1)
