"""Mails over SMTP: what each reply means, what arrives, and that no password crosses an open wire."""

from __future__ import annotations

import email
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from email.policy import default
from pathlib import Path

import pytest

from pipelines.mail import Handover
from pipelines.mail.smtp import Smtp
from pipelines.mail.smtp_server import smtp_server
from tests.mail.mail_server import PASSWORD, USER, Postbox, certificate, receiving
from tests.mail.mails import MAIL, mail


def smtp(at: str, seconds: float = 5.0, certificates: ssl.SSLContext | None = None) -> closing[Smtp]:
    return closing(Smtp(smtp_server(at), seconds=seconds, certificates=certificates))


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def mailer(postbox: Postbox) -> Iterator[Smtp]:
    with receiving(postbox) as at, smtp(f"smtp://{at}") as opened:
        yield opened


def arrived(postbox: Postbox) -> list[str]:
    return [address for envelope in postbox.mails for address in envelope.rcpt_tos]


def test_the_mail_arrives_whole_with_its_headers_and_both_parts(postbox: Postbox, mailer: Smtp) -> None:
    text = "Grüße,\r\n.a line that begins with a dot\r\n..\r\n.\r\nend"
    sent = replace(MAIL, text=text, html=f"<p>Grüße</p>{'long ' * 400}", subject="Grüße 🌊")
    result = mailer.hand_over(sent)
    assert result == Handover("accepted", message_id=MAIL.message_id, status=250)
    assert mailer.gave(MAIL.message_id)
    assert mailer.handed_over(MAIL.campaign) is None
    (envelope,) = postbox.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hello@example.com", ["ann@example.com"])
    content = envelope.original_content
    assert content is not None
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) < 998
    message = email.message_from_bytes(content, policy=default)
    assert message["List-Unsubscribe"] == f"<{MAIL.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["From"].addresses[0].display_name == "Example, Inc. ü"
    assert message["From"].addresses[0].addr_spec == "hello@example.com"
    assert message["Date"].datetime == MAIL.at
    assert message["Message-ID"] == f"<{MAIL.message_id}>"
    assert message["Subject"] == "Grüße 🌊"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == text.splitlines()
    assert html.get_content().rstrip() == sent.html.rstrip()


# What the server says of one recipient or message, and what it means for that one mail.
ABOUT_ONE = {"550 5.1.1 <ann@example.com> is unknown": "rejected", "451 4.7.1 greylisted": "later"}
OF_THE_MESSAGE = {
    "554 5.7.1 looks like spam": "rejected",
    "452 4.3.1 out of storage": "later",
    "421 4.3.2 shutting down": "not_sent",
    "drop": "ambiguous",
}


@pytest.mark.parametrize(("reply", "outcome"), ABOUT_ONE.items())
def test_a_refused_recipient_is_one_mail_and_the_connection_goes_on(
    postbox: Postbox, mailer: Smtp, reply: str, outcome: str
) -> None:
    postbox.refused["ann@example.com"] = reply
    result = mailer.hand_over(MAIL)
    assert (result.outcome, result.status) == (outcome, int(reply[:3]))
    assert "ann@" not in str(result.reason)
    assert result.retry_at == (MAIL.at + timedelta(minutes=1) if outcome == "later" else None)
    assert mailer.hand_over(mail(2)).outcome == "accepted"
    assert arrived(postbox) == ["p2@example.com"]
    assert len(postbox.sessions) == 1


@pytest.mark.parametrize(("reply", "outcome"), OF_THE_MESSAGE.items())
def test_a_refused_message_is_not_taken_and_a_lost_reply_is_in_doubt(
    postbox: Postbox, mailer: Smtp, reply: str, outcome: str
) -> None:
    postbox.last = [reply]
    assert mailer.hand_over(MAIL).outcome == outcome
    assert mailer.hand_over(mail(2)).outcome == "accepted"
    assert arrived(postbox) == [*(["ann@example.com"] if reply == "drop" else []), "p2@example.com"]


