"""Sessions of the small business, against the same events cut one by one in Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.warehouse import Snapshot
from tests.building import newest

IDLE = timedelta(minutes=30)
Event = tuple[datetime, str, str, int]


@pytest.fixture(scope="module")
def snapshot(built_folder: Path) -> Snapshot:
    return newest(built_folder)


@pytest.fixture(scope="module")
def cut(snapshot: Snapshot) -> list[tuple[str, list[Event]]]:
    """Person and events of each session."""
    people: dict[str, list[Event]] = defaultdict(list)
    rows = snapshot.query("select person_id, event_at, event_id, type, visitor_key from marts.fct_events")
    for person, at, identity, kind, visitor in rows.iter_rows():
        people[person].append((at, identity, kind, visitor))
    sessions: list[tuple[str, list[Event]]] = []
    for person, events in people.items():
        before: datetime | None = None
        for event in sorted(events):
            if before is None or event[0] - before > IDLE:
                sessions.append((person, []))
            sessions[-1][1].append(event)
            before = event[0]
    return sessions


def test_sessions_are_those_of_a_walk_along_each_persons_events(
    snapshot: Snapshot, cut: list[tuple[str, list[Event]]]
) -> None:
    expected = {
        (events[0][1], person, events[0][3], events[0][0], events[-1][0], len(events), _pages(events), len(events) == 1)
        for person, events in cut
    }
    found = snapshot.query(
        "select session_id, person_id, visitor_key, started_at, ended_at, event_count, page_view_count, is_bounce "
        "from marts.fct_sessions"
    )
    assert set(found.iter_rows()) == expected
    assert found.height == len(expected)


def _pages(events: list[Event]) -> int:
    return sum(kind in ("page", "screen") for _, _, kind, _ in events)


def test_a_session_goes_on_over_signing_up(cut: list[tuple[str, list[Event]]]) -> None:
    assert any(len({visitor for *_, visitor in events}) > 1 for _, events in cut)


def test_the_channel_of_the_first_session_is_the_one_that_the_person_was_sent_by(snapshot: Snapshot) -> None:
    """The simulator tells at sign-up through which channel somebody came."""
    ours = {"organic": "organic search", "paid search": "paid", "newsletter": "email"}
    rows = snapshot.query(
        """
        select json_extract_string(events.properties, '$.channel') as sent_by, people.acquisition_channel
        from marts.fct_events as events join marts.dim_customers as people using (person_id)
        where events.event = 'Signed Up'
        """
    ).rows()
    assert len({channel for _, channel in rows}) >= 4
    assert [(sent, found) for sent, found in rows if ours.get(sent, sent) != found] == []


def test_counts_per_day_add_up_to_the_events(snapshot: Snapshot) -> None:
    rows = snapshot.query(
        """
        select day, type, event, count(*) as event_count from marts.fct_events group by all
        except select day, type, event, event_count from marts.agg_events_daily
        """
    )
    assert rows.height == 0
    (total,) = snapshot.query("select sum(event_count)::bigint from marts.agg_events_daily").row(0)
    assert total == snapshot.query("select count(*) from marts.fct_events").item() > 0
