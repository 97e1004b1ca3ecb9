"""Shells between Dagster and our rooms: settings in, plain objects out, our errors as Dagster's.

No work is done here.
"""

from __future__ import annotations

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
