"""Open a page in the browser, watch what it asks for, wait until it is drawn, and judge what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

Scheme = Literal["light", "dark"]
DRAWN_MS = 30_000
PATHS = {
    "overview": "/",
    "revenue": "/revenue",
    "revenue-movements": "/revenue?tab=Movements&cell=new~2026-11-01",
    "revenue-cash": "/revenue?tab=Cash",
    "revenue-profiles": "/revenue?tab=Profiles",
    "subscriptions": "/subscriptions",
    "subscriptions-cohorts": "/subscriptions?tab=Cohorts",
    "subscriptions-value": "/subscriptions?tab=Value",
    "subscriptions-survival": "/subscriptions?tab=Survival",
    "subscriptions-trials": "/subscriptions?tab=Trials",
    "subscriptions-outlook": "/subscriptions?tab=Outlook",
    "funnel": "/funnel",
    "funnel-split": "/funnel?steps=Home~Signed Up!optional~stripe:invoice_paid&window=90 days&split=referrer",
    "trends": "/trends",
    "paths": "/paths",
    "retention": "/retention",
    "segments": "/segments",
    "campaigns": "/campaigns",
    "customers": "/customers",
    "customer": "/customers?person={person}",
    "data_health": "/data_health",
}
"""Every page and every tab of one; `{person}` stands for somebody whom the data know."""
FURTHER = {name for name, path in PATHS.items() if "?" in path and "{person}" not in path}
"""Further tabs and questions of a page that is here as it opens first."""
CHARTS = {
    "overview": 2,
    "revenue": 1,
    "revenue-movements": 1,
    "revenue-cash": 1,
    "revenue-profiles": 1,
    "subscriptions": 1,
    "subscriptions-survival": 1,
    "subscriptions-trials": 1,
    "funnel": 1,
    "funnel-split": 1,
    "trends": 1,
    "paths": 1,
}
"""How many pictures a page with data draws."""

TOLERATED = (
    ("svg-img-alt", "[data-testid=stMetricChart]"),
    ("target-size", "[data-testid=stMultiSelect]"),
)
"""Serious findings of axe inside widgets of Streamlit's own, by rule and by where they may stand; no others may be."""

_IDLE = """
() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
      && document.querySelectorAll('[data-testid=stSkeleton]').length === 0
"""
_FINDINGS = """
async tolerated => {
    const told = await axe.run(document, {resultTypes: ['violations']});
    const is_known = (rule, target) => tolerated.some(
        ([known, place]) => known === rule && document.querySelector(target)?.closest(place));
    return told.violations
        .filter(found => ['serious', 'critical'].includes(found.impact))
        .flatMap(found => found.nodes.map(node => [found.id, node.target.flat().join(' ')]))
        .filter(([rule, target]) => !is_known(rule, target))
        .map(finding => finding.join(': '));
}
"""
_COLOURS = """
canvases => canvases.map(canvas => {
    const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(drawn.buffer)).size;
})
"""

_CUT = """
places => [...document.querySelectorAll('[data-testid=stMain] *')].filter(element => {
    const says = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!says || box.width < 2 || element.closest(places) || !element.checkVisibility()) return false;
    const style = getComputedStyle(element);
    const hides = style.overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1;
    const spills = style.display !== 'inline' && style.overflowX === 'visible'
        && element.scrollWidth > element.clientWidth + 1;
    return hides || spills || box.left < -1 || box.right > window.innerWidth + 1;
}).map(element => `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 60)}`)
"""
_SCROLLED = ".ms-scroll, .ms-heat-scroll, pre, iframe, [data-testid=stDataFrame], [role=tablist], caption, option"
"""Where what is wider than its place can be scrolled to, or is there for screen readers only."""


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


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

    def follow(self, link: str) -> None:
        """Choose the first link of the page itself that reads so, and wait for what it leads to."""
        self.page.get_by_test_id("stMain").get_by_role("link", name=link).first.click()
        self.page.wait_for_load_state()
        self.settle()

    def text(self) -> str:
        """What can be read on the page."""
        return self.page.get_by_test_id("stMain").inner_text()

    def strangers(self) -> list[str]:
        """Addresses of other hosts than ours."""
        ours = urlsplit(self.site).netloc
        return [found for found in self.asked if urlsplit(found).netloc not in ("", ours)]

    def barriers(self) -> list[str]:
        """What axe finds serious or critical on the page, but for what is tolerated."""
        self.page.evaluate(_axe())
        return list(self.page.evaluate(_FINDINGS, [list(known) for known in TOLERATED]))

    def colours_of_charts(self, charts: int) -> list[int]:
        """How many colours each of the page's charts has once all of them are drawn; a blank one has one."""
        canvases = self.page.locator("[data-testid=stEChartsChart] canvas")
        canvases.nth(charts - 1).wait_for(timeout=DRAWN_MS)
        self.page.wait_for_timeout(300)
        return list(canvases.evaluate_all(_COLOURS))

    def overflow(self, width: int) -> int:
        """Pixels by which the page is wider than a window of this width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        return int(self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"))

    def cut(self) -> list[str]:
        """Text that does not fit where it stands and can not be scrolled to."""
        return list(self.page.evaluate(_CUT, _SCROLLED))

    def picture(self, path: Path) -> None:
        """Leave a picture of the whole page."""
        self.page.wait_for_timeout(300)
        tall = self.page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
        size = self.page.viewport_size or {"width": 1280}
        self.page.set_viewport_size({"width": size["width"], "height": min(int(tall) + 20, 4000)})
        self.page.wait_for_timeout(200)
        self.page.screenshot(path=path)

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


@contextmanager
def glancing(context: BrowserContext, site: str) -> Iterator[Sight]:
    """One more page in a profile that has seen the site before: its scripts are cached."""
    page = context.new_page()
    try:
        yield Sight(page, site)
    finally:
        page.close()
