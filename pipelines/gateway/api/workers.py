"""The children that answer questions: so many at once, so many waiting, each question within a time.

A child is started when it is needed and kept for the next question. One that takes longer than the time is killed,
which ends its question for certain, whatever it is busy with; the next question starts another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress

import orjson

WAITING = 4
"""So many questions may wait for each child."""
_IDLE = 600.0
"""Seconds after which a child without questions ends: it holds memory."""

_log = logging.getLogger("millstream.gateway")


class FullError(Exception):
    """Too many questions wait already, or this one waited all of its time."""


class TooLongError(Exception):
    """The question took longer than it may."""


class EndedError(Exception):
    """The child ended over it: out of memory, most likely."""


class Workers:
    """Used from one event loop."""

    def __init__(self, environment: Mapping[str, str], *, size: int, seconds: float) -> None:
        self._environment = environment
        self._size = size
        self._seconds = seconds
        self._turns = asyncio.Semaphore(size)
        self._asking = 0
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()

    async def ask(
        self, name: str, parameters: Mapping[str, object], body: str, *, sees_people: bool = False
    ) -> tuple[int, bytes]:
        """The status and the body of an answer, for somebody who may see people or not.

        Raises:
            FullError, TooLongError, EndedError: there is none.
        """
        if self._asking >= self._size * (1 + WAITING):
            raise FullError
        question = {"name": name, "parameters": parameters, "body": body, "sees_people": sees_people}
        line = orjson.dumps(question) + b"\n"
        self._asking += 1
        has_begun = False
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                has_begun = True
                return await self._answer(line)
        except TimeoutError:
            raise (TooLongError if has_begun else FullError) from None
        finally:
            self._asking -= 1

    async def close(self) -> None:
        """End every child, whatever it is busy with; when this returns none is left."""
        self._idle.clear()
        ending = list(self._children)
        for child in ending:
            child.end()
        for child in ending:
            await child.gone()

    async def _answer(self, question: bytes) -> tuple[int, bytes]:
        child = self._rested() or await self._start()
        try:
            answer = await child.ask(question)
        except BaseException:
            # Also when the time is over, or nobody waits any more.
            child.end()
            raise
        self._idle.append(child)
        child.rest_until(asyncio.get_running_loop().call_later(_IDLE, self._let_go, child))
        return answer

    def _rested(self) -> _Child | None:
        """The child that rested the shortest time and is still there."""
        while self._idle:
            child = self._idle.pop()
            child.wake()
            if child.is_there:
                return child
        return None

    def _let_go(self, child: _Child) -> None:
        self._idle.remove(child)
        child.end()

    async def _start(self) -> _Child:
        command = (sys.executable, "-m", "pipelines.gateway.api.child", str(os.getpid()))
        # A group of its own: Ctrl-C in a terminal is meant for the gateway, which ends its children.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=dict(self._environment), start_new_session=True
        )
        child = _Child(process)
        self._children = {one for one in self._children if one.is_there} | {child}
        return child


class _Child:
    """One process and its pipes."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._leave: asyncio.TimerHandle | None = None

    @property
    def is_there(self) -> bool:
        return self._process.returncode is None

    async def ask(self, question: bytes) -> tuple[int, bytes]:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(question)
            await self._process.stdin.drain()
            status, size = (await self._process.stdout.readline()).split()
            return int(status), await self._process.stdout.readexactly(int(size))
        except (OSError, ValueError, EOFError):
            _log.warning("a child of the API ended over a question; the next question starts another")
            raise EndedError from None

    def rest_until(self, leave: asyncio.TimerHandle) -> None:
        self._leave = leave

    def wake(self) -> None:
        if self._leave:
            self._leave.cancel()

    async def gone(self) -> None:
        await self._process.wait()

    def end(self) -> None:
        self.wake()
        with suppress(ProcessLookupError):
            self._process.kill()
