"""The fake Stripe over HTTP: faithful in paging, filters and errors, faulty on request; it creates codes alone.

`python -m pipelines.demo.stripe_server --data DIR --port N` serves the folder that business.py wrote.
What is answered is decided in answers.py, keys, headers and faults in replies.py; here is the socket.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pipelines.demo.knobs import Knobs
from pipelines.demo.object_store import Store
from pipelines.demo.replies import Replies

__all__ = ["FakeStripe", "Knobs", "create_app", "serving"]

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


class FakeStripe(Starlette):
    """A Starlette app that can also hang up without an answer."""

    def __init__(self, store: Store, knobs: Knobs, connected: Mapping[str, Store]) -> None:
        self._replies, self._knobs = Replies(store, knobs, connected), knobs
        super().__init__(routes=[Route("/{path:path}", self._respond, methods=METHODS)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, and drop its connection when its turn has come."""
        if scope["type"] == "http" and not self._replies.is_answered():
            await _hang_up(receive, send)
            return
        await super().__call__(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if self._knobs.slow_seconds:
            await asyncio.sleep(self._knobs.slow_seconds)
        path = request.path_params["path"]
        form = (await request.body()).decode("utf-8", "replace")
        reply = self._replies.reply(request.method, path, request.url.query, request.headers, form)
        return Response(reply.body, reply.status, reply.headers, media_type="application/json")


def create_app(
    data: Path | Store, *, knobs: Knobs | None = None, connected: Mapping[str, Store] = MappingProxyType({})
) -> Starlette:
    """The app over a folder of `<kind>.jsonl` files (or the one that has them in `stripe/`), or over a store.

    `connected` are the accounts connected to it, by their ids.
    """
    return FakeStripe(Store(data) if isinstance(data, Path) else data, knobs or Knobs(), connected)


@contextmanager
def serving(
    data: Path | Store,
    port: int = 0,
    knobs: Knobs | None = None,
    connected: Mapping[str, Store] = MappingProxyType({}),
) -> Iterator[str]:
    """Serve in a thread while the context lasts; yields the base URL. Port 0 = any free one."""
    listener = socket.create_server(("127.0.0.1", port))
    app = create_app(data, knobs=knobs, connected=connected)
    # Time is told by the knobs, not by this machine: a story may end at another moment.
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", date_header=False)
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
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", date_header=False)
    uvicorn.Server(config).run([listener])


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection under the request; the client hears nothing at all."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("dropped by the knob drop_every")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


if __name__ == "__main__":
    main()
