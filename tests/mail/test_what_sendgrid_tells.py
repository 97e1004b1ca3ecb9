"""From a campaign to SendGrid and back: what it tells of the mails that it took settles those in doubt."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sendgrid.helpers.eventwebhook import EventWebhook

from pipelines.delivery import report, send, settle_doubts
from pipelines.delivery.sendgrid_lists import reconcile_lists
from pipelines.demo.sendgrid_events import events, signed
from pipelines.demo.sendgrid_server import MailKnobs, SendGridAccount, serving
from pipelines.gateway.app import create_app
from pipelines.mail import mailer_for
from pipelines.privacy import may_mail
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from tests.delivery.conftest import make_campaign
from tests.gateway import calling
from tests.gateway.sendgrid import KEY, STRANGER, public_key
from tests.mail.mails import MAIL
from tests.segments.people import NOW

LATER = NOW + timedelta(minutes=5)
TREATED = {"p1@example.com": "drop_after_accept", "p2@example.com": "drop_before_read", "p3@example.com": "400"}


def live(folder: Path, url: str) -> Settings:
    return Settings(
        MILLSTREAM_DATA_DIR=folder,
        MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely",
        MILLSTREAM_MAILER="sendgrid",
        MILLSTREAM_SEND_MODE="live",
        MILLSTREAM_FROM_EMAIL="news@northwind.example",
        MILLSTREAM_PUBLIC_URL="https://news.example.org",
        SENDGRID_API_KEY="SG.any",
        SENDGRID_API_BASE=url,
        SENDGRID_WEBHOOK_PUBLIC_KEY=public_key(),
    )


def test_mails_in_doubt_are_settled_by_what_sendgrid_tells_and_the_others_stay_in_doubt(tmp_path: Path) -> None:
    account = SendGridAccount(MailKnobs(to=TREATED))
    with serving(account) as url:
        settings = live(tmp_path / "data", url)
        engine = open_state(settings)
        name = make_campaign(settings, engine, 24)
        send(settings, name, lambda: NOW)
    before = report(engine, name)
    held_out = before["states"]["holdout"]
    # Nobody of the three was held out: the holdout is chosen by a hash, the same each time.
    assert (before["ambiguous"], before["states"]["rejected"]) == (2, 1)
    assert before["accepted"] == 20 - 3 - held_out
    assert before["states"]["suppressed"] == 4

    body, headers = signed(events(account, at=LATER), KEY, at=LATER)
    bounced, bounced_headers = signed(events(account, ["bounce"], at=LATER)[:1], KEY, at=LATER)
    forged = signed(events(account, ["unsubscribe"], at=LATER), STRANGER, at=LATER)
    with calling.serving(create_app(settings, clock=lambda: LATER)) as gateway:
        assert gateway.send("/webhooks/sendgrid", *forged).status == 400
        # Twice, and the bounce before what came before it: SendGrid promises neither order nor once.
        for one in ((bounced, bounced_headers), (body, headers), (body, headers)):
            assert gateway.send("/webhooks/sendgrid", *one).status == 200
    settle_doubts(engine, LATER, name)
    after = report(engine, name)
    assert (after["ambiguous"], after["accepted"]) == (1, before["accepted"] + 1)
    assert (after["duplicates"], after["missing"], account.duplicates()) == (0, 0, 0)
    address = account.mails[0]["personalizations"][0]["to"][0]["email"]
    with reading(engine) as connection:
        assert may_mail(connection, address, policy="required", pays=False) is not None
        other = account.mails[1]["personalizations"][0]["to"][0]["email"]
        assert may_mail(connection, other, policy="required", pays=False) is None


def test_the_signature_is_one_that_sendgrids_own_client_accepts() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    body, headers = signed([{"event": "delivered"}], key, at=NOW)
    check = EventWebhook(public_key(key))
    signature, timestamp = headers.values()
    assert check.verify_signature(body.decode(), signature, timestamp)
    assert not check.verify_signature(body.decode() + " ", signature, timestamp)


@pytest.mark.parametrize("kind", ["processed", "delivered", "bounce", "click"])
def test_an_event_carries_the_mails_arguments_and_begins_with_its_id(kind: str) -> None:
    account = SendGridAccount()
    with serving(account) as url:
        mailer = mailer_for(live(Path("unused"), url))
        message = mailer.hand_over(MAIL).message_id
        mailer.close()
    (event,) = events(account, [kind], at=NOW)
    assert (event["dk"], event["cid"], event["occ"], event["var"]) == (MAIL.key, "win-back", "once", "")
    assert event["sg_message_id"].startswith(f"{message}.")
    assert event["event"] == kind


def test_the_nightly_comparison_reads_its_lists(tmp_path: Path) -> None:
    account = SendGridAccount()
    account.lists["bounces"] = [{"email": "p1@example.com", "created": int(NOW.timestamp()), "reason": "550"}]
    with serving(account) as url:
        settings = live(tmp_path / "data", url)
        engine = open_state(settings)
        reconcile_lists(settings, engine, now=NOW)
    with reading(engine) as connection:
        assert may_mail(connection, "p1@example.com", policy="customers", pays=True) is not None
        assert may_mail(connection, "p2@example.com", policy="customers", pays=True) is None
