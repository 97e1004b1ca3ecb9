"""The fake SendGrid over HTTP: takes mails as SendGrid does, remembers each, and is faulty on request.

`python -m pipelines.demo.sendgrid_server --port N` serves one account; in a test `serving(account)`
does so in a thread. Another process asks `GET /fake/accepted` (how often each `dk` was taken),
`/fake/answered` and `/fake/mails`, and turns `PUT /fake/knobs`. How a mail is treated is decided in
sendgrid_account.py; here is the socket: HTTP/1.1 with keep-alive and nothing else, so that a sender's
speed is the sender's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from pipelines.demo.sendgrid_account import MODES, MailKnobs, Mode, Reply, SendGridAccount

__all__ = ["MODES", "MailKnobs", "Mode", "SendGridAccount", "serving"]

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes closing a reset."""


class _Connection(asyncio.Protocol):
    """One client's connection: requests one after the other."""

    def __init__(self, account: SendGridAccount, connections: set[_Connection]) -> None:
        self._account, self._connections = account, connections
        self._buffer, self._is_busy = bytearray(), False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._account.connections += 1
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if not self._buffer and data.startswith(b"POST ") and self._account.hangs_up():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
            return
        self._buffer += data
        self._go_on()

    def _go_on(self) -> None:
        while not self._is_busy and not self.transport.is_closing() and (request := self._next()):
            reply = self._account.reply(*request)
            if reply.after:
                self._is_busy = True
                asyncio.get_running_loop().call_later(reply.after, self._say_late, reply)
            else:
                self._say(reply)

    def _next(self) -> tuple[str, str, dict[str, str], bytes] | None:
        """The next whole request in the buffer."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = end + 4 + int(headers.get("content-length", 0))
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[end + 4 : length])
        del self._buffer[:length]
        method, target, _ = first.split(" ", 2)
        return method, target, headers, body

    def _say(self, reply: Reply) -> None:
        if reply.status is None:
            self.transport.close()
            return
        headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        start = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{headers}"
        self.transport.write(f"{start}Content-Length: {len(reply.body)}\r\n\r\n".encode("latin-1") + reply.body)

    def _say_late(self, reply: Reply) -> None:
        self._is_busy = False
        if not self.transport.is_closing():
            self._say(reply)
            self._go_on()


@contextmanager
def serving(account: SendGridAccount | None = None, port: int = 0) -> Iterator[str]:
    """Serve in a thread while the context lasts; yields the base URL. Port 0 = any free one.

    When it ends, every connection is cut and new ones are refused; the account goes on at the same port
    in another `serving`. That is an outage.
    """
    listener = socket.create_server(("127.0.0.1", port))
    loop, started = asyncio.new_event_loop(), threading.Event()
    arguments = (loop, listener, account or SendGridAccount(), started)
    thread = threading.Thread(target=_run, args=arguments, name="fake-sendgrid", daemon=True)
    thread.start()
    try:
        if not started.wait(10):
            raise RuntimeError("the fake SendGrid did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        listener.close()


def _run(
    loop: asyncio.AbstractEventLoop, listener: socket.socket, account: SendGridAccount, started: threading.Event
) -> None:
    connections: set[_Connection] = set()
    server = loop.run_until_complete(loop.create_server(lambda: _Connection(account, connections), sock=listener))
    started.set()
    try:
        loop.run_forever()
    finally:
        server.close()
        for connection in tuple(connections):
            connection.transport.abort()
        loop.run_until_complete(server.wait_closed())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def main() -> None:
    """The command: serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo.sendgrid_server", description=__doc__)
    parser.add_argument("--port", type=int, default=12_112)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--weights", default="202=1", help="modes and their weights, like 202=8,429=1,slow=1")
    arguments = parser.parse_args()
    knobs = MailKnobs()
    try:
        pairs = [pair.partition("=") for pair in arguments.weights.split(",")]
        knobs.turn({"seed": arguments.seed, "weights": {mode: float(weight or 1) for mode, _, weight in pairs}})
    except ValueError as problem:
        parser.error(f"--weights {arguments.weights}: {problem}; the modes are {', '.join(MODES)}")
    listener = socket.create_server(("127.0.0.1", arguments.port))
    print(f"fake SendGrid on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        _run(asyncio.new_event_loop(), listener, SendGridAccount(knobs), threading.Event())


if __name__ == "__main__":
    main()
