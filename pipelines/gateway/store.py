"""The state store beside the event loop: threads of its own, so many at work and so many waiting.

However many links are followed and events told, the threads that take bodies to disk are not waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import MillstreamError, UsageError

THREADS, WAITING = 2, 200

T = TypeVar("T")


class BusyStoreError(Exception):
    """Too many wait already."""

    reason = "overloaded"


class UnreachableStoreError(Exception):
    """The state store can not be read or written now."""

    reason = "no_store"


class StoreThreads:
    """Used from one event loop."""

    def __init__(self, name: str, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._most = threads + waiting
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What the work answers.

        Raises:
            UsageError: what the work said; BusyStoreError, UnreachableStoreError: it can not be done now.
        """
        if self._inside >= self._most:
            raise BusyStoreError
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except UsageError:
            raise
        except (SQLAlchemyError, MillstreamError, OSError):
            raise UnreachableStoreError from None
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Wait for nobody any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
