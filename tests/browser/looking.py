"""Open a page in the browser, watch what it asks for, wait until it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]
DRAWN_MS = 30_000
PATHS = {
    "overview": "/",
    "funnel": "/funnel",
    "retention": "/retention",
    "campaigns": "/campaigns",
    "data_health": "/data_health",
}
_IDLE = """
() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
      && document.querySelectorAll('[data-testid=stSkeleton]').length === 0
"""


class Sight:
    """One open page, with every address it asked for."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.asked: list[str] = []
        self.mistakes: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("pageerror", lambda problem: self.mistakes.append(str(problem)))
        page.on("console", lambda line: self._told(line.type, line.text))

    def open(self, path: str) -> None:
        """Go there and wait for the footer and the last script."""
        self.page.goto(self.site + path)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is running any more."""
        self.page.wait_for_selector("footer", timeout=DRAWN_MS)
        self.page.wait_for_function(_IDLE, timeout=DRAWN_MS)

    def strangers(self) -> list[str]:
        """Addresses of other hosts than ours."""
        ours = urlsplit(self.site).netloc
        return [found for found in self.asked if urlsplit(found).netloc not in ("", ours)]

    def _told(self, kind: str, text: str) -> None:
        # On a page's own address Streamlit first tries a base path beneath it, and then the right one.
        if kind == "error" and "404" not in text:
            self.mistakes.append(text)


@contextmanager
def looking(browser: Browser, site: str, *, scheme: Scheme = "light", width: int = 1280) -> Iterator[Sight]:
    """A new profile with an empty cache."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    try:
        yield Sight(context.new_page(), site)
    finally:
        context.close()
