"""A campaign over SMTP as it arrives: its headers, both parts, and its HTML as a browser draws it."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Request, expect

from pipelines.campaigns import approve, parse_campaign, save
from pipelines.delivery import send
from pipelines.privacy import ConsentRow, import_consents
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.mail.mail_server import Postbox, receiving
from tests.segments.people import NOW, person, publish_people

pytestmark = pytest.mark.browser

MJML = """
<mjml>
  <mj-head><mj-attributes><mj-all font-family="Helvetica, Arial, sans-serif" /></mj-attributes></mj-head>
  <mj-body background-color="#EEF1F5">
    <mj-section background-color="#FFFFFF" padding="32px">
      <mj-column>
        <mj-text font-size="24px" color="#14324A">Hello {{ first_name | default('there') }}</mj-text>
        <mj-text font-size="16px" line-height="24px">Grüße aus Ely: reports open twice as fast now.</mj-text>
        <mj-button background-color="#14324A" href="https://example.com/news?from=mail&amp;to=you">See what is new</mj-button>
      </mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-text font-size="12px" color="#5B6675" align="center">
          {{ postal_address }}<br /><a href="{{ unsubscribe_url }}">Unsubscribe</a>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""
DOCUMENT = {
    "name": "win-back",
    "segment": "everybody",
    "from": {"email": "news@northwind.example", "name": "Northwind, Digital"},
    "subject": "{{ first_name | default('Hello') }}, here is what is new",
    "body": "news.mjml",
}
NAME = "Jürgen <b>& Co</b>"


def received(tmp_path: Path) -> dict[str, EmailMessage]:
    """The mails of a campaign to two people, by whom they reached."""
    postbox = Postbox()
    with receiving(postbox) as at:
        settings = Settings(
            MILLSTREAM_DATA_DIR=tmp_path / "data",
            MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely",
            MILLSTREAM_MAILER="smtp",
            MILLSTREAM_SEND_MODE="live",
            MILLSTREAM_SMTP_URL=f"smtp://{at}",
            MILLSTREAM_FROM_EMAIL="news@northwind.example",
            MILLSTREAM_PUBLIC_URL="https://news.example.org",
        )
        engine = open_state(settings)
        publish_people(settings, [person(0, first_name=NAME), person(1, first_name=None)])
        rows = [ConsentRow(n, email=f"p{n}@example.com", source="form", at=NOW) for n in range(2)]
        import_consents(engine, rows, NOW)
        save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
        (tmp_path / "news.mjml").write_text(MJML, encoding="utf-8")
        save(engine, parse_campaign(yaml.safe_dump(DOCUMENT), tmp_path), NOW)
        approve(engine, settings, "win-back", NOW, user="ann")
        done = send(settings, "win-back", lambda: NOW)
    assert (done.state, done.accepted) == ("sent", 2)
    mails = {}
    for envelope in postbox.mails:
        assert envelope.original_content is not None
        (address,) = envelope.rcpt_tos
        mails[address] = email.message_from_bytes(envelope.original_content, policy=default)
    assert mails.keys() == {"p0@example.com", "p1@example.com"}
    return mails


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_a_campaign_arrives_with_its_headers_and_is_drawn_as_it_was_written(
    browser: Browser, tmp_path: Path, shots: Path | None
) -> None:
    mail = received(tmp_path)["p0@example.com"]
    link = mail["List-Unsubscribe"].strip("<>")
    assert link.startswith("https://news.example.org/u/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Northwind, Digital", "news@northwind.example")
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"].endswith("@northwind.example>")
    assert mail["Subject"] == f"{NAME}, here is what is new"
    plain = part(mail, "plain")
    for words in (f"Hello {NAME}", "Grüße aus Ely", "Mill Lane 1, Ely", link):
        assert words in plain

    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    for name, width in (("wide", 800), ("phone", 390)):
        page = browser.new_page(viewport={"width": width, "height": 700}, java_script_enabled=False)
        page.on("request", note)
        page.set_content(part(mail, "html"))
        # The name is text: what looks like a tag in it stays what it is.
        expect(page.get_by_text(f"Hello {NAME}")).to_be_visible()
        expect(page.get_by_text("Grüße aus Ely: reports open twice as fast now.")).to_be_visible()
        expect(page.get_by_text("Mill Lane 1, Ely")).to_be_visible()
        button, leave = page.get_by_role("link", name="See what is new"), page.get_by_role("link", name="Unsubscribe")
        expect(button).to_be_visible()
        expect(button).to_have_attribute("href", "https://example.com/news?from=mail&to=you")
        expect(leave).to_be_visible()
        expect(leave).to_have_attribute("href", link)
        if shots is not None:
            page.screenshot(path=shots / f"received-mail-{name}.png", full_page=True)
        body = page.locator("body").bounding_box()
        assert body is not None
        assert body["width"] <= width
        page.close()
    assert asked == []
