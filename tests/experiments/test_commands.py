"""The report and the back-test as commands: what they print for scripts and for people, over several occurrences."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from pipelines.campaigns import audience, parse_campaign, save
from pipelines.campaigns.assignment import is_held_out
from pipelines.cli import invoke
from pipelines.delivery import report
from pipelines.privacy import ConsentRow, import_consents
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import campaigns, recipients
from tests.experiments.worlds import LATER, SENT, World, people

DAY = timedelta(days=1)
DOCUMENT = """
name: launch
segment: buyers
subject: Hi
html: "<p>{{ unsubscribe_url }} {{ postal_address }}</p>"
holdout: 0.5
goal: {event: "stripe:invoice_paid", within: 14d}
"""
SEGMENT = "name: buyers\nmatch: {event: {name: visited, within: 30d}}"
LEDGER = {"variant": "", "variables": "{}", "attempt": 0, "planned_at": SENT, "campaign": "launch"}


@pytest.fixture
def told(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; its answer as a document, or as text."""
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", "Mill Lane 1, Ely")
    engine = open_state(settings)
    save_segment(engine, parse_segment(SEGMENT), SENT)
    save(engine, parse_campaign(DOCUMENT, settings.data_dir), SENT)

    def run(*words: str) -> Any:
        capsys.readouterr()
        assert invoke(["campaign", *words]) == 0, capsys.readouterr().err
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in words else out

    return run


def keep(settings: Settings, rows: dict[str, list[str]], occurrence: str = "once", **more: Any) -> None:
    """Put people into the ledger, by state; the campaign is over."""
    with writing(open_state(settings)) as connection:
        connection.execute(update(campaigns).values(state="sent"))
        for state, ids in rows.items():
            keys = [f"{occurrence}|{one}" for one in ids]
            for key, person in zip(keys, ids, strict=True):
                row = {**LEDGER, "dedupe_key": key, "address_key": key, "person_id": person, "occurrence": occurrence}
                connection.execute(insert(recipients).values(**row, state=state, **more))


def test_the_report_tells_both_groups_with_lift_interval_and_verdict(told: Any, settings: Settings) -> None:
    world, mailed, held_out = World(), people("m", 300), people("h", 300)
    world.mail(mailed, is_delivered=True)
    world.mail([], held_out=held_out)
    for person in (*mailed[:90], *held_out[:30]):
        world.pay(person, 1_000)
    world.publish(settings)
    keep(settings, {"accepted": mailed, "holdout": held_out})
    found = told("report", "launch", "--json")
    assert found["states"]["accepted"] == found["audience"] - found["states"]["holdout"] == 300
    assert {"duplicates", "missing", "ambiguous", "rates", "events"} <= found.keys()
    assert found["rates"] == {"delivered": 1.0}
    assert found["verdict"] == found["conversion"]["verdict"] == "significant"
    assert found["conversion"]["lift"] == pytest.approx(0.2)
    money = found["revenue"]
    for group, net in (("treated", 90_000), ("holdout", 30_000)):
        assert {f"{name}_minor": money[group][f"{name}_minor"] for name in ("gross", "refunds", "discounts", "net")} == {
            "gross_minor": net, "refunds_minor": 0, "discounts_minor": 0, "net_minor": net,
        }  # fmt: skip
    assert money["interval_minor"][0] < money["lift_minor"] == 200 < money["interval_minor"][1]
    text = told("report", "launch")
    assert "Lift: +20.00 points" in text
    assert "60 more who reached it: significant." in text
    assert "$600.00 in all" in text


def test_a_campaign_that_was_sent_after_the_snapshot_is_not_measured_yet(told: Any, settings: Settings) -> None:
    World().publish(settings)
    keep(settings, {"accepted": ["m"]})
    found = told("report", "launch", "--json")
    assert (found["conversion"], found["revenue"], found["verdict"]) == (None, None, None)
    assert "is known once a build has published" in told("report", "launch")


def test_the_certificate_names_every_state_and_the_mails_in_doubt(told: Any, settings: Settings) -> None:
    rows = {"accepted": people("a", 1_200), "suppressed": people("s", 80), "holdout": people("h", 29),
            "rejected": ["r"], "gave_up": ["g"]}  # fmt: skip
    keep(settings, rows)
    keep(settings, {"ambiguous": people("d", 3)}, reason="sender_ended_in_flight", in_flight_at=SENT)
    found = told("report", "launch", "--json")
    assert found["certificate"] == (
        "audience 1,314 = accepted 1,200 + ambiguous 3 + rejected 1 + suppressed 80 + holdout 29 + gave up 1; "
        "duplicates 0, missing 0, ambiguous 3"
    )
    assert [one["person_id"] for one in found["in_doubt"]] == people("d", 3)
    assert found["in_doubt"][0] == {
        "dedupe_key": "once|d0000", "person_id": "d0000", "occurrence": "once",
        "in_flight_at": "2026-03-02T09:00:00+00:00", "reason": "sender_ended_in_flight",
    }  # fmt: skip
    text = told("report", "launch")
    assert "ambiguous 3: here they are" in text
    assert text.index("here they are") < text.index("once|d0002")


