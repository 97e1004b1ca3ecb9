"""How to start the pages: the argument list for a child process."""

from __future__ import annotations

import sys
from pathlib import Path

ADDRESS = "127.0.0.1"
HERE = Path(__file__).parent


def command(port: int) -> list[str]:
    """The command that serves the dashboards on the loopback address; run it in `working_folder()`."""
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(HERE / "asgi.py"),
        "--server.address",
        ADDRESS,
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--browser.gatherUsageStats",
        "false",
    ]


def working_folder() -> Path:
    """The folder whose `.streamlit/config.toml` holds the theme."""
    return HERE.parent


def url(port: int) -> str:
    """Where the pages are once the server answers on `/_stcore/health`."""
    return f"http://{ADDRESS}:{port}"
