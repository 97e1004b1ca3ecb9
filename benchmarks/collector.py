"""Events over the tracking API in batches of 100: how many a second the gateway brings to disk, how soon it answers.

Both servers are the same application in a process of its own and read, stamp and answer the same; one has a journal
that keeps nothing. By turns each is asked as fast as it answers, which gives its rate, and later by turns at one steady
rate, where a batch's time runs from the moment it was due. Turns are short and a figure is their median (the 99th
percentile is that of all turns): other work on the machine disturbs some of them. The sender shares the machine.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.request import urlopen

import orjson
import uvicorn

from benchmarks.webhooks import Discarding
from pipelines.events.sources import add_source
from pipelines.gateway.app import create_app
from pipelines.gateway.garbage import look_less_often
from pipelines.settings import Settings
from pipelines.state import open_state

BATCH = 100
CONNECTIONS = 32
SECONDS = 1
ROUNDS = 15
STEADY = 50
"""Batches a second of the steady rate."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server(NamedTuple):
    """A server that runs: its process, port and write key."""

    process: int
    port: int
    key: str


@dataclass
class Figures:
    """What a server did, by round."""

    rate: list[float] = field(default_factory=list)
    """Events a second."""
    cost: list[float] = field(default_factory=list)
    """Microseconds of CPU for an event."""
    times: list[float] = field(default_factory=list)
    """Seconds until each answer at the steady rate."""

    def tail(self) -> float:
        """The 99th percentile in milliseconds."""
        return sorted(self.times)[len(self.times) * 99 // 100] * 1000


def measure(seconds: int = SECONDS, rounds: int = ROUNDS, steady: int = STEADY) -> str:
    """Rate, CPU per event and 99th percentile of both servers, and the ratios."""
    floor, ours = Figures(), Figures()
    with (
        tempfile.TemporaryDirectory() as name,
        _serving("discard", Path(name) / "discard") as discarding,
        _serving("journal", Path(name) / "journal") as keeping,
    ):
        for server in (discarding, keeping):
            asyncio.run(_fast(server, 1.0))  # The first answers warm it up.
        for _ in range(rounds):
            for figures, server in ((floor, discarding), (ours, keeping)):
                before = _cpu(server.process)
                batches = asyncio.run(_fast(server, seconds))
                figures.rate.append(batches * BATCH / seconds)
                figures.cost.append((_cpu(server.process) - before) / batches / BATCH * 1e6)
        time.sleep(5)  # What came so fast is sealed meanwhile.
        for _ in range(rounds):
            for figures, server in ((floor, discarding), (ours, keeping)):
                figures.times += asyncio.run(_steadily(server, steady, seconds * 2))
    ratios = sorted(one / other for one, other in zip(ours.rate, floor.rate, strict=True))
    return (
        f"batches of {BATCH}, {CONNECTIONS} connections, {rounds} turns of {seconds} s: {median(ours.rate):,.0f} "
        f"events a second on disk, discarding {median(floor.rate):,.0f}: {median(ratios):.2f} of it (middle half of "
        f"the turns {ratios[rounds // 4]:.2f} to {ratios[-rounds // 4]:.2f}); CPU for an event {median(ours.cost):.1f} "
        f"and {median(floor.cost):.1f} µs; at {steady * BATCH:,} a second the 99th percentile is {ours.tail():.1f} ms, "
        f"discarding {floor.tail():.1f} ms: {ours.tail() / floor.tail():.1f} times"
    )


def _cpu(process: int) -> float:
    """Seconds of CPU that a process has used."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


async def _fast(server: Server, seconds: float) -> int:
    """Batches answered in that time when each connection sends the next one as soon as it has its answer."""
    bodies = [_request(server.key, number) for number in range(200)]
    done = 0
    end = time.perf_counter() + seconds

    async def send(first: int) -> None:
        nonlocal done
        connection = await asyncio.open_connection("127.0.0.1", server.port)
        number = first
        while time.perf_counter() < end:
            await _ask(connection, bodies[number % len(bodies)])
            number += CONNECTIONS
            done += 1
        connection[1].close()

    await asyncio.gather(*(send(first) for first in range(CONNECTIONS)))
    return done


async def _steadily(server: Server, rate: int, seconds: int) -> list[float]:
    """Seconds until the answer to each batch, from the moment at which it was due."""
    bodies = [_request(server.key, number) for number in range(200)]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", server.port))
    times: list[float] = []

    async def one(request: bytes, due: float) -> None:
        connection = await free.get()
        await _ask(connection, request)
        times.append(time.perf_counter() - due)
        free.put_nowait(connection)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(rate * seconds):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(bodies[number % len(bodies)], due))
    while not free.empty():
        free.get_nowait()[1].close()
    return times


async def _ask(connection: Connection, request: bytes) -> None:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
    assert head.startswith(b"HTTP/1.1 200"), head


def _request(key: str, number: int) -> bytes:
    """A batch as a web server's client sends it: some 45 kB."""
    context = {
        "library": {"name": "analytics-python", "version": "2.4.0"},
        "page": {"url": "https://shop.example/pricing", "referrer": "https://www.google.com/", "title": "Pricing"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    }
    now = datetime.now(UTC).isoformat()
    messages = [
        {
            "type": "track",
            "event": "Step Completed",
            "userId": f"u{place}",
            "messageId": f"{number:08}-4d3c-4b2a-9f1e-{place:012}",
            "timestamp": now,
            "integrations": {},
            "context": context,
            "properties": {"step": place, "plan": "pro", "price": 12.5},
        }
        for place in range(BATCH)
    ]
    body = orjson.dumps({"batch": messages, "sentAt": now, "writeKey": key})
    return f"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def _serving(kind: str, folder: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    key = add_source(open_state(Settings(MILLSTREAM_DATA_DIR=folder)), "shop", now=datetime.now(UTC))
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.collector", kind, str(port)],
        env={**os.environ, "MILLSTREAM_DATA_DIR": str(folder)},
    )
    try:
        for _ in range(200):
            try:
                with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield Server(server.pid, port, key)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _serve(kind: str, port: int) -> None:
    app = create_app(Settings(), journal=Discarding() if kind == "discard" else None)
    look_less_often()
    uvicorn.run(app, port=port, log_level="error", access_log=False, server_header=False)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _serve(sys.argv[1], int(sys.argv[2]))
    else:
        print(measure())
