"""Real servers over real folders, and a headless Chromium that looks at them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from dashboards.server import command, url, working_folder
from pipelines.people import search
from pipelines.warehouse import SnapshotReader
from tests.browser.looking import Scheme
from tests.dashboards.places import fill

START_SECONDS = 60.0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Without one the tests are skipped, in CI they fail."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        message = "no Chromium was found on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def filled_folder(built_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(built_folder, tmp_path_factory.mktemp("filled") / "data")


@pytest.fixture(scope="session")
def filled_site(filled_folder: Path) -> Iterator[str]:
    with serving(filled_folder) as address:
        yield address


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("empty") / "data") as address:
        yield address


@pytest.fixture(scope="session")
def shots() -> Path | None:
    """Where pictures of the pages are left for people to look at, if they want any."""
    chosen = os.environ.get("MILLSTREAM_TEST_SHOTS")
    if chosen is None:
        return None
    Path(chosen).mkdir(parents=True, exist_ok=True)
    return Path(chosen)


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> Iterator[dict[Scheme, BrowserContext]]:
    """One profile per theme for all tests that need no new one: only the first page is cold."""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    opened = {
        scheme: browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900}) for scheme in schemes
    }
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture(scope="session")
def person(filled_folder: Path) -> str:
    """Somebody who paid: the customer with the highest MRR."""
    snapshot = SnapshotReader(filled_folder / "published").current()
    assert snapshot is not None
    return str(search(snapshot, size=1).rows[0]["person_id"])


@pytest.fixture
def serve() -> Callable[..., object]:
    """Serve one more folder for the length of a `with` block."""
    return serving


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[str]:
    """The dashboards over a folder, as a process of their own on a free loopback port; `more` are settings."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
    process = subprocess.Popen(
        command(port),
        cwd=working_folder(),
        env={**environment, "MILLSTREAM_DATA_DIR": str(folder), **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(process, port)
        yield url(port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the dashboards ended with code {process.returncode}")
        try:
            with urlopen(f"{url(port)}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the dashboards did not answer in time")