@pytest.mark.parametrize(
    ("reply", "outcome"), [("550 5.7.1 you may not send", "refused"), ("451 4.3.0 not now", "not_sent")]
)
def test_a_refused_sender_is_about_us_and_no_mail_is_spoilt(
    postbox: Postbox, mailer: Smtp, reply: str, outcome: str
) -> None:
    postbox.first = [reply]
    assert mailer.hand_over(MAIL).outcome == outcome


def test_a_connection_that_ends_before_the_message_handed_nothing_over(postbox: Postbox, mailer: Smtp) -> None:
    postbox.refused["ann@example.com"] = "drop"
    assert mailer.hand_over(MAIL).outcome == "not_sent"
    assert mailer.hand_over(mail(2)).outcome == "accepted"
    assert arrived(postbox) == ["p2@example.com"]


def test_a_server_that_was_restarted_meanwhile_gets_the_mail_once(postbox: Postbox) -> None:
    with ExitStack() as stack:
        with receiving(postbox) as at:
            mailer = stack.enter_context(smtp(f"smtp://{at}"))
            assert mailer.hand_over(mail(1)).outcome == "accepted"
        with receiving(postbox, port=int(at.rpartition(":")[2])):
            assert mailer.hand_over(mail(2)).outcome == "accepted"
            mailer.close()
    assert arrived(postbox) == ["p1@example.com", "p2@example.com"]


@pytest.mark.parametrize("goodbye", ["421 4.4.2 idle for too long", "drop"])
def test_a_connection_that_rested_too_long_is_made_anew(postbox: Postbox, mailer: Smtp, goodbye: str) -> None:
    assert mailer.hand_over(mail(1)).outcome == "accepted"
    postbox.first = [goodbye]
    assert mailer.hand_over(mail(2)).outcome == "accepted"
    assert arrived(postbox) == ["p1@example.com", "p2@example.com"]
    assert len(postbox.sessions) == 2


def test_a_server_that_is_not_there_gets_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with smtp(f"smtp://127.0.0.1:{port}") as mailer:
        assert mailer.hand_over(MAIL).outcome == "not_sent"


def test_a_server_that_says_nothing_gets_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = Smtp(smtp_server(f"smtp://127.0.0.1:{silent.getsockname()[1]}"), seconds=0.2)
        assert mailer.hand_over(MAIL).outcome == "not_sent"


@pytest.mark.parametrize(("password", "outcome"), [(PASSWORD, "accepted"), ("wrong-one", "refused"), ("", "refused")])
def test_a_server_that_does_not_let_us_in_refuses_us_and_not_the_mail(
    postbox: Postbox, password: str, outcome: str
) -> None:
    login = f"{USER}:{password}@" if password else ""
    with receiving(postbox, needs_login=True) as at, smtp(f"smtp://{login}{at}") as mailer:
        result = mailer.hand_over(MAIL)
    assert result.outcome == outcome
    assert PASSWORD not in repr(result)
    assert len(postbox.mails) == (outcome == "accepted")


def test_a_server_without_logins_refuses_us_before_any_mail(postbox: Postbox) -> None:
    with receiving(postbox) as at, smtp(f"smtp://{USER}:{PASSWORD}@{at}") as mailer:
        assert mailer.hand_over(MAIL).outcome == "refused"
    assert postbox.mails == []


