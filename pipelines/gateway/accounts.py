"""Accounts beside the event loop: who holds a token, and signing in.

Each asks the state store in threads of its own, so many at once and so many waiting: however many tokens are tried, the
threads that take events to disk and know write keys are not waited for. Checking a password costs a quarter of a
second and 32 MB on purpose, so there is one at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from pipelines import accounts
from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.state import open_state, record, writing

READERS, READERS_WAITING = 2, 100
"""Threads that look up tokens, and how many requests may wait for them."""
PASSWORDS_WAITING = 8
"""So many may wait until a password was looked at."""

T = TypeVar("T")


class BusyAccountsError(Exception):
    """Too many wait already."""


class UnreadableAccountsError(Exception):
    """The state store can not be read, so nobody knows who this is."""


class _Queue:
    """Threads with a queue that ends somewhere."""

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._most = threads + waiting
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._inside >= self._most:
            raise BusyAccountsError
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except SQLAlchemyError:
            raise UnreadableAccountsError from None
        except MillstreamError as problem:
            if isinstance(problem, (accounts.WrongPasswordError, accounts.WaitError)):
                raise
            raise UnreadableAccountsError from None
        finally:
            self._inside -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Accounts:
    """Used from one event loop."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._readers = _Queue("accounts", READERS, READERS_WAITING)
        self._passwords = _Queue("passwords", 1, PASSWORDS_WAITING)

    async def holder(self, token: str) -> accounts.Holder | None:
        """Whose token it is right now; None where nobody may come in with it.

        Raises:
            BusyAccountsError, UnreadableAccountsError: that can not be known now.
        """
        return await self._readers.run(lambda: accounts.holder_of(self._engine(), token, now=self._clock()))

    async def note_people(self, holder: accounts.Holder, command: str) -> None:
        """Write down that somebody was shown people, before they are.

        Raises:
            BusyAccountsError, UnreadableAccountsError: that can not be written now.
        """
        await self._readers.run(partial(self._note, holder, command))

    async def sign_in(self, name: str, password: str) -> accounts.Pair:
        """A pair of tokens for a password.

        Raises:
            WrongPasswordError, WaitError: not with this; BusyAccountsError, UnreadableAccountsError: not now.
        """
        return await self._passwords.run(lambda: accounts.sign_in(self._engine(), name, password, now=self._clock()))

    async def renew(self, refresh: str) -> accounts.Pair:
        """Another pair for a refresh token.

        Raises:
            WrongPasswordError: not with this; BusyAccountsError, UnreadableAccountsError: not now.
        """
        return await self._readers.run(lambda: accounts.renew(self._engine(), refresh, now=self._clock()))

    def close(self) -> None:
        """Wait for nobody any more."""
        self._readers.close()
        self._passwords.close()

    def _engine(self) -> Engine:
        return open_state(self._settings)

    def _note(self, holder: accounts.Holder, command: str) -> None:
        with writing(self._engine()) as connection:
            record(connection, at=self._clock(), actor=holder.name, action="api.people", subject=command)
