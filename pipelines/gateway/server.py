"""How to start the gateway: the argument list for a child process, and what that child does."""

from __future__ import annotations

import sys

ADDRESS = "127.0.0.1"
PORT = 8000


def command(port: int = PORT, *, host: str = ADDRESS) -> list[str]:
    """The command that serves the gateway until it is told to stop (SIGTERM)."""
    return [sys.executable, "-m", "pipelines.gateway", "--host", host, "--port", str(port)]


def url(port: int) -> str:
    """Where the gateway is; it is ready once it answers on `/readyz`."""
    return f"http://{ADDRESS}:{port}"