def test_starttls_is_spoken_and_a_certificate_that_does_not_hold_gets_no_mail(postbox: Postbox, tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    with receiving(postbox, tls_context=server, require_starttls=True) as at:
        url = f"smtp://localhost:{at.rpartition(':')[2]}/?starttls=always"
        with smtp(url, certificates=trusting) as mailer, smtp(url) as distrusting:
            assert mailer.hand_over(MAIL).outcome == "accepted"
            assert distrusting.hand_over(MAIL).outcome == "not_sent"
    assert postbox.were_private == [True]


def test_where_starttls_is_not_offered_nothing_is_sent_in_the_open(postbox: Postbox) -> None:
    with receiving(postbox) as at, smtp(f"smtp://{at}?starttls=always") as mailer:
        assert mailer.hand_over(MAIL).outcome == "refused"
    assert postbox.mails == []


def test_smtps_is_private_from_the_first_byte(postbox: Postbox, tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    with receiving(postbox, ssl_context=server) as at:
        mailer = Smtp(smtp_server(f"smtps://localhost:{at.rpartition(':')[2]}"), seconds=5, certificates=trusting)
        with closing(mailer):
            assert mailer.hand_over(MAIL).outcome == "accepted"


def test_every_thread_keeps_a_connection_of_its_own(postbox: Postbox, mailer: Smtp) -> None:
    together = threading.Barrier(4)

    def some(first: int) -> list[str]:
        together.wait(10)
        return [mailer.hand_over(mail(number)).outcome for number in range(first, first + 10)]

    with ThreadPoolExecutor(4) as pool:
        outcomes = [outcome for found in pool.map(some, range(0, 40, 10)) for outcome in found]
    assert outcomes == ["accepted"] * 40
    assert sorted(arrived(postbox)) == sorted(f"p{number}@example.com" for number in range(40))
    assert len(postbox.sessions) == 4


def test_addresses_beyond_ascii_arrive_where_the_server_takes_them(postbox: Postbox, tmp_path: Path) -> None:
    with receiving(postbox, enable_SMTPUTF8=True) as at, smtp(f"smtp://{at}") as mailer:
        assert mailer.hand_over(replace(MAIL, to="jörg@bücher.example")).outcome == "accepted"
        assert mailer.hand_over(MAIL).outcome == "accepted"
    assert arrived(postbox) == ["jörg@xn--bcher-kva.example", "ann@example.com"]
    with receiving(postbox, enable_SMTPUTF8=False) as at, smtp(f"smtp://{at}") as mailer:
        assert mailer.hand_over(replace(MAIL, to="jörg@bücher.example")).outcome == "rejected"
        assert mailer.hand_over(replace(MAIL, to="joerg@bücher.example")).outcome == "accepted"
    assert arrived(postbox)[2:] == ["joerg@xn--bcher-kva.example"]


def test_a_mail_without_an_address_is_not_begun(postbox: Postbox, mailer: Smtp) -> None:
    assert mailer.hand_over(replace(MAIL, to="a@b.com\r\nRCPT TO:<c@d.com>")).outcome == "rejected"
    assert postbox.sessions == set()


SERVERS = {
    "smtp://relay.example.com": ("relay.example.com", 587, "starttls"),
    "smtps://relay.example.com": ("relay.example.com", 465, "tls"),
    "smtp://ann:p%40ss@relay.example.com:2525/": ("relay.example.com", 2525, "starttls"),
    "smtp://relay.internal:25?starttls=never": ("relay.internal", 25, "open"),
    "smtp://127.0.0.1:1025": ("127.0.0.1", 1025, "open"),
    "smtp://localhost?starttls=always": ("localhost", 587, "starttls"),
}
WRONG = (
    "relay.example.com",
    "http://relay.example.com",
    "smtp://",
    "smtp://relay.example.com:many",
    "smtp://relay.example.com/inbox",
    "smtp://ann@relay.example.com",
    "smtp://ann:pässword@relay.example.com",
    "smtp://ann:secret%0Aword@relay.example.com",
    "smtp://ann:secret@relay.example.com?starttls=never",
    "smtp://relay.example.com?starttls=perhaps",
)


@pytest.mark.parametrize(("url", "expected"), SERVERS.items())
def test_a_servers_address_says_how_private_the_wire_is(url: str, expected: tuple[str, int, str]) -> None:
    server = smtp_server(url)
    assert (server.host, server.port, server.wire) == expected
    if "@" in url:
        assert (server.user, server.password.get_secret_value()) == ("ann", "p@ss")
        assert "p@ss" not in repr(server)


@pytest.mark.parametrize("url", WRONG)
def test_an_address_that_can_not_be_meant_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as told:
        smtp_server(url)
    assert not any(word in str(told.value) for word in ("pässword", "secret"))
