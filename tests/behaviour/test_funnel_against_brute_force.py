"""Every form of a funnel gives what trying all assignments of events to steps gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import funnel_trends
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.funnels import scan_attempts
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


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "create table events (person_id varchar, event varchar, event_at timestamp, properties json)"
        )
        yield connection


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
@settings(max_examples=200, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), steps=OVERLAPPING, window=WINDOWS)
def test_the_scan_finds_the_attempt_that_counts(
    connection: duckdb.DuckDBPyConnection,
    order: str,
    logs: list[list[Logged]],
    steps: list[Wanted],
    window: int | None,
) -> None:
    load(connection, logs)
    found = scan_attempts(connection, "events", question(steps, window, order))
    assert as_attempts(found) == people([best_by_trying_all(log, steps, window, order) for log in logs])


@st.composite
def excluded(draw: st.DrawFn, steps: int) -> tuple[Wanted, int, int]:
    first = draw(st.integers(0, steps - 2))
    return Wanted(draw(st.sampled_from("BCX")), None), first, draw(st.integers(first + 1, steps - 1))


@pytest.mark.parametrize("order", ["ordered", "strict"])
@settings(max_examples=200, deadline=None)
@given(data=st.data(), logs=st.lists(LOGS, min_size=1, max_size=4), steps=OVERLAPPING, window=WINDOWS)
def test_an_exclusion_voids_attempts_until_a_clean_one_gets_as_far(
    connection: duckdb.DuckDBPyConnection,
    order: str,
    data: st.DataObject,
    logs: list[list[Logged]],
    steps: list[Wanted],
    window: int | None,
) -> None:
    spans = data.draw(st.lists(excluded(len(steps)), min_size=1, max_size=2))
    load(connection, logs)
    found = scan_attempts(connection, "events", question(steps, window, order, spans))
    assert as_attempts(found) == people([best_clean_by_trying_all(log, steps, window, order, spans) for log in logs])


@settings(max_examples=200, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), steps=DISJOINT, window=WINDOWS)
def test_both_forms_agree_where_no_event_fills_two_steps(
    connection: duckdb.DuckDBPyConnection,
    logs: list[list[Logged]],
    steps: tuple[Wanted, ...],
    window: int | None,
) -> None:
    load(connection, logs)
    asked = question(list(steps), window)
    wanted = people([best_by_trying_all(log, list(steps), window) for log in logs])
    assert as_attempts(chain_attempts(connection, "events", asked)) == wanted
    assert as_attempts(scan_attempts(connection, "events", asked)) == wanted


HALF_A_DAY = 43_200


@pytest.mark.parametrize("order", ["ordered", "strict"])
@settings(max_examples=100, deadline=None)
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
