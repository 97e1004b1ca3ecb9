"""Paths: every answer against walking through each person's events in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import parse_paths, paths
from pipelines.behaviour.sessions import sessions_sql
from pipelines.errors import UsageError
from pipelines.warehouse import SnapshotReader
from tests.behaviour.random_logs import CREATE, START, ZONES, Happened, colour_of, fill, logs

IDLE = timedelta(minutes=30)
NAMES = ("A", "B", "C; drop table events --")


@pytest.fixture(scope="module")
def events() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set threads = 1")
        connection.execute(CREATE)
        yield connection


def sessions_of(log: list[Happened]) -> list[list[Happened]]:
    found: list[list[Happened]] = []
    for one in sorted(log, key=lambda one: (one.person, one.at, one.id)):
        if found and found[-1][-1].person == one.person and one.at - found[-1][-1].at <= IDLE:
            found[-1].append(one)
        else:
            found.append([one])
    return found


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    days = {}
    if draw(st.booleans()):
        first = START.date() + timedelta(days=draw(st.integers(0, 1)))
        days = {
            "date_from": first.isoformat(),
            "date_to": (first + timedelta(days=draw(st.integers(0, 1)))).isoformat(),
        }
    scope = draw(st.sampled_from(("event", "user")))
    where = draw(st.sampled_from(([], [], [{"property": "colour", "op": "eq", "value": "red", "scope": scope}])))
    return {
        "event": draw(st.sampled_from(NAMES)),
        "direction": draw(st.sampled_from(("next", "previous"))),
        "limit": draw(st.sampled_from((1, 2, 10))),
        "timezone": draw(ZONES),
        "where": where,
        **days,
    }


@settings(max_examples=110, deadline=None)
@given(
    log=logs(timedelta(minutes=10), 15, least=12, most=20)
    | logs(timedelta(minutes=31), 12, least=8)
    | logs(timedelta(hours=5), 20),
    asked=st.lists(questions(), min_size=3, max_size=3),
)
def test_links_are_what_walking_through_sessions_gives(
    events: duckdb.DuckDBPyConnection, log: list[Happened], asked: list[dict[str, Any]]
) -> None:
    fill(events, log)
    for document in asked:
        beside: list[set[str | None]] = []
        for session in sessions_of(log):
            steps = [one for one in session if one.type not in ("identify", "group")]
            if document["direction"] == "previous":
                steps.reverse()
            following = [*(one.name for one in steps[1:]), None]
            found = {name for one, name in zip(steps, following, strict=False) if is_asked(one, document, log)}
            beside += [found] if found else []
        counts = Counter(name for found in beside for name in found if name is not None)
        ranked = sorted(counts.items(), key=lambda link: (-link[1], link[0]))
        top, rest = ranked[: document["limit"]], {name for name, _ in ranked[document["limit"] :]}
        answer = paths(events, "events", parse_paths(document))
        ends = [
            (one.target, one.source) if document["direction"] == "next" else (one.source, one.target)
            for one in answer.links
        ]
        assert [(name, one.sessions) for (name, _), one in zip(ends, answer.links, strict=True)] == top
        assert {anchor for _, anchor in ends} <= {document["event"]}
        assert (answer.sessions, answer.none) == (len(beside), sum(None in found for found in beside))
        assert (answer.other.events, answer.other.sessions) == (len(rest), sum(bool(found & rest) for found in beside))


def is_asked(one: Happened, document: dict[str, Any], log: list[Happened]) -> bool:
    day = one.local(document["timezone"]).isoformat()
    inside = document.get("date_from", "") <= day <= document.get("date_to", "9")
    fits = all(colour_of(one, part["scope"], log) == "red" for part in document["where"])
    return one.name == document["event"] and inside and fits


def test_a_session_with_several_rare_links_is_one_of_the_others(events: duckdb.DuckDBPyConnection) -> None:
    ways = {"a": "AXAYAZAX", "b": "AXAX", "c": "A"}
    log = [
        Happened(f"{person}{number}", person, "track", name, START + timedelta(minutes=number), None, None)
        for person, way in ways.items()
        for number, name in enumerate(way)
    ]
    fill(events, log)
    told = paths(events, "events", parse_paths({"event": "A", "limit": 1})).document()
    assert told["links"] == [{"from": "A", "to": "X", "sessions": 2}]
    assert (told["sessions"], told["none"], told["other"]) == (3, 1, {"events": 2, "sessions": 1})


def test_sessions_are_those_of_the_mart(built_folder: Any) -> None:
    snapshot = SnapshotReader(built_folder / "published").current()
    assert snapshot is not None
    ours = sessions_sql("select person_id as person, event_id, event_at from marts.fct_events")
    found = snapshot.query(f"""
        select session_id, event_count from marts.fct_sessions
        except all
        select arg_min(event_id, (event_at, event_id)), count(*) from ({ours}) group by person, session
    """)
    assert found.is_empty()
    counts = snapshot.query(f"""
        select (select count(*) from marts.fct_sessions) as theirs,
            (select count(distinct (person, session)) from ({ours})) as ours
    """).row(0)
    assert counts[0] == counts[1] > 100


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "event: is missing"),
        ({"event": None}, "event: "),
        ({"event": "A", "direction": "sideways"}, "direction: "),
        ({"event": "A", "limit": 0}, "limit: "),
        ({"event": "A", "steps": []}, "steps: unknown key"),
        ({"event": "A", "date_from": "2026-02-02", "date_to": "2026-02-01"}, "date_from: lies after date_to"),
    ],
)
def test_a_question_that_can_not_be_meant_is_refused_with_its_field(document: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_paths(document)
    assert words in str(refused.value)
