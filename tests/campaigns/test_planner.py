"""Planning writes the same rows however it is cut up, all of them or none."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import delete, update

from pipelines.campaigns import due, due_of, plan, schedule, show
from pipelines.campaigns import planner as planner_room
from pipelines.campaigns.audience import audience, dedupe_key
from pipelines.privacy import address_key, suppress
from pipelines.segments import ask
from pipelines.state import reading, writing
from pipelines.state.tables import campaigns, occurrences, recipients
from tests.campaigns.test_audience import approved, consent_of, ledger
from tests.campaigns.test_timing import at
from tests.segments.people import NOW, person, publish_people

OCCURRENCE = "2026-06-09T19:00Z"
OWN_NINE = {"at": "2026-06-10T09:00", "timezone": "recipient", "max_lateness": "3h"}
ZONES = ("Asia/Tokyo", "Europe/Berlin", None, "Mars/Base")


@pytest.fixture
def crowd(engine, settings):
    """Sixty people in no order: every third shares an address, some never agreed, two have none that can be mailed."""
    chance = random.Random(7)
    people = []
    for number in chance.sample(range(60), 60):
        email = f"Shared{number // 6}@Example.com" if number % 3 == 0 else f"p{number}@example.com"
        zone, paid = ZONES[number % 4], chance.randrange(4)
        people.append(person(number, email=email, timezone=zone, payments_count=paid, first_name=f"N{number}"))
    people[0]["email"], people[1]["email"] = None, "nonsense"
    consent_of(engine, *(one["email"] for one in people[:50] if one["email"] not in (None, "nonsense")))
    with writing(engine) as connection:
        suppress(connection, address_key("p1@example.com"), reason="bounce", source="test", now=NOW)
    approved(engine, settings, holdout=0.2, schedule=OWN_NINE, variants=[{"name": "A"}, {"name": "B"}])
    schedule(engine, settings, "win-back", NOW)
    return publish_people(settings, people)


def planned(engine, settings, snapshot):
    plan(engine, snapshot, settings, "win-back", at("2026-06-09T20:00"), occurrence=OCCURRENCE)
    return ledger(engine)


def taken_back(engine):
    """As if it had not been planned."""
    with writing(engine) as connection:
        connection.execute(delete(recipients))
        connection.execute(update(occurrences).values(state="waiting", planned_at=None, snapshot=None))
        connection.execute(update(campaigns).values(state="scheduled"))


def test_planning_in_any_batches_gives_the_same_rows(engine, settings, crowd, monkeypatch):
    expected = planned(engine, settings, crowd)
    people, addresses = {row.person_id for row in expected}, [row.address_key for row in expected if row.address_key]
    assert len(people) == len(expected) == len({row.dedupe_key for row in expected})
    assert len(addresses) == len(set(addresses)) == len(expected) - 2
    assert {row.state for row in expected} == {"planned", "suppressed", "holdout"}
    assert {row.variant for row in expected} == {"A", "B"}
    for row in expected:
        assert row.dedupe_key == dedupe_key("win-back", OCCURRENCE, row.address_key or f"person:{row.person_id}")
    for size in (1, 2, 7, 59):
        taken_back(engine)
        monkeypatch.setattr(planner_room, "BATCH", size)
        monkeypatch.setattr(ask, "BATCH", size)
        assert planned(engine, settings, crowd) == expected


@pytest.mark.parametrize("point", ["planner.after_batch", "planner.before_commit"])
def test_a_plan_that_ends_in_the_middle_leaves_nothing_planned(engine, settings, crowd, monkeypatch, point):
    class PowerCutError(Exception):
        pass

    def cut(name):
        if name == point:
            raise PowerCutError

    with monkeypatch.context() as dark:
        dark.setattr(planner_room, "fault_point", cut)
        with pytest.raises(PowerCutError):
            planned(engine, settings, crowd)
    assert ledger(engine) == []
    assert show(engine, "win-back")["state"] == "scheduled"
    assert [one.action for one in due(engine, at("2026-06-09T20:00"))] == ["plan"]
    assert len(planned(engine, settings, crowd)) > 40


def test_of_two_planners_at_once_one_writes(engine, settings, crowd, monkeypatch):

    def meanwhile(*arguments):
        # The first planner has worked out its audience when the second one plans it all.
        rows = list(audience(*arguments))
        monkeypatch.setattr(planner_room, "audience", audience)
        planned(engine, settings, crowd)
        return iter(rows)

    monkeypatch.setattr(planner_room, "audience", meanwhile)
    rows = planned(engine, settings, crowd)
    assert len(rows) == len({row.person_id for row in rows}) > 40
    with reading(engine) as connection:
        assert due_of(connection, "win-back", at("2026-06-09T20:00")) == []
