"""How the tests of the demo read its files, and ask the fake Stripe through the real SDK."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import stripe

from pipelines.demo.knobs import Knobs

Json = dict[str, Any]
Data = dict[str, list[Json]]

stripe.enable_telemetry = False


def lines_of(path: Path) -> list[Json]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@cache
def good_messages(story: Path) -> tuple[dict[str, Json], int, int]:
    """Distinct good messages by id, the number of repeated lines, the number of broken ones."""
    good: dict[str, Json] = {}
    repeated = broken = 0
    for path in sorted((story / "events").iterdir()):
        for line in path.read_bytes().splitlines():
            try:
                message = orjson.loads(line)
            except orjson.JSONDecodeError:
                message = {}
            if "timestamp" not in message:
                broken += 1
            elif message["messageId"] in good:
                assert good[message["messageId"]] == message
                repeated += 1
            else:
                good[message["messageId"]] = message
    return good, repeated, broken


def client_of(url: str, key: str = "sk_test_x") -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)


def ask(client: stripe.StripeClient, path: str, **parameters: Any) -> Json:
    data: Json = client.raw_request("get", path, **parameters).data
    return data


def every(client: stripe.StripeClient, path: str, **parameters: Any) -> list[Json]:
    found: list[Json] = []
    while True:
        more = {"starting_after": found[-1]["id"]} if found else {}
        page = ask(client, path, **parameters, **more)
        found += page["data"]
        if not page["has_more"]:
            return found


class Shop:
    """A folder of hand-made objects, its server's knobs, and a client."""

    def __init__(self, folder: Path, knobs: Knobs, url: str) -> None:
        self.folder, self.knobs, self.url = folder, knobs, url
        self.client = client_of(url)

    def put(self, kind: str, *objects: Json) -> None:
        with (self.folder / f"{kind}.jsonl").open("ab") as file:
            file.writelines(orjson.dumps(obj) + b"\n" for obj in objects)


def customer(number: int, created: int = 1_000) -> Json:
    return {"id": f"cus_{number:03d}", "object": "customer", "created": created, "email": "a@example.com"}
