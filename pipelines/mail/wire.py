"""Requests to one server over kept connections; which of them failed before anything was written, and which after.

That difference decides whether a mail may be tried again, so it is drawn here and nowhere else: opening a
connection is a step of its own, and a kept one is looked at before it is used again, because its server may have
closed it. Nothing is ever asked twice by itself. It stands on `http.client`, which costs a fourth of a client with
layers (decision 0113). A proxy that the environment names is used; every server behind it is asked for a tunnel.
"""

from __future__ import annotations

import select
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass


class NothingWrittenError(Exception):
    """No connection was made, so nobody got anything."""


class NoAnswerError(Exception):
    """Something may have been written and no whole answer came: nobody can tell."""


class Answered(NamedTuple):
    """What the server answered."""

    status: int
    headers: HTTPMessage
    content: bytes


class Wire:
    """One server and the connections to it; many threads may ask at once, each over a connection of its own."""

    def __init__(self, base: str, headers: Mapping[str, str], *, seconds: float, connect_seconds: float) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "", parts.port
        self._is_tls, self._prefix = parts.scheme == "https", parts.path.rstrip("/")
        self._headers = dict(headers)
        self._seconds, self._connect_seconds = seconds, connect_seconds
        self._context = None
        if self._is_tls:
            import httpx  # Late: it is slow to import, and so are the certificates to read.

            self._context = httpx.create_ssl_context()
        self._idle: deque[HTTPConnection] = deque()

    def ask(self, method: str, path: str, content: bytes | None = None) -> Answered:
        """One request and its whole answer.

        Raises:
            NothingWrittenError: no connection could be made.
            NoAnswerError: the connection was lost, or the answer did not come in time or is none.
        """
        connection = self._kept() or self._opened()
        is_whole = False
        try:
            connection.request(method, f"{self._prefix}{path}", content, self._headers)
            answer = connection.getresponse()
            answered = Answered(answer.status, answer.headers, answer.read())
            is_whole = not answer.will_close
        except (OSError, HTTPException) as problem:
            raise NoAnswerError(type(problem).__name__) from None
        finally:
            if is_whole:
                self._idle.append(connection)
            else:
                connection.close()
        return answered

    def close(self) -> None:
        """Close the connections that nobody uses; a later request opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> HTTPConnection | None:
        """A connection that was used before and that its server has not closed."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _has_something_to_read(connection):
                return connection
            connection.close()

    def _opened(self) -> HTTPConnection:
        try:
            connection = self._connection()
            connection.connect()
            connection.auto_open = 0
            connection.sock.settimeout(self._seconds)
        except (OSError, HTTPException, ValueError) as problem:
            raise NothingWrittenError(f"{type(problem).__name__}: {problem}") from None
        return connection

    def _connection(self) -> HTTPConnection:
        proxy = None if proxy_bypass(self._host) else getproxies().get("https" if self._is_tls else "http")
        through = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else None
        host, port = (through.hostname or "", through.port) if through else (self._host, self._port)
        connection = (
            HTTPSConnection(host, port, timeout=self._connect_seconds, context=self._context)
            if self._context is not None
            else HTTPConnection(host, port, timeout=self._connect_seconds)
        )
        if through is not None:
            connection.set_tunnel(self._host, self._port, _login(through.username, through.password))
        return connection


def _login(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    told = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(told).decode()}"}


def _has_something_to_read(connection: HTTPConnection) -> bool:
    """Whether a server said something that nobody asked for: most often that it closed."""
    look = select.poll()
    look.register(connection.sock, select.POLLIN)
    return bool(look.poll(0))
