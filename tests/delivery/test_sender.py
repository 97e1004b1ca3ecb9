"""Nobody is mailed twice, nobody is forgotten, and the ledger can prove it."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
import yaml
from sqlalchemy import select, update

from pipelines.campaigns import approve, cancel, move, parse_campaign, resume, save
from pipelines.delivery import report, send
from pipelines.delivery.lock import only_sender
from pipelines.delivery.sending import CONNECTIONS
from pipelines.errors import MillstreamError, UsageError
from pipelines.faults import POINTS
from pipelines.mail import Outbox
from pipelines.privacy import address_key, read_token, secret_key, suppress, withdraw
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import campaigns, recipients
from tests.delivery.clockwork import Acting
from tests.delivery.conftest import DOCUMENT, SIZE, make_campaign
from tests.delivery.warm import send_in_a_fork
from tests.segments.people import NOW

KILLED_AT = [point for point in POINTS if point.startswith(("planner.", "sender."))]
PASSAGES = {point: (1,) for point in KILLED_AT if point.startswith("planner.")} | {
    "sender.before_claim": (1, 2),
    "sender.after_claim": (1, 2),
    "sender.before_sent": (1,),
}
"""Where a sender is killed at another passage than the first one, and at the fifth."""
DOUBTFUL = ("sender.after_in_flight", "sender.after_handover", "sender.before_accepted")
"""Here mails are in the air for certain, and nobody can know whether they went out."""


def now():
    return NOW


def mails(settings):
    return [message_from_bytes(p.read_bytes(), policy=policy.default) for p in settings.outbox_dir.rglob("*.eml")]


def counted(engine, settings):
    return report(engine, "win-back", Outbox(settings.outbox_dir))


def check(engine, settings, *, size=SIZE, kills=0):
    """The hard line: the audience adds up, and the outbox holds nobody twice."""
    found = counted(engine, settings)
    assert found["state"] == "sent"
    assert found["audience"] == size == found["accepted"] + found["ambiguous"] + found["excluded"]
    assert (found["duplicates"], found["missing"], found["open"]) == (0, 0, 0)
    assert found["ambiguous"] <= kills * CONNECTIONS
    people = Counter(str(mail["To"]) for mail in mails(settings))
    assert set(people.values()) <= {1}
    assert found["accepted"] <= len(people) <= found["accepted"] + found["ambiguous"]
    return found


def test_everybody_planned_is_mailed_once(engine, settings, campaign):
    done = send(settings, campaign, now)
    found = check(engine, settings)
    assert done.accepted == found["accepted"] == len(mails(settings))
    assert found["states"]["holdout"] > 0
    assert found["reasons"] == {"no_consent": 4}


def test_sending_again_mails_nobody(engine, settings, campaign):
    send(settings, campaign, now)
    before = len(mails(settings))
    assert send(settings, campaign, now).accepted == 0
    assert len(mails(settings)) == before


@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("size", [200, pytest.param(500, marks=pytest.mark.long)])
def test_a_campaign_killed_at_every_place_is_sent_on_without_a_second_mail(engine, settings, size):
    make_campaign(settings, engine, size)
    doubts = kills = 0
    for point in KILLED_AT:
        # The first passage; of many people also one in the middle of a later batch.
        for passage in PASSAGES.get(point, (1, 5) if size == 500 else (1,)):
            assert send_in_a_fork(settings, f"{point}:{passage}") == 137, point
            kills += 1
            # After every single crash: what the ledger says was accepted is in the outbox, and nothing is there twice.
            found = counted(engine, settings)
            assert (found["missing"], found["duplicates"]) == (0, 0), point
            in_the_air = found["states"]["in_flight"]
            assert (1 if point in DOUBTFUL else 0) <= in_the_air <= CONNECTIONS, point
            doubts += in_the_air
    assert send_in_a_fork(settings, "") == 0
    assert check(engine, settings, size=size, kills=kills)["ambiguous"] == doubts


def test_two_senders_at_once_mail_nobody_twice(engine, settings, campaign, start):
    with only_sender(settings, engine, stopped=lambda: False, waiting=print):
        both = [start(), start()]
        told = [process.stderr.readline() for process in both]
    assert all("waiting" in line for line in told)
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    found = check(engine, settings)
    assert sorted(out.split()[1] for out, _ in answers) == ["sent", "sent"]
    assert sum(int(out.split()[0]) for out, _ in answers) == found["accepted"]


def test_a_stop_signal_ends_after_the_mail_in_hand(engine, settings, campaign, start):
    process = start()
    deadline = time.monotonic() + 60
    while not list(settings.outbox_dir.rglob("*.eml")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    out, problem = process.communicate(timeout=60)
    assert process.returncode == 0, problem
    found = counted(engine, settings)
    assert found["ambiguous"] == found["states"]["in_flight"] == found["states"]["claimed"] == 0
    assert found["accepted"] == int(out.split()[0]) == len(mails(settings))
    send(settings, campaign, now)
    check(engine, settings)


def test_a_mail_carries_a_link_that_names_its_reader(settings, campaign):
    send(settings, campaign, now)
    for mail in mails(settings):
        link = str(mail["List-Unsubscribe"]).strip("<>")
        token = link.removeprefix(f"{settings.public_url}/u/")
        asked = read_token(secret_key(settings), token)
        assert asked == (address_key(str(mail["To"])), campaign)
        assert link in mail.get_body(("plain",)).get_content()
        assert link in mail.get_body(("html",)).get_content()


def test_whoever_changes_their_mind_meanwhile_is_not_mailed(engine, settings, campaign):
    def refuse():
        with writing(engine) as connection:
            left: Any = connection.scalars(select(recipients.c.address).where(recipients.c.state == "claimed")).all()
            for number, address in enumerate(left[-2:]):
                if number:
                    withdraw(connection, address_key(address), source="link", now=NOW)
                else:
                    suppress(connection, address_key(address), reason="complaint", source="test", now=NOW)

    done = send(settings, campaign, now, mailer=Acting(settings.outbox_dir, refuse, 5))
    assert done.suppressed == 2
    assert check(engine, settings)["reasons"] == {"no_consent": 5, "suppressed": 1}


def test_a_pause_meanwhile_ends_the_sender_with_the_reason(engine, settings, campaign):
    def pause():
        with writing(engine) as connection:
            move(connection, campaign, "paused", now=NOW, actor="ann", reason="wrong price")

    with pytest.raises(MillstreamError, match="wrong price"):
        send(settings, campaign, now, mailer=Acting(settings.outbox_dir, pause, 5))
    found = counted(engine, settings)
    assert 0 < found["accepted"] == len(mails(settings)) < found["audience"]
    assert found["states"]["claimed"] == found["states"]["in_flight"] == 0
    with pytest.raises(MillstreamError, match="paused"):
        send(settings, campaign, now)
    with writing(engine) as connection:
        resume(connection, campaign, now=NOW, actor="ann")
    send(settings, campaign, now)
    check(engine, settings)


def test_a_cancelled_campaign_leaves_nobody_open(engine, settings, campaign):
    def stop():
        with writing(engine) as connection:
            cancel(connection, campaign, now=NOW, actor="ann", reason="sold out")

    with pytest.raises(MillstreamError, match="sold out"):
        send(settings, campaign, now, mailer=Acting(settings.outbox_dir, stop, 5))
    found = counted(engine, settings)
    assert found["state"] == "cancelled"
    assert found["audience"] == found["accepted"] + found["ambiguous"] + found["excluded"]
    assert (found["open"], found["missing"], found["duplicates"]) == (0, 0, 0)


def test_only_a_paused_campaign_is_resumed(engine, campaign):
    with pytest.raises(MillstreamError, match="approved, not paused"), writing(engine) as connection:
        resume(connection, campaign, now=NOW, actor="ann")


def test_a_disk_that_is_full_stops_the_sender_and_loses_nobody(engine, settings, campaign, monkeypatch):
    replace, times = os.replace, iter(range(1000))

    def refuse_the_tenth(*arguments):
        if next(times) == 10:
            raise OSError(28, "No space left on device")
        return replace(*arguments)

    monkeypatch.setattr(os, "replace", refuse_the_tenth)
    with pytest.raises(MillstreamError, match="No space left"):
        send(settings, campaign, now)
    assert counted(engine, settings)["states"]["claimed"] == 0
    send(settings, campaign, now)
    check(engine, settings)


def save_with(engine, settings, **changes):
    save(engine, parse_campaign(yaml.safe_dump({**DOCUMENT, **changes}), settings.data_dir), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")


def test_a_person_without_a_needed_trait_is_rejected_and_the_rest_is_mailed(engine, settings, campaign):
    save_with(engine, settings, subject="Hi {{ country }}")
    send(settings, campaign, now)
    found = check(engine, settings)
    assert found["states"]["rejected"] == found["reasons"]["subject: 'country' is undefined"] > 0
    assert {str(mail["Subject"]) for mail in mails(settings)} == {"Hi DE"}


def test_a_mail_that_a_condition_robs_of_its_link_is_not_sent(engine, settings, campaign):
    html = "{% if first_name == 'Trial' %}<a href='{{ unsubscribe_url }}'>x</a>{% endif %}{{ postal_address }}"
    save_with(engine, settings, html=html)
    send(settings, campaign, now)
    assert check(engine, settings)["accepted"] == 0


def test_a_content_that_is_not_what_was_approved_is_not_sent(engine, settings, campaign):
    with pytest.raises(MillstreamError, match="look again"):
        send(settings, campaign, now, mailer=Acting(settings.outbox_dir, lambda: _pause(engine), 4))
    with writing(engine) as connection:
        connection.execute(update(campaigns).values(html="{{ unsubscribe_url }} something else"))
        resume(connection, campaign, now=NOW, actor="ann")
    before = len(mails(settings))
    with pytest.raises(MillstreamError, match="not what was approved"):
        send(settings, campaign, now)
    assert len(mails(settings)) == before


def _pause(engine):
    with writing(engine) as connection:
        move(connection, "win-back", "paused", now=NOW, actor="ann", reason="look again")


def test_what_can_not_be_sent_is_refused_before_any_claim(engine, settings, campaign):
    with pytest.raises(UsageError):
        send(settings, "nobody", now)
    other = Settings(MILLSTREAM_DATA_DIR=settings.data_dir, MILLSTREAM_MAILER="sendgrid")
    with pytest.raises(MillstreamError, match="MILLSTREAM_SEND_MODE is dry"):
        send(other, campaign, now)
    with writing(engine) as connection:
        move(connection, campaign, "draft", now=NOW, actor="ann")
    with pytest.raises(MillstreamError, match="draft"):
        send(settings, campaign, now)
    with reading(engine) as connection:
        assert connection.execute(select(recipients)).first() is None


def test_the_certificate_tells_what_is_still_open(engine, settings, campaign):
    with pytest.raises(MillstreamError):
        send(settings, campaign, now, mailer=Acting(settings.outbox_dir, lambda: _pause(engine), 5))
    assert " + open " in counted(engine, settings)["certificate"]


def test_a_mail_that_vanished_from_the_outbox_is_missed(engine, settings, campaign):
    send(settings, campaign, now)
    next(settings.outbox_dir.rglob("*.eml")).unlink()
    assert counted(engine, settings)["missing"] == 1


def test_times_are_those_of_the_clock(engine, settings, campaign):
    send(settings, campaign, lambda: NOW + timedelta(days=1))
    with reading(engine) as connection:
        done: Any = connection.scalars(select(recipients.c.done_at)).all()
    assert set(done) == {NOW + timedelta(days=1)}
