"""Who enters a segment gets it once; a sequence goes step by step, whoever fits its exit is out."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from sqlalchemy import select

from pipelines.campaigns import approve, cancel, move, parse_campaign, plan, plan_due, resume, save, show
from pipelines.campaigns.gates import HeldBackError
from pipelines.campaigns.journeys import advance, begin, following, told_journeys
from pipelines.campaigns.stepping import occurrence_of
from pipelines.errors import MillstreamError, UsageError
from pipelines.privacy import ConsentRow, address_key, import_consents, suppress
from pipelines.segments import materialise, parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import journeys, recipients
from pipelines.warehouse import Snapshot, SnapshotReader
from tests import warm
from tests.campaigns.test_documents import HTML
from tests.segments.people import NOW, person, publish_people

DAY = timedelta(days=1)
PAST_DUE = {"trait": {"field": "subscription_status", "op": "eq", "value": "past_due"}}
STEPS = [
    {"name": "first", "wait": "0m", "subject": "1", "html": HTML},
    {"name": "second", "wait": "3d", "subject": "2", "html": HTML},
    {"name": "last", "wait": "4d", "subject": "3", "html": HTML},
]
SEQUENCE = {"steps": STEPS, "exit": {"not": PAST_DUE}, "trigger": {"on": "segment_entry", "again": True}}
ONE_MAIL = {"subject": "Hello", "html": HTML}


class Day(NamedTuple):
    """A run of the pipeline: what it published, and when."""

    snapshot: Snapshot
    now: datetime


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A snapshot for each state of the world that a test asks for; a publish costs more than all else here."""
    made: dict[str, Snapshot] = {}

    def of(people):
        key = json.dumps(people, sort_keys=True, default=str)
        if key not in made:
            made[key] = publish_people(Settings(MILLSTREAM_DATA_DIR=tmp_path_factory.mktemp("world")), people)
        return made[key]

    return of


