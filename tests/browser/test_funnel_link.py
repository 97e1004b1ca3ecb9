"""A funnel is built by clicks, and its link opens the same numbers for somebody else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.looking import looking

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_a_funnel_built_by_clicks_opens_from_its_link_in_a_fresh_profile(browser: Browser, filled_site: str) -> None:
    with looking(browser, filled_site) as sight:
        sight.open("/funnel?steps=Pricing~Home&days=2026-09-01&days=2026-11-23&graph=steps")
        sight.page.locator(".st-key-arrow_upward_1 button").first.click()
        sight.page.wait_for_url("**steps=Home~Pricing**")
        sight.page.locator(".st-key-content_copy_0 button").first.click()
        sight.page.wait_for_url("**steps=Home~Home~Pricing**")
        sight.page.get_by_text("In more than one step: Home.").wait_for()
        sight.settle()
        numbers = sight.page.locator("table").first.inner_text()
        link = sight.page.url.removeprefix(filled_site)
        assert sight.mistakes == []
    with looking(browser, filled_site) as sight:
        sight.open(link)
        sight.page.locator("table").first.wait_for()
        assert sight.page.locator("table").first.inner_text() == numbers
        assert numbers.count("Home") == 2
        assert sight.mistakes == []
