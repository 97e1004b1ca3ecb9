"""The frozen audience: everybody once, and everybody who is left out with a reason."""

from __future__ import annotations

import json

import pytest
import yaml
from sqlalchemy import select

from pipelines.campaigns import approve, parse_campaign, plan, preview, save
from pipelines.campaigns.assignment import is_held_out, share, variant_of
from pipelines.errors import MillstreamError
from pipelines.privacy import ConsentRow, address_key, import_consents, suppress
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import recipients
from tests.campaigns.test_documents import BASE
from tests.segments.people import NOW, person, publish_people


def consent_of(engine, *emails):
    rows = [ConsentRow(n, email=email, source="form", at=NOW) for n, email in enumerate(emails, start=1)]
    import_consents(engine, rows, NOW)


def approved(engine, settings, **changes):
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    save(engine, parse_campaign(yaml.safe_dump({**BASE, **changes}), settings.data_dir), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")


def ledger(engine):
    with reading(engine) as connection:
        return connection.execute(select(recipients).order_by(recipients.c.person_id)).all()


def test_everybody_has_a_state_and_whoever_is_left_out_a_reason(engine, settings):
    people = [person(1), person(2), person(3), person(4, email=None), person(5, email="nonsense")]
    snapshot = publish_people(settings, people)
    consent_of(engine, "p1@example.com", "p3@example.com")
    with writing(engine) as connection:
        suppress(connection, address_key("p3@example.com"), reason="bounce", source="test", now=NOW)
    approved(engine, settings)
    assert plan(engine, snapshot, settings, "win-back", NOW) == 5
    assert [(row.state, row.reason) for row in ledger(engine)] == [
        ("planned", None),
        ("suppressed", "no_consent"),
        ("suppressed", "suppressed"),
        ("suppressed", "no_address"),
        ("suppressed", "invalid_address"),
    ]
    assert [row.address for row in ledger(engine)] == ["p1@example.com", None, None, None, None]


def test_two_people_with_one_address_get_one_mail(engine, settings):
    people = [
        person(1, email="Ann@Example.com", payments_count=1),
        person(2, email="ann@example.com", payments_count=5),
        person(3, email="ann+x@example.com"),
    ]
    snapshot = publish_people(settings, people)
    consent_of(engine, "ann@example.com", "ann+x@example.com")
    approved(engine, settings)
    plan(engine, snapshot, settings, "win-back", NOW)
    assert [(row.person_id, row.state) for row in ledger(engine)] == [
        ("p0002", "planned"),
        ("p0003", "planned"),
    ]


def test_an_audience_is_frozen_once(engine, settings):
    snapshot = publish_people(settings, [person(1)])
    consent_of(engine, "p1@example.com", "p2@example.com")
    approved(engine, settings)
    plan(engine, snapshot, settings, "win-back", NOW)
    more = publish_people(settings, [person(1), person(2)])
    assert plan(engine, more, settings, "win-back", NOW) == 1
    assert [row.person_id for row in ledger(engine)] == ["p0001"]


def test_a_draft_can_not_be_planned(engine, settings):
    snapshot = publish_people(settings, [person(1)])
    save(engine, parse_campaign(yaml.safe_dump(BASE), settings.data_dir), NOW)
    with pytest.raises(MillstreamError, match="is draft"):
        plan(engine, snapshot, settings, "win-back", NOW)


def test_paying_customers_consent_where_the_setting_says_so(engine, settings):
    relaxed = Settings(
        MILLSTREAM_DATA_DIR=settings.data_dir,
        MILLSTREAM_CONSENT="customers",
        MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1",
    )
    snapshot = publish_people(settings, [person(1, payments_count=1), person(2)])
    approved(engine, settings)
    plan(engine, snapshot, relaxed, "win-back", NOW)
    assert [row.state for row in ledger(engine)] == ["planned", "suppressed"]


def test_only_the_traits_that_the_mail_shows_are_kept(engine, settings):
    snapshot = publish_people(settings, [person(1, first_name="Ann", country="DE", mrr_minor=1999, mrr_currency="EUR")])
    consent_of(engine, "p1@example.com")
    approved(engine, settings, subject="{{ mrr }}")
    plan(engine, snapshot, settings, "win-back", NOW)
    assert json.loads(ledger(engine)[0].variables) == {"first_name": "Ann", "mrr": "19.99"}


def test_the_holdout_is_kept_apart_and_is_the_same_when_asked_again(engine, settings):
    people = [person(n) for n in range(400)]
    snapshot = publish_people(settings, people)
    consent_of(engine, *(one["email"] for one in people))
    approved(engine, settings, holdout=0.25, variants=[{"name": "A", "weight": 1}, {"name": "B", "weight": 3}])
    expected = preview(engine, snapshot, settings, "win-back")
    plan(engine, snapshot, settings, "win-back", NOW)
    rows = ledger(engine)
    held = [row.person_id for row in rows if row.state == "holdout"]
    assert held == [one["person_id"] for one in people if is_held_out("win-back", one["person_id"], 0.25)]
    assert expected["holdout"] == len(held)
    assert 60 < len(held) < 140
    first = sum(row.variant == "A" for row in rows if row.state == "planned")
    assert 40 < first < 120


def test_shares_are_even_and_independent_of_each_other():
    people = [f"p{n}" for n in range(4000)]
    for cut in (0.1, 0.5, 0.9):
        below = sum(share("holdout", "c", one) < cut for one in people) / len(people)
        assert abs(below - cut) < 0.04
    both = sum(share("holdout", "c", one) < 0.5 and variant_of("c", one, {"A": 1, "B": 1}) == "A" for one in people)
    assert abs(both / len(people) - 0.25) < 0.04


def test_a_preview_changes_nothing(engine, settings):
    snapshot = publish_people(settings, [person(1, first_name="Ann"), person(2)])
    consent_of(engine, "p1@example.com")
    approved(engine, settings)
    found = preview(engine, snapshot, settings, "win-back")
    assert (found["audience"], found["planned"], found["excluded"]) == (2, 1, {"no_consent": 1})
    assert "Hi Ann" in found["mail"]["text"]
    assert found["mail"]["to"] == "p***@example.com"
    assert ledger(engine) == []