def test_each_occurrence_has_its_own_counts_and_the_whole_is_their_sum(told: Any, settings: Settings) -> None:
    world = World()
    for number, occurrence in enumerate(("2026-03-02", "2026-03-09")):
        mailed, held_out = people("m", 10 + number), people("h", 10)
        world.mail(mailed, held_out=held_out, occurrence=occurrence, at=SENT + number * 7 * DAY)
        keep(settings, {"accepted": mailed, "holdout": held_out}, occurrence)
    world.publish(settings)
    found = told("report", "launch", "--json")
    assert (found["audience"], found["occurrence"]) == (41, None)
    assert [(one["occurrence"], one["audience"], one["accepted"]) for one in found["occurrences"]] == [
        ("2026-03-02", 20, 10),
        ("2026-03-09", 21, 11),
    ]
    assert found["occurrences"][1]["certificate"].startswith("audience 21 = accepted 11 + holdout 10;")
    assert found["occurrences"][1]["conversion"]["treated"]["people"] == 11
    assert found["conversion"]["treated"]["people"] == 11
    assert "2026-03-09" in told("report", "launch")
    # A mail that went out twice is one beyond the first, in its own occurrence.
    with writing(open_state(settings)) as connection:
        twice = {**LEDGER, "dedupe_key": "x", "address_key": "2026-03-09|m0000", "person_id": "x", "state": "accepted"}
        connection.execute(insert(recipients).values(**twice, occurrence="2026-03-09"))
    again = report(open_state(settings), "launch")
    assert [again["duplicates"], *(one["duplicates"] for one in again["occurrences"])] == [1, 0, 1]


def test_the_back_test_tells_who_would_have_got_it_and_what_they_did_next(told: Any, settings: Settings) -> None:
    engine = open_state(settings)
    persons = people("p", 40)
    rows = [ConsentRow(n, email=f"{one}@example.com", source="form", at=SENT) for n, one in enumerate(persons)]
    import_consents(engine, rows, SENT)
    world = World()
    moment = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    for number, person in enumerate(persons):
        # Every second one came by in the month before; the last four only afterwards.
        at = moment - DAY if number % 2 else moment - 40 * DAY
        world.rows["fct_events"].append(
            {"person_id": person, "event": "visited", "event_at": (at if number < 36 else moment + DAY).replace(tzinfo=None)}
        )  # fmt: skip
    world.people(persons)
    for person in persons[:20]:
        world.pay(person, 3_000, at=moment + 3 * DAY, refund=1_000)
    world.pay(persons[21], 3_000, at=moment - DAY)
    world.pay(persons[23], 3_000, at=moment + 15 * DAY)
    world.publish(settings, LATER)
    found = told("preview", "launch", "--as-of", "2026-03-31", "--json")
    came = [person for number, person in enumerate(persons) if number % 2 and number < 36]
    assert found["planned"] + found["holdout"] == len(came)
    assert 0 < found["planned"] < len(came)
    after = found["next"]
    assert after["conversion"]["people"] == found["planned"]
    paid = [person for person in came if person < persons[20] and not is_held_out("launch", person, 0.5)]
    assert after["conversion"]["converted"] == len(paid) > 0
    assert after["revenue"]["net_minor"] == 2_000 * after["conversion"]["converted"]
    assert after["revenue"]["refunds_minor"] == 1_000 * after["conversion"]["converted"]
    assert (after["is_over"], after["begins_at"][:10], after["ends_at"][:10]) == (True, "2026-03-31", "2026-04-14")
    text = told("preview", "launch", "--as-of", "2026-03-31")
    assert f"Of {found['planned']} who would have got it, {after['conversion']['converted']} (" in text
    assert "people per group" in text
    assert "next" not in told("preview", "launch", "--json")


def test_who_is_held_out_of_all_campaigns_is_so_in_each_and_only_a_receipt_reaches_them(
    told: Any, settings: Settings
) -> None:
    engine, persons = open_state(settings), people("p", 200)
    for purpose in ("marketing", "transactional"):
        rows = [
            ConsentRow(n, email=f"{one}@example.com", source="form", at=SENT, purpose=purpose)
            for n, one in enumerate(persons)
        ]
        import_consents(engine, rows, SENT)
    save_segment(engine, parse_segment("name: buyers\nmatch: {all: []}"), SENT)
    world = World()
    world.people(persons)
    snapshot = world.publish(settings)

    def left_out(name: str, holdout: float, purpose: str = "marketing") -> set[str]:
        chosen = settings.model_copy(update={"global_holdout": holdout})
        text = DOCUMENT.replace("name: launch", f"name: {name}\npurpose: {purpose}")
        with reading(engine) as connection:
            found = list(audience(connection, engine, snapshot, chosen, parse_campaign(text, settings.data_dir)))
        assert len(found) == len(persons)
        # Of all the others half are held out of this campaign alone.
        assert {row.reason for row in found if row.state == "holdout"} >= {None}
        assert {row.state for row in found if row.reason == "global_holdout"} <= {"holdout"}
        return {row.person_id for row in found if row.reason == "global_holdout"}

    some, more = left_out("launch", 0.1), left_out("launch", 0.3)
    assert some == left_out("spring", 0.1) < more == left_out("spring", 0.3)
    assert 8 <= len(some) <= 34
    assert 40 <= len(more) <= 80
    assert left_out("receipt", 0.3, "transactional") == left_out("launch", 0) == set()
