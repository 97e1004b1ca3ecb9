"""A gateway on the loopback address, and how to speak to it as Stripe does."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
import uvicorn
from starlette.types import ASGIApp

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "whsec_first"


class Clock:
    """The gateway's clock, set by a test."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def outcome(self) -> str:
        return str(json.loads(self.text)["status"])


class Caller:
    """Speaks to one gateway."""

    def __init__(self, port: int) -> None:
        self.port = port

    def post(self, body: bytes | Iterator[bytes], headers: dict[str, str] | None = None) -> Answer:
        return self._ask("POST", "/webhooks/stripe", body, headers or {})

    def send(self, path: str, body: object, headers: dict[str, str] | None = None, *, key: str | None = None) -> Answer:
        """A body to a path of the tracking API, with a key as clients give it."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {} if key is None else {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
        return self._ask("POST", path, raw, {**given, **(headers or {})})

    def api(
        self,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        method: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """A question to the API: with a body a POST, else a GET."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self._ask(method or ("GET" if body is None else "POST"), path, raw, {**given, **(headers or {})})

    def ask_first(self, path: str, headers: dict[str, str]) -> Answer:
        """What a browser asks before it sends there."""
        return self._ask("OPTIONS", path, None, headers)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def deliver(self, event: dict[str, Any], *, secret: str = SECRET, at: datetime = NOW) -> Answer:
        body = pretty(event)
        return self.post(body, {"Stripe-Signature": signature(body, secret, at)})

    def counts(self) -> dict[str, float]:
        """Every figure of `/metrics` that is not zero."""
        found = re.findall(r"^millstream_(\S+) (\S+)$", self.get("/metrics").text, re.MULTILINE)
        return {name: float(value) for name, value in found if float(value)}

    def refused(self, source: str = "stripe") -> dict[str, int]:
        """Refusals of a source's deliveries by reason."""
        start = f'deliveries_refused_total{{source="{source}",reason="'
        return {
            name.removeprefix(start).removesuffix('"}'): int(value)
            for name, value in self.counts().items()
            if name.startswith(start)
        }

    def taken(self, source: str = "stripe") -> dict[str, int]:
        """Deliveries of a source that were answered with 2xx."""
        start = f'deliveries_total{{source="{source}",outcome="'
        return {
            name.removeprefix(start).removesuffix('"}'): int(value)
            for name, value in self.counts().items()
            if name.startswith(start)
        }

    def _ask(self, method: str, path: str, body: bytes | Iterator[bytes] | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()


@contextmanager
def serving(app: ASGIApp) -> Iterator[Caller]:
    """Serve an application in a thread, over a real uvicorn, while the block lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="on", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        assert server.started, "the gateway did not start"
        yield Caller(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()


def event(number: int, **more: object) -> dict[str, Any]:
    """A snapshot event about a customer."""
    return {
        "id": f"evt_{number:06d}",
        "object": "event",
        "api_version": "2026-08-26.endive",
        "created": int((NOW - timedelta(seconds=number % 60)).timestamp()),
        "livemode": False,
        "type": "customer.updated",
        "data": {"object": {"id": f"cus_{number % 7}", "object": "customer", "name": f"Zoë\n{number}"}},
        **more,
    }


def thin(number: int, **more: object) -> dict[str, Any]:
    """A thin event: it names its object and tells nothing of it."""
    return {
        "id": f"evt_thin_{number:06d}",
        "object": "v2.core.event",
        "type": "v2.core.account.updated",
        "livemode": False,
        "created": "2026-11-24T11:59:58.000Z",
        "related_object": {"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"},
        **more,
    }


def pretty(event: dict[str, Any]) -> bytes:
    """A body as Stripe sends it: indented, over many lines."""
    return json.dumps(event, indent=2, ensure_ascii=False).encode()


def signature(body: bytes, secret: str, at: datetime) -> str:
    """The header as Stripe's own library makes it."""
    made = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=int(at.timestamp()))
    return str(made)
