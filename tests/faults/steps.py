"""The steps that may be killed, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pipelines.events import ingest_files
from pipelines.operations import build, publish_snapshot
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, sync
from tests import warm

STEPS: dict[str, Callable[[Settings], object]] = {
    "stripe": lambda settings: sync(settings, StripeApi(settings), now=settings.now()),
    "events": lambda settings: ingest_files(settings, [str(settings.demo_dir / "events")], now=settings.now()),
    "build": lambda settings: build(settings, now=settings.now()),
    "publish": lambda settings: publish_snapshot(settings, now=settings.now()),
}


def do(step: str, environment: dict[str, str], log: Path) -> int:
    """Run one step in a process of its own; answers its exit code and leaves what went wrong in `log`."""
    child = warm.start(_run, step, environment={**os.environ, **environment}, out=log.with_suffix(".out"), err=log)
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _run(step: str) -> None:
    STEPS[step](Settings())
