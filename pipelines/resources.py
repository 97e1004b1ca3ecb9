"""Shells between Dagster and our rooms: settings in, plain objects out, our errors as Dagster's.

No work is done here.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.errors import BusyError, MillstreamError
from pipelines.settings import Settings, load_settings


class SettingsResource(dg.ConfigurableResource[Settings]):
    """The settings as every other entry reads them; secrets never stand in run config."""

    def create_resource(self, context: dg.InitResourceContext) -> Settings:
        """Read the environment of the run's process."""
        return load_settings()


@contextmanager
def told_to_dagster() -> Iterator[None]:
    """Our errors in Dagster's words: a busy warehouse is waited for, anything else fails for good."""
    try:
        yield
    except BusyError as problem:
        raise dg.RetryRequested(max_retries=30, seconds_to_wait=60) from problem
    except MillstreamError as problem:
        raise dg.Failure(description=str(problem), allow_retries=False) from problem


class _StepLines(logging.Handler):
    """One line per finished or failed step, and whatever is a warning; the page has the rest."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is not None and event.event_type == dg.DagsterEventType.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            print(f"run: {event.step_key} ({seconds:.1f} s)", file=sys.stderr, flush=True)
        elif record.levelno >= logging.ERROR and event is not None and event.is_step_failure:
            print(f"run: {event.step_key} failed", file=sys.stderr, flush=True)


def _step_lines(_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("millstream.run", level=logging.DEBUG)
    logger.addHandler(_StepLines())
    return logger


steps = dg.LoggerDefinition(_step_lines, description="A line per finished step on stderr; the page has the rest.")
