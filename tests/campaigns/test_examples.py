"""The sequences that ship as examples, over a small world and to the end: who gets which mail on which day."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from itertools import repeat
from pathlib import Path

from sqlalchemy import select

from pipelines.campaigns import approve, findings, parse_campaign, save, told_journeys
from pipelines.delivery import report, send
from pipelines.mail import mailer_for
from pipelines.privacy import ConsentRow, import_consents
from pipelines.segments import materialise, parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import recipients
from tests.segments.people import NOW, person, publish_people

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
DAY = timedelta(days=1)
Told = dict[str, object]


def install(settings: Settings, folder: str, people: int) -> str:
    """What somebody does with an example: save the segment, save the campaign, approve it."""
    engine = open_state(settings)
    rows = [ConsentRow(n, f"p{n}@example.com", "form", NOW) for n in range(1, people + 1)]
    import_consents(engine, rows, NOW)
    save_segment(engine, parse_segment((EXAMPLES / folder / "segment.yaml").read_text()), NOW)
    content = parse_campaign((EXAMPLES / folder / "campaign.yaml").read_text(), EXAMPLES / folder)
    assert [one for one in findings(engine, settings, content) if one.level == "blocks"] == []
    save(engine, content, NOW, actor="ann")
    approve(engine, settings, content.document.name, NOW, user="ann")
    return content.document.name


def live(settings: Settings, name: str, days: dict[int, dict[int, Told]]) -> None:
    """Run the pipeline and the sender on each of these days; people keep what a day does not change."""
    engine, known = open_state(settings), {n: person(n, first_name=f"Name{n}") for n in days[min(days)]}
    for number, changes in sorted(days.items()):
        now = NOW + number * DAY
        for who, told in changes.items():
            known[who] |= told
        snapshot = publish_people(settings, known.values(), as_of=now)
        materialise(engine, snapshot, now)
        for _ in range(2):
            send(settings, name, repeat(now).__next__)


def mailed(settings: Settings) -> list[tuple[int, str, str]]:
    """Day, person and subject of each mail of the outbox."""
    found = []
    for path in settings.outbox_dir.rglob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=default)
        day = (datetime.strptime(mail["Date"], "%a, %d %b %Y %H:%M:%S %z") - NOW).days
        found.append((day, str(mail["To"]), str(mail["Subject"])))
    return sorted(found)


def test_dunning_mails_three_times_until_somebody_pays_and_begins_again_next_year(settings):
    name = install(settings, "dunning", 4)
    states: list[Told] = [{"subscription_status": state} for state in ("past_due", "active", "canceled")]
    owes, pays, ended = states
    live(
        settings,
        name,
        {
            0: {1: pays, 2: pays, 3: pays, 4: owes},
            1: {1: owes, 2: owes},
            3: {2: pays},
            4: {3: owes},
            7: {},
            8: {3: ended},
            12: {},
            20: {1: pays, 2: owes},
        },
    )
    assert mailed(settings) == [
        (1, "p1@example.com", "Your payment did not go through"),
        (1, "p2@example.com", "Your payment did not go through"),
        (4, "p1@example.com", "Name1, please check your card"),
        (4, "p3@example.com", "Your payment did not go through"),
        (7, "p3@example.com", "Name3, please check your card"),
        (8, "p1@example.com", "Your subscription ends soon"),
        (20, "p2@example.com", "Your payment did not go through"),
    ]
    told = told_journeys(open_state(settings), name)
    assert {key: told[key] for key in ("active", "finished", "exited")} == {"active": 1, "finished": 1, "exited": 2}
    found = report(open_state(settings), name, mailer_for(settings))
    assert found["certificate"] == "audience 7 = accepted 7; duplicates 0, missing 0, ambiguous 0"
    assert found["state"] == "scheduled"


def test_a_trial_that_ends_is_told_twice_and_never_to_who_has_paid_or_leaves(settings):
    name = install(settings, "trial_ending", 4)
    trial = {"subscription_status": "trialing", "is_canceling": False}

    def ends(day: int) -> Told:
        return {"trial_ends_at": (NOW + day * DAY).replace(tzinfo=None)}

    live(
        settings,
        name,
        {
            0: {1: trial | ends(5), 2: trial | ends(5), 3: trial | ends(6), 4: trial | ends(30)},
            1: {},
            2: {},
            3: {2: {"subscription_status": "active"}},
            4: {},
            5: {1: {"subscription_status": "active"}, 3: {"is_canceling": True}},
            27: {},
            29: {},
        },
    )
    soon, tomorrow = "Your trial ends in three days", "Your trial ends tomorrow"
    assert mailed(settings) == [
        (2, "p1@example.com", soon),
        (2, "p2@example.com", soon),
        (3, "p3@example.com", soon),
        (4, "p1@example.com", tomorrow),
        (27, "p4@example.com", soon),
        (29, "p4@example.com", tomorrow),
    ]
    text = next(settings.outbox_dir.rglob("*.eml")).read_bytes()
    assert b"unsubscribe" in text.lower()
    with reading(open_state(settings)) as connection:
        steps: Counter[str] = Counter(connection.scalars(select(recipients.c.step)))
    assert steps == {"soon": 4, "tomorrow": 2}