@pytest.fixture
def settings(tmp_path):
    """In memory where there is such a disk: a test writes the ledger a hundred times."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="millstream-", dir=memory if os.access(memory, os.W_OK) else tmp_path))
    yield Settings(MILLSTREAM_DATA_DIR=folder, MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely")
    shutil.rmtree(folder)


@pytest.fixture
def day(engine, published):
    """A day of the world: these people are past due on it, as a run of the pipeline writes it down."""
    rows = [ConsentRow(n, f"p{n}@example.com", "form", NOW) for n in range(10)]
    import_consents(engine, rows, NOW)
    save_segment(engine, parse_segment(yaml.safe_dump({"name": "payment_failed", "match": PAST_DUE})), NOW)

    def on(number, *past_due, people=None):
        there = people or [person(n) for n in range(1, 7)]
        owing = {f"p{n:04d}" for n in past_due}
        states = ("past_due" if one["person_id"] in owing else "active" for one in there)
        snapshot = published([{**one, "subscription_status": state} for one, state in zip(there, states, strict=True)])
        materialise(engine, snapshot, NOW + number * DAY)
        return Day(snapshot, NOW + number * DAY)

    return on


def approved(engine, settings, **document):
    whole = {"name": "dunning", "segment": "payment_failed", **document}
    save(engine, parse_campaign(yaml.safe_dump(whole), settings.data_dir), NOW, actor="ann")
    approve(engine, settings, "dunning", NOW, user="ann")


def begun(engine, settings, today, **document):
    approved(engine, settings, **document)
    begin(engine, today.snapshot, settings, "dunning", today.now, actor="ann")


def go(engine, settings, today):
    """One tick on this day."""
    return advance(engine, today.snapshot, settings, "dunning", today.now)


def ledger(engine):
    columns = recipients.c
    with reading(engine) as connection:
        rows = connection.execute(
            select(columns.person_id, columns.step, columns.occurrence, columns.state, columns.planned_at)
            .where(columns.campaign == "dunning")
            .order_by(columns.planned_at, columns.person_id, columns.step)
        ).all()
    return [(row.person_id, row.step, row.occurrence, row.state, (row.planned_at - NOW).days) for row in rows]


def went(engine):
    """Who got which step on which day."""
    return [(who, step, when) for who, step, _, state, when in ledger(engine) if state == "planned"]


def stands(engine, number):
    with reading(engine) as connection:
        mine = journeys.c.person_id == f"p{number:04d}"
        rows = connection.execute(select(journeys).where(mine).order_by(journeys.c.entered_at)).all()
    return [(row.state, row.step, row.reason) for row in rows]


# --- entering a segment -----------------------------------------------------------------------------------


def test_who_is_inside_at_the_beginning_gets_nothing_and_who_enters_later_gets_it_once(engine, settings, day):
    begun(engine, settings, day(0, 1, 2), trigger={"on": "segment_entry"}, **ONE_MAIL)
    assert go(engine, settings, day(0, 1, 2)).planned == Counter()
    assert go(engine, settings, day(1, 1, 2, 3, 4)).planned == Counter({"": 2})
    assert go(engine, settings, day(2, 2, 3, 5)).planned == Counter({"": 1})
    # The first and the fourth left; coming back is no first time for the fourth, and the first was never mailed.
    assert go(engine, settings, day(3, 1, 2, 3, 4, 5)).planned == Counter({"": 1})
    assert went(engine) == [("p0003", "", 1), ("p0004", "", 1), ("p0005", "", 2), ("p0001", "", 3)]
    assert {occurrence for _, _, occurrence, _, _ in ledger(engine)} == {"entry"}
    assert show(engine, "dunning")["state"] == "sending"


def test_a_segment_that_no_run_has_looked_at_yet_floods_nobody(engine, settings, day, published):
    snapshot = published([person(n, subscription_status="past_due") for n in range(1, 7)])
    begun(engine, settings, Day(snapshot, NOW), trigger={"on": "segment_entry"}, **ONE_MAIL)
    assert go(engine, settings, day(1, *range(1, 7))).planned == Counter()
    seventh = [person(n) for n in range(1, 8)]
    assert go(engine, settings, day(2, *range(1, 8), people=seventh)).planned == Counter({"": 1})


def test_again_means_once_per_entry(engine, settings, day):
    begun(engine, settings, day(0), trigger={"on": "segment_entry", "again": True}, **ONE_MAIL)
    for number, inside in ((1, [1]), (2, [1]), (3, []), (4, [1]), (5, [1])):
        today = day(number, *inside)
        go(engine, settings, today)
        go(engine, settings, today)
    assert went(engine) == [("p0001", "", 1), ("p0001", "", 4)]
    assert [row[2] for row in ledger(engine)] == ["2026-06-02T00:00Z", "2026-06-05T00:00Z"]


def test_who_entered_and_left_before_anybody_looked_gets_nothing(engine, settings, day):
    begun(engine, settings, day(0), trigger={"on": "segment_entry"}, **ONE_MAIL)
    day(1, 1)
    assert go(engine, settings, day(2)).entered == 0
    assert ledger(engine) == []


def test_consent_refusal_and_holdout_hold_for_an_entry_as_for_any_audience(engine, settings, day):
    people = [person(n) for n in range(1, 13)]
    with writing(engine) as connection:
        suppress(connection, address_key("p2@example.com"), reason="bounce", source="test", now=NOW)
    begun(engine, settings, day(0, people=people), trigger={"on": "segment_entry"}, holdout=0.5, **ONE_MAIL)
    go(engine, settings, day(1, *range(1, 13), people=people))
    with reading(engine) as connection:
        rows = connection.execute(select(recipients)).all()
    # Ten to twelve never agreed.
    assert Counter(row.reason for row in rows if row.reason) == {"no_consent": 3, "suppressed": 1}
    held = sum(row.state == "holdout" for row in rows)
    assert 0 < held < 8
    assert Counter(row.state for row in rows) == {"planned": 8 - held, "holdout": held, "suppressed": 4}
    assert all(row.address is None for row in rows if row.state != "planned")


def test_two_people_with_one_address_get_one_mail_whenever_they_enter(engine, settings, day):
    people = [person(1), person(2, email="P1@Example.com"), person(3, email="p1@example.com")]
    begun(engine, settings, day(0, people=people), trigger={"on": "segment_entry"}, **ONE_MAIL)
    go(engine, settings, day(1, 1, 2, people=people))
    go(engine, settings, day(2, 1, 2, 3, people=people))
    assert went(engine) == [("p0001", "", 1)]
    assert [stands(engine, n)[0][0] for n in (1, 2, 3)] == ["finished"] * 3


# --- sequences --------------------------------------------------------------------------------------------


def test_a_sequence_goes_step_by_step_and_whoever_pays_is_out(engine, settings, day):
    begun(engine, settings, day(0, 6), **SEQUENCE)
    for number in range(1, 13):
        # One pays after two days, two never does, three enters on the fourth and pays on the tenth.
        inside = {6, 2} | ({1} if number < 3 else set()) | ({3} if 4 <= number < 10 else set())
        go(engine, settings, day(number, *inside))
    assert went(engine) == [
        ("p0001", "first", 1),
        ("p0002", "first", 1),
        ("p0002", "second", 4),
        ("p0003", "first", 4),
        ("p0003", "second", 7),
        ("p0002", "last", 8),
    ]
    assert stands(engine, 1) == [("exited", "second", "exit")]
    assert stands(engine, 2) == [("finished", "last", None)]
    assert stands(engine, 3) == [("exited", "last", "exit")]
    assert stands(engine, 6) == []
    told = told_journeys(engine, "dunning")
    assert (told["since"], told["next_due_at"]) == (NOW, None)
    assert (told["active"], told["finished"], told["exited"]) == (0, 1, 2)
    assert told["reasons"] == {"exit": 2}


def test_each_step_is_a_mail_of_its_own_and_its_key_names_it(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    for number in (1, 4, 8):
        go(engine, settings, day(number, 1))
    assert [occurrence for _, _, occurrence, _, _ in ledger(engine)] == [
        "2026-06-02T00:00Z/first",
        "2026-06-02T00:00Z/second",
        "2026-06-02T00:00Z/last",
    ]


def test_a_late_run_moves_the_steps_after_it_and_plans_nothing_twice(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    for number in (1, 20, 20, 21, 23, 24, 30):
        go(engine, settings, day(number, 1))
    assert went(engine) == [("p0001", "first", 1), ("p0001", "second", 20), ("p0001", "last", 24)]


def test_a_clock_that_goes_back_plans_nothing_twice(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    today = day(1, 1)
    for number in (1, 4, 2, 4, 1, 8, 3, 8):
        advance(engine, today.snapshot, settings, "dunning", NOW + number * DAY)
    assert [(step, when) for _, step, when in went(engine)] == [("first", 1), ("second", 4), ("last", 8)]


def test_a_refusal_between_two_steps_is_heeded_and_the_journey_goes_on(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    go(engine, settings, day(1, 1))
    with writing(engine) as connection:
        suppress(connection, address_key("p1@example.com"), reason="unsubscribed", source="link", now=NOW)
    for number in (4, 8):
        go(engine, settings, day(number, 1))
    assert [(step, state) for _, step, _, state, _ in ledger(engine)] == [
        ("first", "planned"),
        ("second", "suppressed"),
        ("last", "suppressed"),
    ]


def test_steps_without_a_wait_are_planned_in_one_go(engine, settings, day):
    steps = [{**step, "wait": "0m"} for step in STEPS]
    begun(engine, settings, day(0), **{**SEQUENCE, "steps": steps})
    assert go(engine, settings, day(1, 1, 2)).planned == Counter(first=2, second=2, last=2)
    assert told_journeys(engine, "dunning")["finished"] == 2


def test_an_entry_while_the_last_one_is_under_way_begins_none(engine, settings, day):
    begun(engine, settings, day(0), **{**SEQUENCE, "exit": None})
    for number, inside in ((1, [1]), (2, []), (3, [1]), (4, [1]), (8, [1]), (9, []), (10, [1])):
        go(engine, settings, day(number, *inside))
    assert [(step, when) for _, step, when in went(engine)] == [("first", 1), ("second", 4), ("last", 8), ("first", 10)]
    assert [state for state, _, _ in stands(engine, 1)] == ["finished", "exited", "active"]
    assert stands(engine, 1)[1] == ("exited", "first", "under_way")


def test_whom_the_snapshot_no_longer_knows_is_out(engine, settings, day):
    begun(engine, settings, day(0), **{**SEQUENCE, "exit": None})
    go(engine, settings, day(1, 1, 2))
    go(engine, settings, day(4, 2, people=[person(2)]))
    assert stands(engine, 1) == [("exited", "second", "not_in_snapshot")]
    assert stands(engine, 2) == [("active", "last", None)]


# --- crashes, two at once, pauses -------------------------------------------------------------------------


def test_two_ticks_at_once_plan_what_one_would(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    for number in (1, 4, 8):
        today, together = day(number, *range(1, 7)), threading.Barrier(4)

        def tick(today=today, together=together):
            together.wait()
            go(engine, settings, today)

        ticks = [threading.Thread(target=tick) for _ in range(4)]
        for one in ticks:
            one.start()
        for one in ticks:
            one.join()
    assert Counter((step, when) for _, step, when in went(engine)) == {
        ("first", 1): 6,
        ("second", 4): 6,
        ("last", 8): 6,
    }
    assert told_journeys(engine, "dunning")["finished"] == 6


def _advance(settings, published_dir, now, fault):
    os.environ["MILLSTREAM_FAULT"] = fault
    go(open_state(settings), settings, Day(SnapshotReader(published_dir).newest(), now))


@pytest.mark.parametrize(("place", "at_least"), [("journeys.before_commit", 0), ("journeys.after_commit", 3)])
def test_killed_at_any_place_each_journey_is_before_a_step_or_after_it(engine, settings, day, place, at_least):
    begun(engine, settings, day(0), **{**SEQUENCE, "steps": [STEPS[0], {**STEPS[1], "wait": "0m"}, STEPS[2]]})
    folder = settings.data_dir / "published"
    for number, steps in ((1, 2), (5, 1)):
        today = day(number, 1, 2, 3)
        publish_people(settings, [person(n, subscription_status="past_due" if n < 4 else "active") for n in range(7)])
        for passage in range(1, steps + 1):
            killed = warm.FORKS.Process(target=_advance, args=(settings, folder, today.now, f"{place}:1"))
            killed.start()
            killed.join(60)
            assert killed.exitcode == 137, passage
            planned = [step for _, step, when in went(engine) if when == number]
            # All three stand at one step: it was planned for all of them, and its journey says so.
            assert len(planned) == at_least * passage
            assert told_journeys(engine, "dunning")["active"] + told_journeys(engine, "dunning")["finished"] == 3
        go(engine, settings, today)
    assert Counter((step, when) for _, step, when in went(engine)) == {
        ("first", 1): 3,
        ("second", 1): 3,
        ("last", 5): 3,
    }


def test_a_pause_holds_journeys_and_a_cancelled_campaign_ends_them(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    go(engine, settings, day(1, 1))
    with writing(engine) as connection:
        move(connection, "dunning", "paused", now=NOW, actor="ann")
    assert go(engine, settings, day(4, 1, 2)).planned == Counter()
    assert following(engine, NOW + 4 * DAY) == []
    with writing(engine) as connection:
        resume(connection, "dunning", now=NOW, actor="ann")
    assert go(engine, settings, day(5, 1, 2)).planned == Counter(first=1, second=1)
    with writing(engine) as connection:
        cancel(connection, "dunning", now=NOW, actor="ann")
    assert go(engine, settings, day(30, 1, 2)).planned == Counter()
    assert stands(engine, 1) == [("exited", "last", "cancelled")]
    assert told_journeys(engine, "dunning")["active"] == 0


def test_what_is_due_is_told_before_anything_is_done(engine, settings, day):
    begun(engine, settings, day(0), **SEQUENCE)
    assert following(engine, NOW) == []
    today = day(1, 1)
    assert [tuple(one) for one in following(engine, NOW + DAY)] == [("dunning", NOW + DAY)]
    go(engine, settings, today)
    with writing(engine) as connection:
        connection.execute(recipients.update().values(state="accepted", done_at=NOW))
        move(connection, "dunning", "scheduled", now=NOW, actor="sender")
    assert following(engine, NOW + DAY) == []
    assert following(engine, NOW + 4 * DAY - timedelta(seconds=1)) == []
    assert [tuple(one) for one in following(engine, NOW + 9 * DAY)] == [("dunning", NOW + 4 * DAY)]


def test_more_people_than_one_person_may_let_out_are_held_back(engine, settings, day):
    small = settings.model_copy(update={"approval_above": 2})
    begun(engine, settings, day(0), **SEQUENCE)
    with pytest.raises(HeldBackError, match="3 people, and above 2"):
        go(engine, small, day(1, 1, 2, 3))
    assert ledger(engine) == []
    approve(engine, small, "dunning", NOW, user="bob")
    assert go(engine, small, day(1, 1, 2, 3)).planned == Counter(first=3)


# --- what begins, and what can not ------------------------------------------------------------------------


def test_a_sender_begins_an_approved_one_and_opens_a_snapshot_only_where_one_is_needed(engine, settings, day):
    approved(engine, settings, **SEQUENCE)
    asked = []

    def newest(today):
        def opened():
            asked.append(today.now)
            return today.snapshot

        return opened

    assert plan_due(engine, settings, "dunning", NOW, newest(day(0, 1, 2))) == 0
    assert (show(engine, "dunning")["state"], ledger(engine)) == ("scheduled", [])
    today = day(1, 1, 2, 3)
    assert plan_due(engine, settings, "dunning", NOW + DAY, newest(today)) == 1
    assert plan_due(engine, settings, "dunning", NOW + DAY, newest(today)) == 0
    assert asked == [NOW, NOW + DAY]


def test_only_an_approved_campaign_with_a_trigger_begins(engine, settings, day):
    snapshot = day(0).snapshot
    document = {"name": "dunning", "segment": "payment_failed", **ONE_MAIL}
    save(engine, parse_campaign(yaml.safe_dump(document), settings.data_dir), NOW)
    with pytest.raises(UsageError, match="has no 'trigger'"):
        begin(engine, snapshot, settings, "dunning", NOW, actor="ann")
    text = yaml.safe_dump({**document, "trigger": {"on": "segment_entry"}})
    save(engine, parse_campaign(text, settings.data_dir), NOW)
    with pytest.raises(MillstreamError, match="is draft"):
        begin(engine, snapshot, settings, "dunning", NOW, actor="ann")


def test_a_whole_audience_is_never_planned_of_a_campaign_with_a_trigger(engine, settings, day):
    approved(engine, settings, **SEQUENCE)
    with pytest.raises(MillstreamError, match="follows its segment"):
        plan(engine, day(0, 1, 2).snapshot, settings, "dunning", NOW)
    assert ledger(engine) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"steps": STEPS}, "'steps' need a 'trigger'"),
        ({**ONE_MAIL, "exit": PAST_DUE}, "'exit' needs a 'trigger'"),
        (
            {**ONE_MAIL, "trigger": {"on": "segment_entry"}, "schedule": {"at": "2026-11-27T09:00"}},
            "'trigger' and 'schedule' do not go together",
        ),
        ({**ONE_MAIL, "trigger": {"on": "full_moon"}}, "trigger.on"),
        ({**SEQUENCE, "steps": [{**STEPS[0], "wait": "soon"}]}, "steps[0].wait"),
        ({**SEQUENCE, "exit": {"trait": {"op": "eq"}}}, "exit.trait.field"),
        ({**SEQUENCE, "steps": [STEPS[0], {**STEPS[0]}]}, "a name stands twice"),
    ],
)
def test_a_sequence_that_can_not_be_meant_is_refused_by_its_path(tmp_path, document, words):
    with pytest.raises(UsageError) as problem:
        parse_campaign(yaml.safe_dump({"name": "dunning", "segment": "payment_failed", **document}), tmp_path)
    assert words in str(problem.value)


def test_the_longest_names_of_steps_stay_apart_in_forty_letters(tmp_path):
    names = ["s" * 39 + end for end in "ab"] + ["short"]
    steps = [{**STEPS[0], "name": name} for name in names]
    for again in (True, False):
        document = {"name": "x", "segment": "s", "steps": steps, "trigger": {"on": "segment_entry", "again": again}}
        content = parse_campaign(yaml.safe_dump(document), tmp_path)
        found = {occurrence_of(content.document, NOW, name) for name in names}
        assert len(found) == 3
        assert max(map(len, found)) == 40
