"""`ingest stripe --account acct_...` asks for that account, any other name asks for the key's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.cli import invoke
from pipelines.settings import Settings

ASKED: list[str | None] = []


class _EmptyStripe(BaseHTTPRequestHandler):
    """Every list is empty; what account each request asked for is kept."""

    def do_GET(self) -> None:
        ASKED.append(self.headers.get("Stripe-Account"))
        body = json.dumps({"object": "list", "url": self.path, "has_more": False, "data": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def _empty_stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyStripe)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_connected")
    monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{server.server_port}")
    ASKED.clear()
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("settings", "_empty_stripe")
@pytest.mark.parametrize(("account", "expected"), [("acct_1Connected", "acct_1Connected"), ("my shop", None)])
def test_a_connected_account_is_asked_for_in_every_request(
    settings: Settings, account: str, expected: str | None
) -> None:
    assert invoke(["ingest", "stripe", "--account", account, "--json"]) == 0
    assert set(ASKED) == {expected}
    assert len(ASKED) > 15
