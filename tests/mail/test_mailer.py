"""Which mailer is used, and why one may not mail: told before anything is claimed, by the real command."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.delivery import report
from pipelines.demo.sendgrid_server import MailKnobs, SendGridAccount, serving
from pipelines.errors import MillstreamError
from pipelines.mail import Outbox, mailer_for, obstacles
from pipelines.mail.sendgrid import SendGrid
from pipelines.mail.smtp import Smtp
from pipelines.operations.installation import at_the_mailer
from pipelines.settings import Settings
from pipelines.state import open_state
from tests import warm
from tests.delivery.conftest import make_campaign
from tests.mail.mail_server import PASSWORD, USER, Postbox, receiving

LIVE = {
    "MILLSTREAM_SEND_MODE": "live",
    "MILLSTREAM_FROM_EMAIL": "news@northwind.example",
    "MILLSTREAM_PUBLIC_URL": "https://news.example.org",
    "MILLSTREAM_POSTAL_ADDRESS": "Mill Lane 1, Ely",
}
BY_SENDGRID = {**LIVE, "MILLSTREAM_MAILER": "sendgrid", "SENDGRID_API_KEY": "SG.a-secret"}
BY_SMTP = {**LIVE, "MILLSTREAM_MAILER": "smtp", "MILLSTREAM_SMTP_URL": "smtp://news:a-secret@mail.example.org"}
"""Whole configurations; each test takes something away."""
WRONG = {
    "the key": ({**BY_SENDGRID, "SENDGRID_API_KEY": ""}, "Set SENDGRID_API_KEY."),
    "a key with a line's end": ({**BY_SENDGRID, "SENDGRID_API_KEY": "SG.a-secret\n"}, "Set SENDGRID_API_KEY."),
    "an API in the open": ({**BY_SENDGRID, "SENDGRID_API_BASE": "http://api.example.org"}, "SENDGRID_API_BASE"),
    "the server": ({**BY_SMTP, "MILLSTREAM_SMTP_URL": ""}, "Set MILLSTREAM_SMTP_URL."),
    "a password in the open": (
        {**BY_SMTP, "MILLSTREAM_SMTP_URL": "smtp://news:a-secret@mail.example.org?starttls=never"},
        "a password needs TLS",
    ),
    "the sender": ({**BY_SMTP, "MILLSTREAM_FROM_EMAIL": ""}, "Set MILLSTREAM_FROM_EMAIL"),
    "a sender that is none": ({**BY_SMTP, "MILLSTREAM_FROM_EMAIL": "news"}, "Set it to an address of yours."),
    "the public address": ({**BY_SENDGRID, "MILLSTREAM_PUBLIC_URL": ""}, "Set MILLSTREAM_PUBLIC_URL"),
    "a public address without https": (
        {**BY_SMTP, "MILLSTREAM_PUBLIC_URL": "http://news.example.org"},
        "begins with https",
    ),
}


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def told(values: dict[str, str]) -> Settings:
        monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return told


def test_each_name_is_its_mailer(set_up, tmp_path: Path) -> None:
    assert isinstance(mailer_for(Settings(MILLSTREAM_DATA_DIR=tmp_path)), Outbox)
    assert isinstance(mailer_for(set_up(BY_SENDGRID)), SendGrid)
    assert isinstance(mailer_for(set_up(BY_SMTP)), Smtp)


def test_the_outbox_needs_nothing_and_ignores_that_it_is_dry(settings: Settings) -> None:
    assert settings.send_mode == "dry"
    assert obstacles(settings) == []
    assert isinstance(mailer_for(settings), Outbox)


@pytest.mark.parametrize(("values", "mend"), WRONG.values(), ids=WRONG.keys())
def test_what_is_missing_is_told_with_what_mends_it_and_without_a_secret(
    set_up, values: dict[str, str], mend: str
) -> None:
    with pytest.raises(MillstreamError) as told:
        mailer_for(set_up(values))
    message = str(told.value)
    assert mend in message
    assert "Nobody was mailed and nothing was claimed." in message
    assert "a-secret" not in message
    assert told.value.exit_code == 1
    assert len(obstacles(Settings())) == 1


@pytest.mark.parametrize("whole", [BY_SENDGRID, BY_SMTP], ids=["sendgrid", "smtp"])
def test_a_real_mailer_that_is_dry_mails_nobody(set_up, whole: dict[str, str]) -> None:
    with pytest.raises(MillstreamError, match=r"is dry.*Nobody was mailed.*MILLSTREAM_SEND_MODE=live"):
        mailer_for(set_up({**whole, "MILLSTREAM_SEND_MODE": "dry"}))


@pytest.mark.parametrize(
    ("scopes", "key", "told"),
    [
        (["mail.send"], "SG.a-secret", []),
        (["suppression.read"], "SG.a-secret", ["Mails can not go out by sendgrid: the key may not send mail."]),
        (["mail.send"], "SG.revoked", ["The provided authorization grant is invalid, expired, or revoked"]),
    ],
    ids=["may send", "may not send", "revoked"],
)
def test_the_doctor_asks_sendgrid_what_the_key_may_do(set_up, scopes: list[str], key: str, told: list[str]) -> None:
    account = SendGridAccount(MailKnobs(scopes=scopes, api_key="SG.a-secret"))
    with serving(account) as url:
        found = at_the_mailer(set_up({**BY_SENDGRID, "SENDGRID_API_BASE": url, "SENDGRID_API_KEY": key}))
    assert len(found) == len(told)
    assert all(words in problem.what for words, problem in zip(told, found, strict=True))
    assert account.answered == {}


def test_the_doctor_asks_a_mail_server_whether_it_lets_us_in(set_up) -> None:
    postbox = Postbox()
    with receiving(postbox, needs_login=True) as at:
        for password, size in ((PASSWORD, 0), ("wrong", 1)):
            found = at_the_mailer(set_up({**BY_SMTP, "MILLSTREAM_SMTP_URL": f"smtp://{USER}:{password}@{at}"}))
            assert len(found) == size
    assert found[0].what.startswith("Mails can not go out by smtp: 535")
    (gone,) = at_the_mailer(Settings())
    assert "refused" in gone.what
    assert postbox.mails == []


def test_the_doctor_asks_nobody_where_something_is_missing(set_up) -> None:
    assert at_the_mailer(set_up({**BY_SENDGRID, "SENDGRID_API_BASE": "http://nowhere.invalid"})) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"MILLSTREAM_SEND_MODE": "dry"}, "MILLSTREAM_SEND_MODE is dry"),
        ({"SENDGRID_API_KEY": ""}, "there is no key of SendGrid's"),
    ],
    ids=["dry", "no key"],
)
def test_the_command_refuses_before_anybody_is_claimed(set_up, changes: dict[str, str], told: str) -> None:
    settings = set_up({**BY_SENDGRID, **changes})
    engine = open_state(settings)
    name = make_campaign(settings, engine, 5)
    done = warm.millstream("campaign", "send", name)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Nobody was mailed and nothing was claimed." in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    found = report(engine, name)
    assert (found["state"], found["audience"]) == ("approved", 0)


def test_the_command_hands_everybody_to_the_mail_server_once_it_is_live(set_up) -> None:
    postbox = Postbox()
    with receiving(postbox, needs_login=True) as at:
        settings = set_up(
            {**BY_SMTP, "MILLSTREAM_SMTP_URL": f"smtp://{USER}:{PASSWORD}@{at}", "MILLSTREAM_CAMPAIGN_MAX_AGE": "9999d"}
        )
        name = make_campaign(settings, open_state(settings), 12)
        done = warm.millstream("campaign", "send", name)
        again = warm.millstream("campaign", "send", name)
    assert (done.returncode, again.returncode) == (0, 0), done.stderr + again.stderr
    assert "duplicates 0, missing 0" in done.stdout
    reached = [address for envelope in postbox.mails for address in envelope.rcpt_tos]
    assert len(reached) == len(set(reached)) == report(open_state(settings), name)["accepted"] > 0
    assert PASSWORD not in done.stdout + done.stderr
