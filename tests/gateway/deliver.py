"""A process of its own that delivers events at a steady rate and writes down what was acknowledged.

`python -m tests.gateway.deliver PORT RATE SECONDS FILE`: every delivery begins at its own moment, whatever became
of the ones before. One that got no 2xx is delivered again until it did, as Stripe does over days.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tests.gateway.calling import SECRET, event, pretty, signature

AGAIN = 0.5
"""Seconds until a delivery without an answer is sent again."""


async def deliver(port: int, number: int, acknowledged: BinaryIO) -> None:
    body = pretty(event(number))
    identifier = f"evt_{number:06d}\n".encode()
    while True:
        if await post(port, body, signature(body, SECRET, datetime.now(UTC))) == 200:
            acknowledged.write(identifier)
            return
        await asyncio.sleep(AGAIN)


async def post(port: int, body: bytes, header: str) -> int | None:
    """One request over a connection of its own; None where the gateway was not there to answer it."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: {header}\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        answer = await asyncio.wait_for(reader.readline(), timeout=10)
        return int(answer.split()[1]) if answer else None
    except (OSError, TimeoutError):
        return None
    finally:
        if writer is not None:
            writer.close()


async def main(port: int, rate: int, seconds: int, file: Path) -> None:
    begin = time.monotonic()
    with file.open("wb", buffering=0) as acknowledged:
        async with asyncio.TaskGroup() as group:
            for number in range(rate * seconds):
                await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
                group.create_task(deliver(port, number, acknowledged))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
