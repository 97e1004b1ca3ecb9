"""Stripe's deliveries at a steady rate: how long the gateway takes to answer, against itself with nothing written.

Both servers are the same application in a process of its own, verify the same signatures and answer the same;
one has a journal that keeps nothing. A delivery's time runs from the moment it was due, so a server that
stumbles pays for those that wait. Rounds alternate, and a server's figure is the median of its rounds: other work
on the machine disturbs some of them.
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
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import orjson
import stripe
import uvicorn

from pipelines.gateway.app import create_app
from pipelines.settings import Settings

RATE = 200
SECONDS = 5
ROUNDS = 5
CONNECTIONS = 32
SECRET = "whsec_benchmark"


class Discarding:
    """A journal that keeps nothing and says so at once."""

    def append(self, label: bytes, lines: bytes, *, now: datetime) -> Future[None]:
        """Done already."""
        done: Future[None] = Future()
        done.set_result(None)
        return done


def measure(seconds: int = SECONDS, rounds: int = ROUNDS) -> str:
    """Median and 99th percentile of both servers, and the ratio of the latter."""
    found: dict[str, list[tuple[float, float]]] = {"discard": [], "journal": []}
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds):
            for kind, figures in found.items():
                with _serving(kind, Path(name) / f"{kind}{number}") as port:
                    asyncio.run(_deliver(port, RATE, 1, 0))  # The first answers warm it up.
                    figures.append(_percentiles(asyncio.run(_deliver(port, RATE, seconds, 1_000_000))))
    floor, ours = ([median(column) for column in zip(*figures, strict=True)] for figures in found.values())
    return (
        f"{RATE} deliveries a second, {rounds} rounds of {seconds} s: median {ours[0] * 1000:.1f} ms, 99th percentile "
        f"{ours[1] * 1000:.1f} ms; discarding {floor[0] * 1000:.1f} and {floor[1] * 1000:.1f} ms; "
        f"the 99th percentile is {ours[1] / floor[1]:.1f} times that of discarding"
    )


def _percentiles(times: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


async def _deliver(port: int, rate: int, seconds: int, first: int) -> list[float]:
    """Seconds until the answer of each delivery, from the moment at which it was due."""
    requests = [_request(first + number) for number in range(rate * seconds)]
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    times: list[float] = []

    async def one(request: bytes, due: float) -> None:
        reader, writer = await free.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - due)
        assert head.startswith(b"HTTP/1.1 200"), head
        free.put_nowait((reader, writer))

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(request, due))
    while not free.empty():
        free.get_nowait()[1].close()
    return times


def _request(number: int) -> bytes:
    """A delivery of some 3 kB, as Stripe's are."""
    thing = {"id": f"in_{number}", "object": "invoice", "lines": [{"id": f"il_{n}", "amount": n} for n in range(60)]}
    event = {"id": f"evt_{number}", "object": "event", "created": int(time.time()), "data": {"object": thing}}
    body = orjson.dumps(event, option=orjson.OPT_INDENT_2)
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET)
    head = f"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: {header}\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@contextmanager
def _serving(kind: str, folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    settings = {"MILLSTREAM_DATA_DIR": str(folder), "STRIPE_WEBHOOK_SECRET": SECRET}
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.webhooks", kind, str(port)], env={**os.environ, **settings}
    )
    try:
        for _ in range(200):
            try:
                with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _serve(kind: str, port: int) -> None:
    app = create_app(Settings(), journal=Discarding() if kind == "discard" else None)
    uvicorn.run(app, port=port, log_level="error", access_log=False, server_header=False)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _serve(sys.argv[1], int(sys.argv[2]))
    else:
        print(measure())
