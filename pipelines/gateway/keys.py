"""Which source a write key opens, as the state store knew it a moment ago.

A known key costs no question: what is known is read again beside the requests. An unknown one is answered only
after a reading that began later than it came, so a key works from the moment it is made; however many unknown
keys come, the store is read once a second. What was known stays known while the store can not be read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

from pipelines.events.sources import WriteKey, key_hash

_log = logging.getLogger("millstream.gateway")


class UnknownKeyError(Exception):
    """No source has this key, or it has ended."""

    reason = "unauthorized"


class UnreadableKeysError(Exception):
    """The state store can not be read, so nobody knows whose key this is."""

    reason = "no_keys"


class KeyRing:
    """Used from one event loop. `read` gives every key and may take its time: it runs in a thread."""

    def __init__(
        self,
        read: Callable[[], list[WriteKey]],
        *,
        fresh: float = 5.0,
        pause: float = 1.0,
        patience: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh, self._pause, self._patience = fresh, pause, patience
        self._clock = clock
        self._known: dict[str, WriteKey] = {}
        self._begun = float("-inf")
        """When the last reading began that succeeded."""
        self._tried = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def source_of(self, key: str | None, *, now: datetime) -> str:
        """The source of a key.

        Raises:
            UnknownKeyError: there is none; UnreadableKeysError: that can not be known now.
        """
        if not key:
            raise UnknownKeyError
        digest = key_hash(key)
        came = self._clock()
        while (found := self._known.get(digest)) is None:
            if self._begun >= came:
                raise UnknownKeyError
            await asyncio.shield(self._again())
        if self._clock() - self._begun > self._fresh:
            self._again()
        if not found.is_valid(now):
            raise UnknownKeyError
        return found.source

    def _again(self) -> asyncio.Task[None]:
        """The reading that is under way, or a new one."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_again())
            # Nobody may wait for it; then its failure was told in the log.
            self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._reading

    async def _read_again(self) -> None:
        await asyncio.sleep(max(0.0, self._tried + self._pause - self._clock()))
        self._tried = begun = self._clock()
        try:
            keys = await asyncio.wait_for(asyncio.to_thread(self._read), self._patience)
        except Exception as problem:
            _log.warning("the write keys could not be read (%s); those that are known stay", type(problem).__name__)
            raise UnreadableKeysError from None
        self._known = {key.key_hash: key for key in keys}
        self._begun = begun
