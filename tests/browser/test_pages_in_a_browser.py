from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, TimeoutError

from dashboards.parts.follow import SECONDS
from pipelines.warehouse import Warehouse, publish
from pipelines.warehouse.lake import refresh_lake_view
from tests.browser.looking import CHARTS, FURTHER, PATHS, Scheme, Sight, glancing, looking
from tests.dashboards.places import CAMPAIGN, NOW, settings_of

pytestmark = pytest.mark.browser
EACH_PAGE = pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.long) if page in FURTHER else page for page in PATHS]
)
PIXELS: dict[Scheme, str] = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 21, 28)"}
_OURS = "() => [...document.querySelectorAll('.stHtml')].map(part => part.innerHTML).join()"
"""The parts of a page that are ours to colour."""
WIDTHS = (1920, 390, 1280)
Profiles = dict[Scheme, BrowserContext]


@EACH_PAGE
def test_a_page_is_drawn_whole_for_everybody_and_asks_no_other_host(
    profiles: Profiles, filled_site: str, person: str, shots: Path | None, page: str
) -> None:
    """One visit, many questions: no mistake, the theme's ground, charts with colours, no barrier, every width.

    Half way the visitor's system turns dark, and the open page follows.
    """
    with glancing(profiles["light"], filled_site) as sight:
        # The page looks now and then what changed; the browser's clock is put forward to that moment.
        sight.page.clock.install()
        sight.open(PATHS[page].format(person=person))
        light = sight.page.evaluate(_OURS)
        for scheme in PIXELS:
            if scheme == "dark":
                sight.page.emulate_media(color_scheme="dark")
                _follow(sight, light)
            _is_drawn_whole(sight, scheme, CHARTS.get(page, 0))
            for width in WIDTHS:
                assert sight.overflow(width) <= 0, width
                assert sight.cut() == [], width
                if shots is not None:
                    sight.picture(shots / f"{page}-{scheme}-{width}.png")
        assert sight.strangers() == []
        assert sight.mistakes == []


def _follow(sight: Sight, before: str) -> None:
    """Put the clock forward until the page has looked at what changed; it may be just about to set its alarm."""
    for _ in range(20):
        sight.page.clock.fast_forward(1000 * (SECONDS + 1))
        with suppress(TimeoutError):
            sight.page.wait_for_function(f"before => ({_OURS})() !== before", arg=before, timeout=1_500)
            return sight.settle()
    raise AssertionError("the page did not follow")


def _is_drawn_whole(sight: Sight, scheme: Scheme, charts: int) -> None:
    for test_id in ("stException", "stAlertContentError"):
        assert sight.page.get_by_test_id(test_id).count() == 0
    ground = sight.page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    assert ground == PIXELS[scheme]
    if charts:
        colours = sight.colours_of_charts(charts)
        assert len(colours) == charts
        assert min(colours) > 5
    assert sight.barriers() == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_an_empty_folder_gives_honest_pages(
    profiles: Profiles, empty_site: str, shots: Path | None, scheme: Scheme
) -> None:
    """One visit to the site; its pages by the links beside them."""
    with glancing(profiles[scheme], empty_site) as sight:
        sight.open("/")
        links = sight.page.get_by_test_id("stSidebarNavLink")
        assert links.count() == len([path for path in PATHS.values() if "?" not in path])
        for number in range(links.count()):
            links.nth(number).click()
            title = links.nth(number).inner_text().split("\n")[-1]
            sight.page.get_by_role("heading", name=title, level=1).wait_for()
            sight.settle()
            assert sight.page.get_by_test_id("stException").count() == 0
            assert sight.page.get_by_text("No data published yet").count() == 1
            assert sight.barriers() == [], title
            if shots is not None:
                sight.picture(shots / f"{title}-{scheme}-empty.png")
                sight.page.set_viewport_size({"width": 1280, "height": 900})
        assert sight.strangers() == []
        assert sight.mistakes == []


def test_a_view_can_be_sent_as_a_link(browser: Browser, profiles: Profiles, filled_site: str) -> None:
    with glancing(profiles["light"], filled_site) as sight:
        sight.open("/")
        sight.page.get_by_role("radio", name="90d").or_(sight.page.get_by_text("90d", exact=True)).first.click()
        sight.page.wait_for_url("**range=90d**")
        link = sight.page.url.removeprefix(filled_site)
    with looking(browser, filled_site) as sight:
        sight.open(link)
        assert "range=90d" in sight.page.url
        chosen = sight.page.locator("[kind=segmented_controlActive], [aria-checked=true], [aria-pressed=true]")
        assert "90d" in chosen.all_inner_texts()


def test_the_campaign_in_the_list_has_its_certificate(profiles: Profiles, filled_site: str) -> None:
    with glancing(profiles["light"], filled_site) as sight:
        sight.open("/campaigns")
        assert sight.page.get_by_role("cell", name=CAMPAIGN, exact=True).count() == 1
        assert sight.page.get_by_text("audience", exact=False).first.is_visible()
        # The subject holds a picture from another host as text; it stays text.
        assert sight.page.locator("img[src*='elsewhere']").count() == 0
        assert sight.strangers() == []


def test_an_open_page_shows_a_new_snapshot_without_a_restart(
    profiles: Profiles,
    filled_folder: Path,
    serve: Callable[[Path], AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    settings = settings_of(folder)
    with serve(folder) as site, glancing(profiles["light"], site) as sight:
        # The page looks for a newer snapshot now and then; the browser's clock is put forward to that moment.
        sight.page.clock.install()
        sight.open("/data_health")
        assert "snapshot 1" in sight.page.locator("footer").inner_text()
        assert "of a later snapshot" not in sight.text()
        # A publish of one changed table, without a build before it.
        with Warehouse(settings).write("a later publish") as connection:
            refresh_lake_view(connection, settings)
            connection.execute(
                "update health.sources set source = 'stripe, of a later snapshot' where source = 'stripe'"
            )
            publish(connection, settings, as_of=NOW + timedelta(hours=5), now=NOW + timedelta(hours=6))
        sight.page.clock.fast_forward(1000 * (SECONDS + 1))
        sight.page.get_by_text("snapshot 2").wait_for()
        sight.settle()
        assert "stripe, of a later snapshot" in sight.text()
        assert "Data as of 05:00, 24 Nov (UTC)" in sight.text()
        assert sight.mistakes == []


def test_scripts_travel_compressed(filled_site: str) -> None:
    with urlopen(filled_site, timeout=10) as answer:
        page = answer.read().decode()
    script = page.split('src="', 1)[1].split('"', 1)[0].lstrip("./")
    asked = Request(f"{filled_site}/{script}", headers={"Accept-Encoding": "gzip"})
    with urlopen(asked, timeout=10) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
