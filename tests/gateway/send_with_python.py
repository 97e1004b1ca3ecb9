"""Python's client as a process of its own: `python -m tests.gateway.send_with_python URL KEY COUNT`.

Sends its events in four parts, each when a line comes on standard input; then tells as JSON what was sent.
"""

from __future__ import annotations

import json
import sys
import time

from segment.analytics.client import Client


def send(client: Client, number: int) -> str:
    user = f"python-{number % 50}"
    calls = {
        0: lambda: client.identify(user, {"number": number}),
        1: lambda: client.page(user, name="Pricing", properties={"number": number}),
        2: lambda: client.screen(user, name="Home", properties={"number": number}),
        3: lambda: client.group(user, "g1", {"number": number}),
        4: lambda: client.alias(f"python-anonymous-{number % 50}", user),
    }
    call = calls.get(number % 10, lambda: client.track(user, "Step", {"number": number, "text": "Zoë 😀"}))
    is_queued, message = call()
    assert is_queued
    return str(message["messageId"])


def main(url: str, key: str, count: int) -> None:
    errors: list[str] = []
    client = Client(key, host=url, gzip=True, upload_interval=0.2, on_error=lambda error, _: errors.append(str(error)))
    ids: list[str] = []
    for part in range(4):
        sys.stdin.readline()
        for number in range(count * part // 4, count * (part + 1) // 4):
            ids.append(send(client, number))
            if number % 50 == 0:
                time.sleep(0.04)
    client.shutdown()
    print(json.dumps({"ids": ids, "errors": len(errors)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
