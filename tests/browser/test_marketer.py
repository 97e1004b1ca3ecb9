"""The marketer's journey: a segment drawn on screen, its campaign looked at, approved, sent, and the proof."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from dashboards.queries.rules import document_of
from pipelines.campaigns import show
from pipelines.delivery import report
from pipelines.mail import Outbox
from pipelines.segments import load, members, reach
from pipelines.settings import machine_user
from pipelines.state import open_state
from tests.browser.looking import looking
from tests.building import newest
from tests.dashboards.places import settings_of

pytestmark = pytest.mark.browser
SLOW = 30_000


def choose(page: Page, label: str, option: str, typed: str = "") -> None:
    """Open a list and choose; the page may close it once, while it draws what was chosen before."""
    wanted = page.get_by_role("option", name=option, exact=True)
    for _ in range(5):
        # The page may also have the list of before and its successor at once, which fails at once: give it a moment.
        with suppress(Error):
            page.get_by_label(label).click(timeout=SLOW / 5)
            if typed:
                page.get_by_label(label).fill(typed)
            return wanted.click(timeout=SLOW / 5)
        page.keyboard.press("Escape")
        page.wait_for_timeout(1_000)
    raise AssertionError(f"{label} does not offer {option!r}")


def test_from_a_segment_on_screen_to_a_sent_campaign_with_its_certificate(
    browser: Browser,
    filled_folder: Path,
    serve: Callable[..., AbstractContextManager[str]],
    shots: Path | None,
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    settings, snapshot = settings_of(folder), newest(folder)
    engine = open_state(settings)
    everybody = document_of("draft", "", {"all": [{"trait": {"field": "email", "op": "is_set"}}]})
    told = {"MILLSTREAM_CONSENT": settings.consent, "MILLSTREAM_POSTAL_ADDRESS": settings.postal_address}
    with serve(folder, **told) as site, looking(browser, site) as sight:
        page = sight.page
        sight.open("/segments")
        # Draw the rule: whose e-mail is known.
        choose(page, "Kind", "Property")
        sight.settle()
        choose(page, "Field", "email", typed="email")
        sight.settle()
        choose(page, "Comparison", "is known")
        size = len(members(snapshot, everybody))
        expect(page.locator("[data-figure=People]")).to_have_text(f"{size:,}", timeout=SLOW)
        mailable = reach(engine, snapshot, everybody, settings.consent)["mailable"]
        expect(page.locator("[data-figure='May be mailed']")).to_have_text(f"{mailable:,}")
        expect(page.get_by_text("Everybody whose email is known.")).to_be_visible()
        page.get_by_label("Name", exact=True).fill("reachable")
        page.get_by_role("button", name="Save segment").click()
        expect(page.get_by_text("Segment reachable is saved.")).to_be_visible(timeout=SLOW)
        assert "segment=reachable" in page.url
        assert members(snapshot, load(engine, "reachable")) == members(snapshot, everybody)
        if shots is not None:
            page.screenshot(path=shots / "marketer-segment.png", full_page=True)

        # Write the campaign and look at it as one person.
        page.get_by_role("link", name="Campaigns").click()
        sight.settle()
        page.get_by_text("New campaign", exact=True).click()
        page.get_by_label("Name of the campaign").fill("hello-all")
        choose(page, "To the segment", "reachable")
        page.get_by_role("button", name="Save as a draft").click()
        mail = page.frame_locator("iframe[title='The mail as its reader sees it']")
        expect(mail.get_by_text("Say here what is new.")).to_be_visible(timeout=SLOW)
        expect(page.get_by_role("cell", name="hello-all", exact=True)).to_be_visible()
        if shots is not None:
            page.screenshot(path=shots / "marketer-preview.png", full_page=True)
        page.get_by_role("button", name="Approve").click()
        send = page.get_by_role("button", name=f"Send to {mailable} people")
        expect(send).to_be_visible(timeout=SLOW)
        assert show(engine, "hello-all")["approved_by"] == machine_user()

        # Send it, impatiently: whoever sees the button still there presses it again.
        sight.settle()
        for _ in range(3):
            if send.is_visible():
                send.dblclick()
            sight.settle()
        expect(page.get_by_text("it adds up")).to_be_visible(timeout=60_000)
        found = report(engine, "hello-all", Outbox(settings.outbox_dir))
        assert (found["state"], found["accepted"]) == ("sent", mailable)
        assert page.get_by_text(found["certificate"], exact=True).is_visible()
        assert found["certificate"].endswith("duplicates 0, missing 0, ambiguous 0")
        if shots is not None:
            page.screenshot(path=shots / "marketer-report.png", full_page=True)
        assert sight.strangers() == []
        assert sight.mistakes == []
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (settings.outbox_dir / "hello-all").glob("*.eml")
    ]
    to = Counter(str(one["To"]) for one in mails)
    assert len(to) == mailable
    assert set(to.values()) == {1}
