"""An analyst's way: from the overview to one customer, and the same numbers for whoever gets the link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.looking import Scheme, Sight, glancing, looking

pytestmark = pytest.mark.browser
AMOUNT = re.compile(r"[−-]?[$€£¥][\d,]+(?:\.\d+)?")


def numbers(sight: Sight) -> list[str]:
    """Every amount on the page, in order."""
    return AMOUNT.findall(sight.text())


def test_from_a_number_to_the_person_behind_it_and_back(
    browser: Browser, profiles: dict[Scheme, BrowserContext], filled_site: str, shots: Path | None
) -> None:
    with glancing(profiles["light"], filled_site) as sight:
        sight.open("/")
        tile = sight.page.locator(".ms-card", has_text="MRR").first.locator(".ms-value").inner_text()
        sight.follow("MRR")
        assert f"closing {tile}" in sight.text()
        assert "difference 0.00" in sight.text()

        sight.page.get_by_role("tab", name="Movements").click()
        sight.page.wait_for_url("**tab=Movements**")
        sight.settle()
        cell = sight.page.locator(".ms-dense tbody tr:last-child td:nth-child(3) a")
        amount, people = re.fullmatch(r"(.+) \((\d+)\)", cell.inner_text()).groups()  # type: ignore[union-attr]
        cell.click()
        sight.page.wait_for_url("**cell=new**")
        sight.settle()
        assert f"{people} customers · {amount} in all" in sight.text()
        behind = sight.page.get_by_role("region", name="Customers behind this number")
        row = behind.locator("tbody tr").first
        name, day = row.locator("a").inner_text(), row.locator("td").nth(1).inner_text()
        movements_link, movements = sight.page.url, numbers(sight)

        row.locator("a").click()
        sight.page.wait_for_url("**/customers?person=**")
        sight.settle()
        assert sight.page.get_by_role("heading", name=name, level=1).is_visible()
        sight.page.get_by_role("button", name="event").or_(sight.page.get_by_text("event", exact=True)).first.click()
        sight.page.wait_for_url("**kinds=**")
        sight.settle()
        story = sight.page.get_by_role("region", name="What happened, the newest first")
        assert story.locator("tr", has_text="mrr").filter(has_text=day).count() > 0
        customer_link, customer = sight.page.url, numbers(sight)
        if shots is not None:
            sight.picture(shots / "journey-customer.png")

        with looking(browser, filled_site) as colleague:
            for link, told in ((customer_link, customer), (movements_link, movements)):
                assert told
                colleague.open(link.removeprefix(filled_site))
                assert numbers(colleague) == told
            assert colleague.mistakes == []

        sight.page.go_back()
        sight.page.wait_for_url("**cell=new**")
        sight.settle()
        assert numbers(sight) == movements
        assert sight.mistakes == []
