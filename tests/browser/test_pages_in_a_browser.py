from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser

from pipelines.operations.ingest import prepare_warehouse
from pipelines.warehouse import Warehouse, publish
from tests.browser.looking import PATHS, Scheme, looking
from tests.dashboards.places import CAMPAIGN, NOW, settings_of

pytestmark = pytest.mark.browser
EACH_PAGE = pytest.mark.parametrize("page", PATHS)
EACH_SCHEME = pytest.mark.parametrize("scheme", ["light", "dark"])
PIXELS = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 21, 28)"}


@EACH_SCHEME
@EACH_PAGE
def test_a_page_is_drawn_without_a_mistake_and_asks_no_other_host(
    browser: Browser, filled_site: str, shots: Path, page: str, scheme: Scheme
) -> None:
    with looking(browser, filled_site, scheme=scheme) as sight:
        sight.open(PATHS[page])
        for test_id in ("stException", "stAlertContentError"):
            assert sight.page.get_by_test_id(test_id).count() == 0
        ground = sight.page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
        assert ground == PIXELS[scheme]
        sight.page.screenshot(path=shots / f"{page}-{scheme}.png", full_page=True)
        assert sight.strangers() == []
        assert sight.mistakes == []


@EACH_SCHEME
@EACH_PAGE
def test_an_empty_folder_gives_honest_pages(
    browser: Browser, empty_site: str, shots: Path, page: str, scheme: Scheme
) -> None:
    with looking(browser, empty_site, scheme=scheme) as sight:
        sight.open(PATHS[page])
        assert sight.page.get_by_test_id("stException").count() == 0
        assert sight.page.get_by_text("No data published yet").count() == 1
        sight.page.screenshot(path=shots / f"{page}-{scheme}-empty.png", full_page=True)
        assert sight.strangers() == []
        assert sight.mistakes == []


def test_charts_are_drawn_and_not_blank(browser: Browser, filled_site: str) -> None:
    with looking(browser, filled_site) as sight:
        sight.open("/")
        sight.page.wait_for_selector("canvas")
        sight.page.wait_for_timeout(500)
        colours = sight.page.locator("canvas").evaluate_all(
            """canvases => canvases.map(canvas => {
                const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                return new Set(new Uint32Array(drawn.buffer)).size;
            })"""
        )
        assert len(colours) == 2
        assert min(colours) > 5


def test_a_view_can_be_sent_as_a_link(browser: Browser, filled_site: str) -> None:
    with looking(browser, filled_site) as sight:
        sight.open("/")
        sight.page.get_by_role("radio", name="90d").or_(sight.page.get_by_text("90d", exact=True)).first.click()
        sight.page.wait_for_url("**range=90d**")
        link = sight.page.url.removeprefix(filled_site)
    with looking(browser, filled_site) as sight:
        sight.open(link)
        assert "range=90d" in sight.page.url
        chosen = sight.page.locator("[kind=segmented_controlActive], [aria-checked=true], [aria-pressed=true]")
        assert "90d" in chosen.all_inner_texts()


def test_the_campaign_in_the_list_has_its_certificate(browser: Browser, filled_site: str) -> None:
    with looking(browser, filled_site) as sight:
        sight.open("/campaigns")
        assert sight.page.get_by_role("cell", name=CAMPAIGN, exact=True).count() == 1
        assert sight.page.get_by_text("audience", exact=False).first.is_visible()
        # The subject holds a picture from another host as text; it stays text.
        assert sight.page.locator("img[src*='elsewhere']").count() == 0
        assert sight.strangers() == []


def test_an_open_page_shows_a_new_snapshot_without_a_restart(
    browser: Browser,
    filled_folder: Path,
    serve: Callable[[Path], AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    settings = settings_of(folder)
    with serve(folder) as site, looking(browser, site) as sight:
        sight.open("/")
        assert "snapshot 1" in sight.page.locator("footer").inner_text()
        prepare_warehouse(settings, purpose="a later build")
        with Warehouse(settings).write("a later build") as connection:
            publish(connection, settings, as_of=NOW + timedelta(hours=5), now=NOW + timedelta(hours=6))
        sight.page.get_by_text("snapshot 2").wait_for(timeout=60_000)
        assert "Data as of 05:00, 24 Nov (UTC)" in sight.page.get_by_test_id("stMain").inner_text()
        assert sight.mistakes == []


def test_scripts_travel_compressed(filled_site: str) -> None:
    with urlopen(filled_site, timeout=10) as answer:
        page = answer.read().decode()
    script = page.split('src="', 1)[1].split('"', 1)[0].lstrip("./")
    asked = Request(f"{filled_site}/{script}", headers={"Accept-Encoding": "gzip"})
    with urlopen(asked, timeout=10) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
