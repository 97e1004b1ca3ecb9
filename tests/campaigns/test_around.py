"""Around a campaign: a mail to its author, what readers did lately, a copy, and taking one away."""

from __future__ import annotations

import email
import json
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import select

from pipelines.campaigns import approve, copy, discard, load, plan, preview, save, send_test, show
from pipelines.delivery import report, send
from pipelines.errors import MillstreamError, UsageError
from pipelines.mail import Outbox
from pipelines.privacy import ConsentRow, import_consents
from pipelines.state import reading, writing
from pipelines.state.tables import audit_log, consents, recipients
from tests.campaigns.test_documents import HTML, content, everybody
from tests.segments.people import NOW, person, publish_people

__all__ = ["everybody"]


@pytest.fixture
def people(engine, settings):
    rows = [ConsentRow(n, email=f"p{n}@example.com", source="form", at=NOW) for n in range(4)]
    import_consents(engine, rows, NOW)
    events = [(f"p{n:04d}", f"did {number}", NOW - timedelta(hours=number)) for n in range(2) for number in range(1, 8)]
    known = [person(n, first_name=f"N{n}", country="DE" if n else None) for n in range(4)]
    return publish_people(settings, known, events)


def tried(engine, settings, people, *to, **more):
    mailer = Outbox(settings.outbox_dir)
    return send_test(engine, people, settings, "win-back", to, NOW, mailer=mailer, actor="ann", **more)


def test_a_test_mail_is_marked_and_counts_nowhere(engine, settings, tmp_path, everybody, people):
    save(engine, content(tmp_path), NOW)
    told = tried(engine, settings, people, "me@example.com", "you@example.com", person="p0002")
    assert [one["outcome"] for one in told] == ["accepted", "accepted"]
    mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in settings.outbox_dir.rglob("*.eml")]
    assert {str(mail["To"]) for mail in mails} == {"me@example.com", "you@example.com"}
    assert {str(mail["Subject"]) for mail in mails} == {"[TEST] Hello"}
    assert all("Hi N2" in mail.as_string() for mail in mails)
    assert all("/u/preview" not in mail.as_string() for mail in mails)
    with reading(engine) as connection:
        assert connection.execute(select(recipients)).all() == []
        (entry,) = connection.execute(select(audit_log).where(audit_log.c.action == "campaign.test")).all()
    assert (entry.actor, entry.subject) == ("ann", "win-back")
    assert "me@example.com" not in entry.details
    approve(engine, settings, "win-back", NOW, user="ann")
    send(settings, "win-back", lambda: NOW)
    found = report(engine, "win-back", Outbox(settings.outbox_dir))
    assert (found["audience"], found["duplicates"], found["missing"]) == (4, 0, 0)


@pytest.mark.parametrize(
    ("to", "more", "words"),
    [
        ((), {}, "one to 5 addresses"),
        ([f"me{number}@example.com" for number in range(6)], {}, "one to 5 addresses"),
        (("nobody",), {}, "one of the addresses is none"),
        (("p3@example.com",), {}, "suppressed or opted out"),
        (("me@example.com",), {"person": "p9999"}, "nobody of this id"),
        (("me@example.com",), {"variant": "B"}, "no such variant"),
        (("me@example.com",), {"step": "x"}, "no such step"),
    ],
)
def test_a_test_mail_that_can_not_be_is_refused_before_anybody_gets_one(
    engine, settings, tmp_path, everybody, people, to, more, words
):
    save(engine, content(tmp_path), NOW)
    with writing(engine) as connection:
        connection.execute(
            consents.update().where(consents.c.address_key == _key("p3@example.com")).values(withdrawn_at=NOW)
        )
    with pytest.raises(UsageError, match=words):
        tried(engine, settings, people, *to, **more)
    assert not list(settings.outbox_dir.rglob("*.eml"))


def _key(address):
    from pipelines.privacy import address_key

    return address_key(address)


EVENTS = "{% for one in recent_events %}<p>{{ one.name }} {{ one.time[:13] }}</p>{% else %}<p>Nothing</p>{% endfor %}"


