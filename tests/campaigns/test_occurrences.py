"""What a campaign waits for, what is due, and what becomes of an occurrence whose time has passed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pipelines.campaigns import Due, cancel, due, move, plan, plan_due, resume, schedule, settled, show
from pipelines.errors import MillstreamError, UsageError
from pipelines.state import reading, writing
from pipelines.state.tables import occurrences, recipients
from tests.campaigns.test_audience import approved, consent_of, ledger
from tests.campaigns.test_timing import at
from tests.segments.people import person, publish_people

DUE = at("2026-06-10T07:00")
"""Nine o'clock in Berlin."""
NINE = {"at": "2026-06-10T09:00", "timezone": "Europe/Berlin", "max_lateness": "3h"}
MONDAYS = {"cron": "0 9 * * 1", "timezone": "Europe/Berlin", "max_lateness": "3h"}


@pytest.fixture
def people(engine, settings):
    """Five people, four of whom agreed."""
    found = [person(n) for n in range(5)]
    consent_of(engine, *(one["email"] for one in found[1:]))
    return publish_people(settings, found)


@pytest.fixture
def go(engine, settings, people):
    """Plan whatever is due at a moment; how many rows that were."""
    return lambda moment: plan_due(engine, settings, "win-back", moment, lambda: people)


def state(engine):
    found = show(engine, "win-back")
    return found["state"], found["reason"]


def told(engine):
    """Every occurrence with its state and reason, in the order of time."""
    with reading(engine) as connection:
        rows = connection.execute(select(occurrences).order_by(occurrences.c.due_at)).all()
    return [(row.occurrence, row.state, row.reason) for row in rows]


def outcome(engine):
    return Counter((row.occurrence, row.state, row.reason) for row in ledger(engine))


def mailed(engine, moment):
    """What a sender leaves behind who reached everybody; the campaign's state then."""
    with writing(engine) as connection:
        planned = update(recipients).where(recipients.c.state == "planned")
        connection.execute(planned.values(state="accepted", done_at=moment))
        return settled(connection, "win-back", moment)


