"""The fake Stripe over HTTP: read-only, faithful in paging, filters and errors, faulty on request.

`python -m pipelines.demo.stripe_server --data DIR --port N` serves the folder that business.py wrote.
What is answered is decided in answers.py; here are keys, headers, faults and the socket.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pipelines.demo.answers import Answers
from pipelines.demo.books import API_VERSION
from pipelines.demo.knobs import Knobs
from pipelines.demo.object_store import Store
from pipelines.demo.refusals import Refusal, out_of_order, rate_limited

__all__ = ["FakeStripe", "Knobs", "create_app", "serving"]

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


class FakeStripe(Starlette):
    """A Starlette app that can also hang up without an answer."""

    def __init__(self, data: Path, knobs: Knobs) -> None:
        self._answers, self._knobs = Answers(Store(data), knobs), knobs
        super().__init__(routes=[Route("/{path:path}", self._respond, methods=METHODS)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, and drop its connection when its turn has come."""
        if scope["type"] == "http":
            self._knobs.requests += 1
            if _turn(self._knobs.requests, self._knobs.drop_every):
                await _hang_up(receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        number = self._knobs.requests
        if self._knobs.slow_seconds:
            await asyncio.sleep(self._knobs.slow_seconds)
        headers = {"Request-Id": f"req_{number:014d}"}
        headers["Stripe-Version"] = request.headers.get("stripe-version", API_VERSION)
        try:
            self._misbehave(number)
            _check_key(request.headers.get("authorization", ""), self._knobs.api_key)
            body, status = self._body(request), 200
        except Refusal as refusal:
            body, status = orjson.dumps(refusal.body), refusal.status
            headers |= refusal.headers
        return Response(body, status, headers, media_type="application/json")

    def _body(self, request: Request) -> bytes:
        path = request.path_params["path"].rstrip("/")
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, f"This Stripe only answers questions ({request.method}: /{path}).")
        if not path.startswith("v1/"):
            raise Refusal(404, f"Unrecognized request URL ({request.method}: /{path}).")
        return self._answers.get(path.removeprefix("v1/"), request.url.query)

    def _misbehave(self, number: int) -> None:
        if self._knobs.down:
            raise out_of_order(503)
        if _turn(number, self._knobs.rate_limit_every):
            raise rate_limited()
        if _turn(number, self._knobs.error_every):
            raise out_of_order()


def create_app(data: Path, *, knobs: Knobs | None = None) -> Starlette:
    """The app over a folder of `<kind>.jsonl` files (or the one that has them in `stripe/`)."""
    return FakeStripe(data, knobs or Knobs())


@contextmanager
def serving(data: Path, port: int = 0, knobs: Knobs | None = None) -> Iterator[str]:
    """Serve in a thread while the context lasts; yields the base URL. Port 0 = any free one."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(create_app(data, knobs=knobs), log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="fake-stripe", daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        if not server.started:
            raise RuntimeError("the fake Stripe did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        # A client that keeps its connection open would hold the server back.
        server.force_exit = True
        thread.join(timeout=10)
        listener.close()


def main() -> None:
    """The command: serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo.stripe_server", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with <kind>.jsonl files, or its parent")
    parser.add_argument("--port", type=int, default=12_111)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"--data {arguments.data}: no such folder")
    listener = socket.create_server(("127.0.0.1", arguments.port))
    port = listener.getsockname()[1]
    print(f"fake Stripe on http://127.0.0.1:{port} serving {arguments.data}", flush=True)
    app = create_app(arguments.data)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")).run([listener])


def _turn(number: int, every: int) -> bool:
    return every > 0 and number % every == 0


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection under the request; the client hears nothing at all."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("dropped by the knob drop_every")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _check_key(authorization: str, expected: str | None) -> None:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except ValueError:
            given = ""
    if not given:
        raise Refusal(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header.",
        )
    fits = given == expected if expected is not None else given.startswith(("sk_test_", "rk_test_"))
    if not fits:
        raise Refusal(401, f"Invalid API Key provided: {given[:8]}{'*' * 8}{given[-4:]}")


if __name__ == "__main__":
    main()
