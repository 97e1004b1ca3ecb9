"""`millstream up`: the services of one machine under one hand, and how the demo opens its pages."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from types import FrameType
from typing import IO, Annotated
from urllib.request import urlopen

import typer

from pipelines.cli.output import note
from pipelines.errors import MillstreamError
from pipelines.settings import load_settings
from pipelines.tied import tied

STOP_SECONDS = 10.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("up")(up)


def up(
    port: Annotated[int, typer.Option(help="Port of the dashboards.")] = 8501,
    dagster_port: Annotated[int, typer.Option(help="Port of Dagster's page.")] = 3000,
    gateway_port: Annotated[int, typer.Option(help="Port of the gateway (webhooks).")] = 8000,
) -> None:
    """Gateway, dashboards and Dagster (page, schedules, sensors) together; Ctrl-C stops them all."""
    from dashboards.server import command, working_folder
    from pipelines.gateway import server as gateway
    from pipelines.operations.dagster_home import open_home

    # What is outside (Stripe, a proxy) knows this port, so no other will do.
    if _free(gateway_port, others=0) is None:
        raise MillstreamError(
            f"port {gateway_port} is taken, and the gateway is reached by its number. Nothing was started. "
            "Stop the other program, or choose --gateway-port and tell the proxy in front of it."
        )
    open_home(load_settings())
    workspace = ["-w", str(working_folder() / "workspace.yaml")]
    dagster = [sys.executable, "-m"]
    page, pipeline_page = _free_or_next(port), _free_or_next(dagster_port)
    services = {
        "gateway": gateway.command(gateway_port),
        "dashboards": command(page),
        "dagster": [*dagster, "dagster_webserver", "-h", "127.0.0.1", "-p", str(pipeline_page), *workspace],
        "schedules": [*dagster, "dagster._daemon", "run", *workspace],
    }
    note(
        f"dashboards http://127.0.0.1:{page} · Dagster http://127.0.0.1:{pipeline_page} · "
        f"gateway {gateway.url(gateway_port)} · Ctrl-C stops everything"
    )
    supervise(services)


def serve_dashboards(port: int, *, open_browser: bool) -> None:
    """Start the dashboards, open them in the browser where there is one, stay until Ctrl-C."""
    from dashboards.server import command

    free = _free_or_next(port)
    if free != port:
        note(f"Port {port} is taken by another program; the dashboards are on {free} instead.")
    url = f"http://127.0.0.1:{free}"
    print(f"\n   Dashboards: {url}   (Ctrl-C stops)", flush=True)
    supervise({"dashboards": command(free)}, ready=url, open_browser=open_browser)


def supervise(services: Mapping[str, list[str]], *, ready: str | None = None, open_browser: bool = False) -> None:
    """Run the services until one ends or a stop signal comes, then stop them all.

    They end with this process, however it ends. What they say is one log on stderr, each line with
    its service's name.

    Raises:
        MillstreamError: a service ended by itself.
    """
    from dashboards.server import working_folder

    # The children run where the theme and the workspace lie and so read another `.env`, or none.
    environment = {**os.environ, **load_settings().environment(), "PYTHONUNBUFFERED": "1"}
    stopping = _on_stop_signal()
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, argv in services.items():
            running[name] = subprocess.Popen(
                tied(argv),
                start_new_session=True,
                cwd=working_folder(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        width = max(map(len, running))
        for name, process in running.items():
            threading.Thread(target=_tell, args=(f"{name:{width}} | ", process.stdout), daemon=True).start()
        if ready is not None and open_browser and _answers(ready, stopping):
            webbrowser.open(ready)
        while not stopping:
            for name, process in running.items():
                if process.poll() is not None:
                    raise MillstreamError(
                        f"{name} ended with code {process.returncode}; the other services were stopped."
                    )
            time.sleep(0.2)
    finally:
        _stop(running)


def _on_stop_signal() -> list[int]:
    received: list[int] = []

    def note_it(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note_it)
    return received


def _stop(running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    # Each service leads its own group, so that its children go with it.
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(process.poll() is None for process in running.values()):
            time.sleep(0.1)


def _answers(url: str, stopping: list[int]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not stopping:
        try:
            with urlopen(url, timeout=2):
                return True
        except OSError:
            time.sleep(0.3)
    return False


def _tell(prefix: str, said: IO[bytes]) -> None:
    """Pass on what a service says, line by line; colours only where somebody sees them."""
    for raw in said:
        line = raw.decode(errors="replace").rstrip()
        if not sys.stderr.isatty():
            line = _COLOUR.sub("", line)
        if line:
            note(prefix + line)


def _free(port: int, *, others: int) -> int | None:
    """This port or one of the next `others` that nobody listens on; None where all are taken."""
    for candidate in range(port, port + others + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    return None


def _free_or_next(port: int) -> int:
    """This port, or the next one that nobody listens on."""
    found = _free(port, others=19)
    if found is None:
        raise MillstreamError(f"ports {port} to {port + 19} are all taken. Stop a program or choose another --port.")
    return found
