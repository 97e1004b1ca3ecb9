"""Opening pages and changing a filter in a headless Chromium, against an empty Streamlit page in the same run.

Cold is a new browser profile over a warm server, warm the same profile again. The pages stand over
the demo's folder; the median of several rounds counts.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

from dashboards.server import command, working_folder

ROUNDS = 5
PAGES = {"overview": "/", "funnel": "/funnel", "retention": "/retention"}
_IDLE = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
_EMPTY = "import streamlit as st\nst.html('<footer>nothing</footer>')\n"


def measure() -> str:
    """Seconds and ratios per page: open cold, open warm; and a change of the funnel's window."""
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        data = Path(name) / "data"
        _make_demo(data)
        empty = Path(name) / "empty.py"
        empty.write_text(_EMPTY)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        port = _free_port()
        bare = [part if not part.endswith("asgi.py") else str(empty) for part in command(port)]
        with _serving(bare, port, {}) as site:
            floor = _opened(browser, site)
        port = _free_port()
        with _serving(command(port), port, {"MILLSTREAM_DATA_DIR": str(data)}) as site:
            found = {page: _opened(browser, site + path) for page, path in PAGES.items()}
            change = median(_changed(browser, f"{site}/funnel") for _ in range(ROUNDS))
        browser.close()
    parts = [
        f"{page} cold {cold / floor[0]:.2f} ({cold:.2f} s), warm {warm / floor[1]:.2f} ({warm:.2f} s)"
        for page, (cold, warm) in found.items()
    ]
    return (
        f"an empty page: cold {floor[0]:.2f} s, warm {floor[1]:.2f} s; as multiples of it: {'; '.join(parts)}; "
        f"another window of the funnel {change / floor[1]:.2f} of the empty page's warm opening ({change:.2f} s)"
    )


def _opened(browser: Browser, address: str) -> tuple[float, float]:
    """Cold and warm; the very first visit, which fills the server's caches, does not count."""
    cold, warm = [], []
    for number in range(ROUNDS + 1):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        first = _time(lambda: _open(page, address))  # noqa: B023 (called at once)
        second = _time(lambda: _open(page, address))  # noqa: B023
        context.close()
        if number:
            cold.append(first)
            warm.append(second)
    return median(cold), median(warm)


def _changed(browser: Browser, address: str) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    _open(page, address)
    page.get_by_label("Within").click()

    def choose() -> None:
        page.get_by_role("option", name="30 days").click()
        page.wait_for_url("**window=30**")
        page.wait_for_function(_IDLE)

    seconds = _time(choose)
    context.close()
    return seconds


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("footer")
    page.wait_for_function(_IDLE)


def _time(act: Callable[[], None]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _make_demo(folder: Path) -> None:
    program = [
        str(Path(sys.executable).with_name("millstream")),
        "demo",
        "--until",
        "2026-11-24",
        "--once",
        "--no-open",
    ]
    environment = {**os.environ, "MILLSTREAM_DATA_DIR": str(folder)}
    subprocess.run(program, env=environment, check=True, capture_output=True)


@contextmanager
def _serving(program: list[str], port: int, settings: dict[str, str]) -> Iterator[str]:
    server = subprocess.Popen(
        program,
        cwd=working_folder(),
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    site = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                with urlopen(f"{site}/_stcore/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        yield site
    finally:
        server.terminate()
        server.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
