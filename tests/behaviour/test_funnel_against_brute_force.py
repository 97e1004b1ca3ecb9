"""Every form of a funnel gives what trying all assignments of events to steps gives."""

from __future__ import annotations

from statistics import mean, median
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import FunnelAnswer, funnel_trends
from pipelines.behaviour.answer import steps_answer
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.funnels import attempts, scan_attempts
from tests.behaviour.brute_force import (
    DISJOINT,
    LOGS,
    OVERLAPPING,
    WINDOWS,
    Logged,
    Wanted,
    all_attempts,
    as_attempts,
    best_by_trying_all,
    best_clean_by_trying_all,
    load,
    people,
    question,
)

Asked = tuple[list[Wanted], int | None, str, list[tuple[Wanted, int, int]]]


@st.composite
def excluded(draw: st.DrawFn, steps: int) -> tuple[Wanted, int, int]:
    first = draw(st.integers(0, steps - 2))
    return Wanted(draw(st.sampled_from("BCX")), None), first, draw(st.integers(first + 1, steps - 1))


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    """Steps, window, order and, for every second question that can have them, exclusions."""
    steps = list(draw(OVERLAPPING | DISJOINT))
    order = draw(st.sampled_from(("ordered", "strict", "unordered")))
    excluding = order != "unordered" and draw(st.booleans())
    spans = draw(st.lists(excluded(len(steps)), min_size=1, max_size=2)) if excluding else []
    return steps, draw(WINDOWS), order, spans


# Five questions over each of 200 sets of logs: filling the relation is the dearest part.
@settings(max_examples=200, deadline=None)
@given(logs=st.lists(LOGS, min_size=2, max_size=4), asked=st.lists(questions(), min_size=5, max_size=5))
def test_a_funnel_is_what_trying_every_way_gives(
    connection: duckdb.DuckDBPyConnection, logs: list[list[Logged]], asked: list[Asked]
) -> None:
    load(connection, logs)
    for steps, window, order, spans in asked:
        if spans:
            wanted = people([best_clean_by_trying_all(log, steps, window, order, spans) for log in logs])
        else:
            wanted = people([best_by_trying_all(log, steps, window, order) for log in logs])
        query = question(steps, window, order, spans)
        found = attempts(connection, "events", query)
        assert as_attempts(found) == wanted
        check_the_answer(steps_answer(query, found, users=True), wanted)


def check_the_answer(answer: FunnelAnswer, wanted: dict[int, tuple[int, ...]]) -> None:
    for number, step in enumerate(answer.steps):
        there = {person: way for person, way in wanted.items() if len(way) > number}
        taken = [way[number] - way[number - 1] for way in there.values()] if number else []
        assert step.user_ids == sorted(map(str, there))
        assert step.users == len(there)
        assert step.average_conversion_seconds == (pytest.approx(mean(taken)) if taken else None)
        assert step.median_conversion_seconds == (median(taken) if taken else None)


@settings(max_examples=60, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), steps=DISJOINT, window=WINDOWS)
def test_all_forms_agree_where_no_event_fills_two_steps(
    connection: duckdb.DuckDBPyConnection,
    logs: list[list[Logged]],
    steps: tuple[Wanted, ...],
    window: int | None,
) -> None:
    load(connection, logs)
    asked = question(list(steps), window)
    wanted = people([best_by_trying_all(log, list(steps), window) for log in logs])
    assert as_attempts(chain_attempts(connection, "events", asked)) == wanted
    assert as_attempts(chain_attempts(connection, "marts.fct_events", asked)) == wanted
    assert as_attempts(scan_attempts(connection, "events", asked)) == wanted


HALF_A_DAY = 43_200


@pytest.mark.parametrize("order", ["ordered", "strict"])
@settings(max_examples=75, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), steps=OVERLAPPING, window=WINDOWS)
def test_a_trend_counts_a_person_once_in_every_period_entered(
    connection: duckdb.DuckDBPyConnection,
    order: str,
    logs: list[list[Logged]],
    steps: list[Wanted],
    window: int | None,
) -> None:
    load(connection, logs, HALF_A_DAY)
    days: dict[str, Any] = {"date_from": "2026-03-01", "date_to": "2026-03-04"}
    query = question(steps, window, order, unit=HALF_A_DAY, kind="funnel_trends", interval="day", **days)
    found = funnel_trends(connection, "events", query)
    reached = [
        [
            max((len(way) for way in all_attempts(log, steps, window, order) if way[0] // 2 == day), default=0)
            for log in logs
        ]
        for day in range(4)
    ]
    assert [period.entered for period in found.periods] == [sum(ways > 0 for ways in day) for day in reached]
    assert [period.converted for period in found.periods] == [
        sum(ways == len(steps) for ways in day) for day in reached
    ]
