"""What each answer of SendGrid's means, over real HTTP, and that nothing secret or personal is told of it."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sendgrid.helpers.mail import (
    Category,
    ClickTracking,
    Content,
    CustomArg,
    Email,
    Header,
    MailSettings,
    OpenTracking,
    Personalization,
    SandBoxMode,
    Subject,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from sendgrid.helpers.mail import Mail as OfficialMail

from pipelines.demo.sendgrid_server import MODES, SendGridAccount, serving
from pipelines.mail.sendgrid import SendGrid
from pipelines.mail.sendgrid_body import body
from tests.mail.mail_server import Postbox, certificate, receiving
from tests.mail.mails import MAIL, mail

KEY = "SG.the-key-that-nobody-sees"
OUTCOMES = {
    "202": "accepted",
    "slow": "ambiguous",
    "400": "rejected",
    "413": "rejected",
    "401": "refused",
    "403": "refused",
    "429": "later",
    "500": "ambiguous",
    "502": "ambiguous",
    "503": "ambiguous",
    "504": "ambiguous",
    "500_after_accept": "ambiguous",
    "503_after_accept": "ambiguous",
    "drop_before_read": "ambiguous",
    "drop_after_accept": "ambiguous",
}


def sendgrid(base: str, seconds: float = 5.0, **more) -> closing[SendGrid]:
    return closing(SendGrid(SecretStr(KEY), base=base, seconds=seconds, **more))


@pytest.fixture
def account() -> SendGridAccount:
    return SendGridAccount()


@pytest.fixture
def url(account: SendGridAccount) -> Iterator[str]:
    with serving(account) as base:
        yield base


def test_every_way_to_answer_has_its_meaning(account: SendGridAccount, url: str) -> None:
    assert OUTCOMES.keys() == MODES.keys()
    account.knobs.slow_seconds = 0.4
    for number, (mode, expected) in enumerate(OUTCOMES.items()):
        account.knobs.weights = {mode: 1}
        with sendgrid(url, seconds=0.2) as mailer:
            result = mailer.hand_over(mail(number))
        status = None if mode == "slow" else MODES[mode].status
        assert (mode, result.outcome, result.status) == (mode, expected, status)
        assert bool(result.reason) == (expected != "accepted")
        # Whatever went out is accepted or in doubt, and whatever is not in doubt did not go out.
        if account.accepted[mail(number).key]:
            assert result.outcome in ("accepted", "ambiguous")


def test_an_accepted_mail_has_the_id_that_sendgrids_events_begin_with(url: str) -> None:
    with sendgrid(url) as mailer:
        first, second = mailer.hand_over(mail(1)), mailer.hand_over(mail(2))
        assert first.message_id
        assert second.message_id not in (None, first.message_id)
        assert mailer.gave(first.message_id)
        assert not mailer.gave(MAIL.message_id)
        assert mailer.handed_over(MAIL.campaign) is None


def test_a_mail_is_repeated_after_503_only_where_one_said_so(account: SendGridAccount, url: str) -> None:
    account.knobs.weights = {"503": 1}
    with sendgrid(url, on_503="retry") as mailer:
        result = mailer.hand_over(MAIL)
    assert (result.outcome, result.status) == ("not_sent", 503)


@pytest.mark.parametrize(
    ("reset", "expected"),
    [("42", 60), ("", 60), ("soon", 60), ("99999999999", 60), ("-1", 60)],
)
def test_a_wait_that_makes_no_sense_is_a_minute(account: SendGridAccount, url: str, reset: str, expected: int) -> None:
    account.knobs.weights, account.knobs.reset = {"429": 1}, reset
    with sendgrid(url) as mailer:
        assert mailer.hand_over(MAIL).retry_at == MAIL.at + timedelta(seconds=expected)


def test_a_wait_is_as_long_as_sendgrid_says_whatever_time_it_is_here(account: SendGridAccount, url: str) -> None:
    account.knobs.weights, account.knobs.reset_seconds = {"429": 1}, 90
    with sendgrid(url) as mailer:
        told = mailer.hand_over(MAIL).retry_at
    assert told is not None
    assert timedelta(seconds=88) < told - MAIL.at < timedelta(seconds=92)


def test_where_nothing_was_written_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with sendgrid(f"http://127.0.0.1:{free}") as refused, sendgrid("http://nowhere.invalid") as unknown:
        assert [one.hand_over(MAIL).outcome for one in (refused, unknown)] == ["not_sent", "not_sent"]


def test_a_connection_is_kept_and_one_that_its_server_closed_carries_no_mail(account: SendGridAccount) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with sendgrid(f"http://127.0.0.1:{port}") as mailer:
        with serving(account, port):
            assert [mailer.hand_over(mail(number)).outcome for number in (1, 2)] == ["accepted", "accepted"]
            assert account.connections == 1
        assert mailer.hand_over(mail(3)).outcome == "not_sent"
        with serving(account, port):
            assert mailer.hand_over(mail(3)).outcome == "accepted"
    assert account.connections == 2
    assert account.duplicates() == 0


def test_a_proxy_of_the_environment_is_asked_and_its_refusal_wrote_nothing(
    account: SendGridAccount, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This fake knows no CONNECT: as a proxy it refuses.
    monkeypatch.setenv("http_proxy", url.replace("//", "//ann:word@"))
    monkeypatch.delenv("no_proxy", raising=False)
    with sendgrid("http://api.sendgrid.invalid") as mailer:
        result = mailer.hand_over(MAIL)
        assert (result.outcome, account.answered) == ("not_sent", {})
        assert "401" in str(result.reason)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with sendgrid(url) as mailer:
        assert mailer.hand_over(MAIL).outcome == "accepted"


def test_a_wire_that_does_not_speak_tls_gets_no_key_and_no_mail(account: SendGridAccount, url: str) -> None:
    with sendgrid(url.replace("http:", "https:"), seconds=0.3) as mailer:
        assert mailer.hand_over(MAIL).outcome == "not_sent"
    assert account.answered == {}


def test_a_certificate_that_does_not_hold_gets_no_key_and_no_mail(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path)
    # Whatever speaks TLS will do: no request gets that far.
    with receiving(Postbox(), ssl_context=server) as at:
        mailer = SendGrid(SecretStr(KEY), base=f"https://localhost:{at.rpartition(':')[2]}", seconds=5)
        with closing(mailer):
            result = mailer.hand_over(MAIL)
    assert result.outcome == "not_sent"
    assert "certificate" in str(result.reason).lower()


def test_another_answer_than_sendgrids_is_about_the_address_and_not_about_the_mail(url: str) -> None:
    with sendgrid(f"{url}/elsewhere") as mailer:
        assert mailer.hand_over(MAIL).outcome == "refused"


def test_what_can_not_be_sent_is_known_before_anything_is_asked(account: SendGridAccount, url: str) -> None:
    with sendgrid(url) as mailer:
        assert mailer.hand_over(replace(MAIL, from_email="hëllo@example.com")).outcome == "refused"
        for wrong in ("a@b.com\r\nBcc: c@d.com", "@b.com", "a\ud800@b.com"):
            assert mailer.hand_over(replace(MAIL, to=wrong)).outcome == "rejected"
    assert account.answered == {}


def test_sixteen_threads_share_the_connections_and_nobody_is_mailed_twice(account: SendGridAccount, url: str) -> None:
    with sendgrid(url) as mailer, ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda number: mailer.hand_over(mail(number)), range(160)))
    assert {result.outcome for result in results} == {"accepted"}
    assert len({result.message_id for result in results}) == 160
    assert set(account.accepted.values()) == {1}
    assert account.connections <= 32


def test_neither_key_nor_address_is_told(account: SendGridAccount, url: str, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("python_http_client").setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    with sendgrid(url, seconds=0.2) as mailer:
        told = repr(vars(mailer))
        for mode in OUTCOMES:
            account.knobs.weights = {mode: 1}
            told += repr(mailer.hand_over(MAIL))
        told += repr(mailer.hand_over(replace(MAIL, to="nobody@here")))
    assert KEY not in told + caplog.text
    assert not re.search(r"ann@|nobody@", told + caplog.text)


def test_a_mail_is_asked_for_as_the_official_client_asks() -> None:
    official = OfficialMail()
    person = Personalization()
    person.add_to(To(MAIL.to))
    person.subject = "Hello"
    person.add_header(Header("List-Unsubscribe", f"<{MAIL.unsubscribe_url}>"))
    person.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    for name, value in (("dk", MAIL.key), ("cid", "win-back"), ("occ", "once"), ("var", "")):
        person.add_custom_arg(CustomArg(name, value))
    official.add_personalization(person)
    official.subject = Subject("Hello")
    official.from_email = Email("hello@example.com", "Example Inc. ü")
    official.content = [Content("text/plain", "Hello"), Content("text/html", "<p>Hello</p>")]
    official.category = Category("campaign")
    official.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(True, False),
        open_tracking=OpenTracking(False),
        subscription_tracking=SubscriptionTracking(False),
    )
    official.mail_settings = MailSettings(sandbox_mode=SandBoxMode(False))
    assert body(MAIL) == official.get()


def test_the_unsubscribe_link_leads_straight_to_us() -> None:
    link = f"<a href='https://shop.example.org/'>Shop</a><a class='x' href=\"{MAIL.unsubscribe_url}\">Leave</a>"
    html = body(replace(MAIL, html=link))["content"][1]["value"]
    assert html.count("clicktracking") == 1
    assert f'clicktracking=off href="{MAIL.unsubscribe_url}"' in html


def test_nothing_personal_stands_where_sendgrid_keeps_it_for_long() -> None:
    asked = body(replace(MAIL, variant="B"))
    (person,) = asked["personalizations"]
    assert person["custom_args"] == {"dk": MAIL.key, "cid": MAIL.campaign, "occ": MAIL.occurrence, "var": "B"}
    assert asked["categories"] == ["campaign"]
