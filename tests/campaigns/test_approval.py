"""Who may approve what: a second person above a size, and the roles."""

from __future__ import annotations

import pytest
import yaml
from sqlalchemy import select, update

from pipelines.accounts import add_user, disable
from pipelines.campaigns import approve, parse_campaign, plan, save, show
from pipelines.campaigns.approval import NotYoursError
from pipelines.campaigns.gates import HeldBackError
from pipelines.privacy import ConsentRow, import_consents
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import campaigns, recipients
from tests.campaigns.test_documents import BASE
from tests.segments.people import NOW, person, publish_people


def limited(settings, above):
    return settings.model_copy(update={"approval_above": above})


def world(engine, settings, size, *, saved_by="ann", consents=None):
    """A draft to `size` people, of whom `consents` agreed."""
    snapshot = publish_people(settings, [person(n) for n in range(size)])
    agreed = size if consents is None else consents
    import_consents(engine, [ConsentRow(n, f"p{n}@example.com", "form", NOW) for n in range(agreed)], NOW)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    save(engine, parse_campaign(yaml.safe_dump(BASE), settings.data_dir), NOW, actor=saved_by)
    return snapshot


def state_of(engine):
    found = show(engine, "win-back")
    return found["state"], found["approved_by"]


def test_up_to_the_size_one_person_is_enough(engine, settings):
    world(engine, settings, 3)
    approve(engine, limited(settings, 3), "win-back", NOW, user="ann")
    assert state_of(engine) == ("approved", "ann")


def test_above_the_size_who_saved_it_may_not_approve_it_and_another_may(engine, settings):
    world(engine, settings, 4)
    with pytest.raises(NotYoursError, match=r"go to 4 people, and above 3 .* somebody else than ann"):
        approve(engine, limited(settings, 3), "win-back", NOW, user="Ann ")
    assert state_of(engine) == ("draft", None)
    approve(engine, limited(settings, 3), "win-back", NOW, user="bob")
    assert state_of(engine) == ("approved", "bob")


def test_the_size_is_of_those_who_would_be_mailed(engine, settings):
    world(engine, settings, 9, consents=3)
    approve(engine, limited(settings, 3), "win-back", NOW, user="ann")
    assert state_of(engine) == ("approved", "ann")


def test_a_limit_of_nobody_asks_for_a_second_person_always(engine, settings):
    world(engine, settings, 1, consents=0)
    with pytest.raises(NotYoursError, match="every campaign needs"):
        approve(engine, limited(settings, 0), "win-back", NOW, user="ann")
    approve(engine, limited(settings, 0), "win-back", NOW, user="bob")


def test_who_saved_it_last_counts(engine, settings):
    world(engine, settings, 4)
    save(engine, parse_campaign(yaml.safe_dump({**BASE, "subject": "Other"}), settings.data_dir), NOW, actor="bob")
    with pytest.raises(NotYoursError, match="somebody else than bob"):
        approve(engine, limited(settings, 3), "win-back", NOW, user="bob")
    approve(engine, limited(settings, 3), "win-back", NOW, user="ann")


def test_an_audience_that_grew_above_the_size_is_held_back_until_a_second_person_approves(engine, settings):
    world(engine, settings, 3)
    approve(engine, limited(settings, 3), "win-back", NOW, user="ann")
    snapshot = world(engine, settings, 4)
    with pytest.raises(HeldBackError, match=r"would go to 4 people, and above 3 .* Nobody new was planned"):
        plan(engine, snapshot, limited(settings, 3), "win-back", NOW)
    with reading(engine) as connection:
        assert connection.execute(select(recipients)).all() == []
    assert state_of(engine) == ("approved", "ann")
    approve(engine, limited(settings, 3), "win-back", NOW, user="bob")
    assert state_of(engine) == ("approved", "bob")
    assert plan(engine, snapshot, limited(settings, 3), "win-back", NOW) == 4


def test_a_marketer_approves_what_others_saved_and_a_reader_nothing(engine, settings):
    world(engine, settings, 1)
    for name, role in (("ann", "marketer"), ("bob", "marketer"), ("eve", "reader"), ("old", "admin")):
        add_user(engine, name, role, None, now=NOW)
    disable(engine, "old", now=NOW)
    with pytest.raises(NotYoursError, match="a marketer does not approve what they saved"):
        approve(engine, settings, "win-back", NOW, user="ann")
    for name in ("eve", "old"):
        with pytest.raises(NotYoursError, match="approves no campaigns"):
            approve(engine, settings, "win-back", NOW, user=name)
    assert state_of(engine) == ("draft", None)
    approve(engine, settings, "win-back", NOW, user="bob")


def test_an_admin_approves_their_own_up_to_the_size(engine, settings):
    world(engine, settings, 4)
    add_user(engine, "ann", "admin", None, now=NOW)
    with pytest.raises(NotYoursError, match="somebody else"):
        approve(engine, limited(settings, 3), "win-back", NOW, user="ann")
    approve(engine, limited(settings, 4), "win-back", NOW, user="ann")


def test_of_a_campaign_that_nobody_is_known_to_have_saved_nobody_is_refused(engine, settings):
    world(engine, settings, 4)
    with writing(engine) as connection:
        connection.execute(update(campaigns).values(saved_by=None))
    approve(engine, limited(settings, 3), "win-back", NOW, user="ann")


def test_the_limit_is_ten_thousand_people():
    assert Settings().approval_above == 10_000