def test_a_scheduled_campaign_waits_is_planned_when_due_and_is_sent(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    waits = schedule(engine, settings, "win-back", at("2026-06-09"), actor="ann")
    assert waits == Due("win-back", "2026-06-10T07:00Z", "plan", DUE)
    assert state(engine) == ("scheduled", None)
    assert due(engine, DUE - timedelta(seconds=1)) == []
    assert go(DUE - timedelta(seconds=1)) == 0
    assert due(engine, DUE) == [waits]
    assert go(DUE) == 5
    assert state(engine) == ("sending", None)
    assert told(engine) == [("2026-06-10T07:00Z", "planned", None)]
    assert due(engine, DUE) == [Due("win-back", "2026-06-10T07:00Z", "send", DUE)]
    assert mailed(engine, DUE) == "sent"
    assert told(engine) == [("2026-06-10T07:00Z", "done", None)]
    assert due(engine, DUE) == []
    assert outcome(engine) == {
        ("2026-06-10T07:00Z", "accepted", None): 4,
        ("2026-06-10T07:00Z", "suppressed", "no_consent"): 1,
    }


def test_planning_an_occurrence_again_adds_nobody(engine, settings, go, people):
    approved(engine, settings, schedule=NINE)
    schedule(engine, settings, "win-back", at("2026-06-09"))
    assert go(DUE) == 5
    assert plan(engine, people, settings, "win-back", DUE, occurrence="2026-06-10T07:00Z") == 5
    assert go(DUE + timedelta(hours=1)) == 0
    assert len(ledger(engine)) == 5


def test_a_schedule_missed_by_six_hours_leaves_everybody_cancelled_as_late(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    schedule(engine, settings, "win-back", at("2026-06-09"))
    assert go(DUE + timedelta(hours=6)) == 5
    assert outcome(engine) == {
        ("2026-06-10T07:00Z", "cancelled", "late"): 4,
        ("2026-06-10T07:00Z", "suppressed", "no_consent"): 1,
    }
    assert {row.address for row in ledger(engine)} == {None}
    assert told(engine) == [("2026-06-10T07:00Z", "missed", "late")]
    assert state(engine) == ("cancelled", "late")
    assert due(engine, DUE + timedelta(days=1)) == []


def test_a_schedule_missed_by_less_than_it_may_is_sent_late(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    schedule(engine, settings, "win-back", at("2026-06-09"))
    assert go(DUE + timedelta(hours=3)) == 5
    assert outcome(engine)["2026-06-10T07:00Z", "planned", None] == 4
    assert {row.not_after for row in ledger(engine)} == {DUE + timedelta(hours=3)}


def test_whoever_was_planned_and_came_too_late_after_all_makes_the_occurrence_missed(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    schedule(engine, settings, "win-back", at("2026-06-09"))
    go(DUE)
    with writing(engine) as connection:
        planned = update(recipients).where(recipients.c.state == "planned")
        connection.execute(planned.values(state="cancelled", reason="late"))
        assert settled(connection, "win-back", DUE + timedelta(hours=4)) == "cancelled"
    assert told(engine) == [("2026-06-10T07:00Z", "missed", "late")]


def test_a_weekly_campaign_goes_back_to_waiting_until_it_is_cancelled(engine, settings, go):
    approved(engine, settings, schedule=MONDAYS)
    schedule(engine, settings, "win-back", at("2026-06-03"))
    for week, monday in enumerate(("2026-06-08T07:00", "2026-06-15T07:00"), start=1):
        assert go(at(monday)) == 5
        assert mailed(engine, at(monday)) == "scheduled"
        assert len(ledger(engine)) == 5 * week
    assert told(engine) == [
        ("2026-06-08T07:00Z", "done", None),
        ("2026-06-15T07:00Z", "done", None),
        ("2026-06-22T07:00Z", "waiting", None),
    ]
    with writing(engine) as connection:
        cancel(connection, "win-back", now=at("2026-06-16"), actor="ann")
    assert told(engine)[-1] == ("2026-06-22T07:00Z", "cancelled", "cancelled")
    assert state(engine)[0] == "cancelled"
    assert due(engine, at("2026-06-23")) == []


def test_after_three_weeks_of_downtime_only_the_last_monday_is_sent(engine, settings, go):
    approved(engine, settings, schedule=MONDAYS)
    schedule(engine, settings, "win-back", at("2026-06-03"))
    back = at("2026-06-22T09:59")
    assert due(engine, back) == [Due("win-back", "2026-06-22T07:00Z", "plan", at("2026-06-22T07:00"))]
    assert go(back) == 5
    assert told(engine) == [
        ("2026-06-08T07:00Z", "missed", "late"),
        ("2026-06-15T07:00Z", "missed", "late"),
        ("2026-06-22T07:00Z", "planned", None),
        ("2026-06-29T07:00Z", "waiting", None),
    ]
    assert {row.occurrence for row in ledger(engine)} == {"2026-06-22T07:00Z"}
    assert mailed(engine, back) == "scheduled"


def test_after_downtime_longer_than_it_may_be_late_nobody_is_mailed_and_the_next_monday_waits(engine, settings, go):
    approved(engine, settings, schedule=MONDAYS)
    schedule(engine, settings, "win-back", at("2026-06-03"))
    go(at("2026-06-16"))
    assert outcome(engine)["2026-06-15T07:00Z", "cancelled", "late"] == 4
    assert [one[1] for one in told(engine)] == ["missed", "missed", "waiting"]
    assert state(engine) == ("scheduled", None)
    assert go(at("2026-06-22T07:00")) == 5
    assert mailed(engine, at("2026-06-22T07:00")) == "scheduled"


def test_an_occurrence_whose_successor_is_due_is_not_planned_any_more(engine, settings, people):
    approved(engine, settings, schedule=MONDAYS)
    schedule(engine, settings, "win-back", at("2026-06-03"))
    for occurrence, moment in (("2026-06-08T07:00Z", "2026-06-15T07:00"), ("2026-06-15T07:00Z", "2026-06-08T07:00")):
        with pytest.raises(MillstreamError, match="not due"):
            plan(engine, people, settings, "win-back", at(moment), occurrence=occurrence)
    assert ledger(engine) == []
    assert told(engine) == [("2026-06-08T07:00Z", "waiting", None)]


def test_the_next_occurrence_is_planned_while_an_earlier_one_is_still_sent(engine, settings, go):
    approved(engine, settings, schedule={**MONDAYS, "max_lateness": "30d"})
    schedule(engine, settings, "win-back", at("2026-06-03"))
    go(at("2026-06-08T07:00"))
    assert go(at("2026-06-15T07:00")) == 5
    assert [one.occurrence for one in due(engine, at("2026-06-15T07:00"))] == ["2026-06-08T07:00Z", "2026-06-15T07:00Z"]
    with writing(engine) as connection:
        first = update(recipients).where(recipients.c.occurrence == "2026-06-08T07:00Z")
        connection.execute(first.values(state="accepted"))
        assert settled(connection, "win-back", at("2026-06-15T08:00")) == "sending"
    assert [one[1] for one in told(engine)] == ["done", "sending", "waiting"]
    assert mailed(engine, at("2026-06-15T08:00")) == "scheduled"


def test_a_campaign_without_a_schedule_is_planned_at_once(engine, settings, go):
    approved(engine, settings)
    assert go(DUE) == 5
    assert told(engine) == [("once", "planned", None)]
    assert mailed(engine, DUE) == "sent"
    assert told(engine) == [("once", "done", None)]


def test_an_approved_campaign_with_a_schedule_waits_for_it_when_it_is_sent(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    assert go(DUE - timedelta(hours=1)) == 0
    assert state(engine) == ("scheduled", None)
    assert go(DUE) == 5


def test_a_time_given_by_hand_stands_before_the_documents(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    given = schedule(engine, settings, "win-back", at("2026-06-09"), at="2026-06-11T09:00", timezone="Asia/Tokyo")
    assert given.occurrence == "2026-06-11T00:00Z"
    again = schedule(engine, settings, "win-back", at("2026-06-09"), at="2026-06-11T09:00+02:00")
    assert (again.occurrence, len(told(engine))) == ("2026-06-11T07:00Z", 1)
    assert go(at("2026-06-11T10:01")) == 5
    assert state(engine) == ("cancelled", "late")


def test_without_a_zone_the_reporting_zone_counts(engine, settings):
    berlin = settings.model_copy(update={"reporting_timezone": "Europe/Berlin"})
    approved(engine, settings)
    assert schedule(engine, berlin, "win-back", at("2026-06-09"), at="2026-06-10T09:00").due_at == DUE


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "has no 'schedule'"),
        ({"at": "tomorrow"}, "at: write a date and a time"),
        ({"at": "2026-06-10T09:00", "timezone": "Mars/Base"}, "timezone: there is no such time zone"),
        ({"at": "2026-06-10T09:00Z", "timezone": "UTC"}, "names its zone already"),
        ({"at": "2026-06-08T09:00"}, "is over"),
        ({"timezone": "UTC"}, "has no 'schedule'"),
    ],
)
def test_a_schedule_that_can_not_be_meant_is_refused(engine, settings, given, words):
    approved(engine, settings)
    with pytest.raises(UsageError, match=words):
        schedule(engine, settings, "win-back", at("2026-06-09"), **given)
    assert state(engine) == ("approved", None)
    assert told(engine) == []


def test_only_an_approved_campaign_is_scheduled(engine, settings, go):
    approved(engine, settings)
    go(DUE)
    with pytest.raises(MillstreamError, match="sending, not approved"):
        schedule(engine, settings, "win-back", DUE, at="2026-07-01T09:00")
    assert told(engine) == [("once", "planned", None)]


def test_cancelling_a_scheduled_campaign_cancels_what_it_waited_for(engine, settings, go):
    approved(engine, settings, schedule=NINE)
    schedule(engine, settings, "win-back", at("2026-06-09"))
    with writing(engine) as connection:
        cancel(connection, "win-back", now=at("2026-06-09"), actor="ann", reason="sold out")
    assert told(engine) == [("2026-06-10T07:00Z", "cancelled", "cancelled")]
    assert state(engine) == ("cancelled", "sold out")
    assert (due(engine, DUE), go(DUE), ledger(engine)) == ([], 0, [])


def test_a_pause_holds_what_waits_and_what_is_sent(engine, settings, go):
    approved(engine, settings, schedule=MONDAYS)
    schedule(engine, settings, "win-back", at("2026-06-03"))
    monday = at("2026-06-08T07:00")
    for expected in ("scheduled", "sending"):
        with writing(engine) as connection:
            move(connection, "win-back", "paused", now=monday, actor="ann")
        assert (due(engine, monday), go(monday)) == ([], 0)
        with writing(engine) as connection:
            assert resume(connection, "win-back", now=monday, actor="ann") == expected
        go(monday)
    assert len(ledger(engine)) == 5
    assert [one.action for one in due(engine, monday)] == ["send"]


def test_each_person_waits_for_their_own_morning_and_is_late_by_their_own_clock(engine, settings):
    zones = ["Asia/Tokyo", "Europe/Berlin", "America/New_York", None, "Mars/Base"]
    found = [person(n, timezone=zone) for n, zone in enumerate(zones)]
    consent_of(engine, *(one["email"] for one in found))
    snapshot = publish_people(settings, found)
    # The night in which Berlin's clock goes on: nine o'clock there is seven in UTC, no longer eight.
    approved(engine, settings, schedule={"at": "2026-03-29T09:00", "timezone": "recipient", "max_lateness": "3h"})
    schedule(engine, settings, "win-back", at("2026-03-20"))
    assert [one.due_at for one in due(engine, at("2026-03-29"))] == [at("2026-03-28T19:00")]
    # Planned five hours late: in Tokyo it was nine at midnight UTC, so the time there has not passed.
    now = at("2026-03-29T03:30")
    assert plan_due(engine, settings, "win-back", now, lambda: snapshot) == 5
    rows = {row.person_id: row for row in ledger(engine)}
    assert [(row.state, row.reason, row.timezone, row.not_before) for row in rows.values()] == [
        ("cancelled", "late", "Asia/Tokyo", at("2026-03-29T00:00")),
        ("planned", None, "Europe/Berlin", at("2026-03-29T07:00")),
        ("planned", None, "America/New_York", at("2026-03-29T13:00")),
        ("planned", None, None, at("2026-03-29T09:00")),
        ("planned", None, None, at("2026-03-29T09:00")),
    ]
    assert rows["p0002"].not_after == at("2026-03-29T16:00")
    assert due(engine, at("2026-03-29T06:59")) == []
    assert [one.action for one in due(engine, at("2026-03-29T07:00"))] == ["send"]
