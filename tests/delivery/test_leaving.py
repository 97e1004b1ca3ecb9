"""People leave while a campaign is sent: whoever did is not mailed, by its link or by what SendGrid tells."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from pipelines.delivery import send
from pipelines.gateway.app import create_app
from pipelines.mail import Outbox
from pipelines.privacy import ConsentRow, address_key, import_consents, secret_key, unsubscribe_token
from pipelines.settings import Settings
from pipelines.state import reading
from pipelines.state.tables import recipients
from tests.delivery.clockwork import Acting
from tests.delivery.ready import address, certificate, counts, make_ready
from tests.gateway.calling import NOW as TODAY
from tests.gateway.calling import Caller, Clock, serving
from tests.gateway.sendgrid import deliver, mail_event, public_key
from tests.segments.people import NOW

SIZE = 90


def unclaimed(engine: Engine) -> list[str]:
    """Addresses that the sender did not come to yet."""
    with reading(engine) as connection:
        found: Any = connection.scalars(
            select(recipients.c.address).where(recipients.c.state.in_(("planned", "claimed"))).order_by("address")
        )
        return list(found)[-3:]


def test_whoever_leaves_while_it_is_sent_is_not_mailed(settings: Settings, engine: Engine) -> None:
    settings = settings.model_copy(update={"sendgrid_webhook_public_key": public_key()})
    name = make_ready(settings, engine, range(SIZE))
    gone: list[str] = []

    def leave(gateway: Caller) -> None:
        gone.extend(unclaimed(engine))
        by_link, angry, scanned = gone
        token = unsubscribe_token(secret_key(settings), address_key(by_link), name)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert gateway.send(f"/u/{token}", b"List-Unsubscribe=One-Click", form).status == 200
        assert deliver(gateway, mail_event(1, "spamreport", email=angry)).outcome == "accepted"
        # A program that follows the link of a third one leaves them on the list.
        token = unsubscribe_token(secret_key(settings), address_key(scanned), name)
        assert gateway.get(f"/u/{token}").status == 200

    with serving(create_app(settings, clock=Clock())) as gateway:
        send(settings, name, lambda: NOW, mailer=Acting(settings.outbox_dir, lambda: leave(gateway), 5))
    assert counts(engine) == {"accepted": SIZE - 2, "suppressed": 2}
    mailed = b"".join(path.read_bytes() for path in settings.outbox_dir.rglob("*.eml"))
    assert [who.encode() in mailed for who in gone] == [False, False, True]
    assert certificate(engine, Outbox(settings.outbox_dir)).endswith("; duplicates 0, missing 0, ambiguous 0")
    assert TODAY > NOW


def test_a_campaign_mails_the_list_that_it_names(settings: Settings, engine: Engine) -> None:
    name = make_ready(settings, engine, range(6), purpose="news")
    news = [ConsentRow(n, address(n), "form", NOW, purpose="news") for n in range(2, 5)]
    import_consents(engine, news, NOW)
    send(settings, name, lambda: NOW)
    assert counts(engine) == {"accepted": 3, "suppressed": 3}