def test_a_mail_may_speak_of_what_its_reader_did_lately(engine, settings, tmp_path, everybody, people):
    save(engine, content(tmp_path, html=HTML + EVENTS), NOW)
    made = preview(engine, people, settings, "win-back", person="p0001")["mail"]["text"]
    assert [line for line in made.splitlines() if line.startswith("did")] == [
        f"did {number} {(NOW - timedelta(hours=number)).isoformat()[:13]}" for number in range(1, 6)
    ]
    assert "Nothing" in preview(engine, people, settings, "win-back", person="p0003")["mail"]["text"]
    approve(engine, settings, "win-back", NOW, user="ann")
    plan(engine, people, settings, "win-back", NOW)
    with reading(engine) as connection:
        kept: str = connection.execute(
            select(recipients.c.variables).where(recipients.c.person_id == "p0000")
        ).scalar_one()
    assert len(json.loads(kept)["recent_events"]) == 5


def test_events_are_not_asked_for_where_no_mail_speaks_of_them(engine, settings, tmp_path, everybody, people):
    save(engine, content(tmp_path), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    plan(engine, people, settings, "win-back", NOW)
    with reading(engine) as connection:
        kept: Any = connection.scalars(select(recipients.c.variables)).all()
    assert not any("recent_events" in one for one in kept)


def test_the_preview_tells_who_lacks_what_the_mail_needs(engine, settings, tmp_path, everybody, people):
    save(engine, content(tmp_path, subject="For {{ country }}"), NOW)
    told = preview(engine, people, settings, "win-back")
    assert (told["planned"], told["without_needed_traits"]) == (4, 1)
    (finding,) = [one for one in told["findings"] if one["code"] == "trait_lacking"]
    assert (finding["level"], finding["place"]) == ("warns", "subject")
    assert finding["message"] == "1 of 4 get no mail: 'country' is undefined; give it a default"
    assert [one["level"] for one in told["findings"]] == ["warns"] * len(told["findings"])


def test_another_variant_is_shown_when_it_is_named(engine, settings, tmp_path, everybody, people):
    variants = [{"name": "A"}, {"name": "B", "subject": "Only B"}]
    save(engine, content(tmp_path, variants=variants), NOW)
    for name, subject in (("A", "Hello"), ("B", "Only B")):
        mail = preview(engine, people, settings, "win-back", person="p0001", variant=name)["mail"]
        assert (mail["variant"], mail["subject"]) == (name, subject)


def test_a_copy_is_a_draft_of_its_own(engine, settings, tmp_path, everybody):
    variants = [{"name": "A"}, {"name": "B", "html": HTML + "B"}]
    save(engine, content(tmp_path, variants=variants), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    copy(engine, "win-back", "win-back-2", NOW, actor="bob")
    first, second = load(engine, "win-back"), load(engine, "win-back-2")
    assert (second.html, second.bodies) == (first.html, first.bodies)
    assert second.canonical() == first.canonical().replace('"name": "win-back"', '"name": "win-back-2"')
    assert (show(engine, "win-back-2")["state"], show(engine, "win-back")["state"]) == ("draft", "approved")
    with pytest.raises(MillstreamError, match="already"):
        copy(engine, "win-back", "win-back-2", NOW, actor="bob")
    for wrong, new in (("nobody", "x"), ("win-back", "Not A Name")):
        with pytest.raises(UsageError):
            copy(engine, wrong, new, NOW, actor="bob")


def test_a_campaign_that_was_never_sent_is_taken_away(engine, settings, tmp_path, everybody):
    save(engine, content(tmp_path), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    discard(engine, "win-back", NOW, actor="ann")
    with pytest.raises(UsageError, match="no campaign"):
        show(engine, "win-back")
    with pytest.raises(UsageError):
        discard(engine, "win-back", NOW, actor="ann")


def test_what_was_sent_is_kept(engine, settings, tmp_path, everybody, people):
    save(engine, content(tmp_path), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    send(settings, "win-back", lambda: NOW)
    with pytest.raises(MillstreamError, match="what was sent is kept"):
        discard(engine, "win-back", NOW, actor="ann")
    assert show(engine, "win-back")["state"] == "sent"
