"""Every form of a funnel gives what trying all assignments of events to steps gives.

An example is one question over one log; a question is asked of many logs at once, for the engine's time
goes into the question.
"""

from __future__ import annotations

from math import ceil
from random import Random
from statistics import mean, median
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import TrendPeriod, funnel, funnel_trends, parse_funnel, time_to_convert
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.funnels import attempts, scan_attempts
from tests.behaviour import reference
from tests.behaviour.brute_force import (
    DISJOINT,
    LOGS,
    WINDOWS,
    Logged,
    Wanted,
    as_attempts,
    asked,
    best_by_trying_all,
    load,
    people,
    question,
)
from tests.behaviour.chance import some_document, some_log, some_part_of_it, some_question, some_world
from tests.behaviour.worlds import load_world

HALF_A_DAY = 43_200
SEEDS = st.integers(0, 2**32)


# 300 questions over 12 logs each: 3,600 examples.
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_funnel_is_what_trying_every_way_gives(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    logs = [some_log(random) for _ in range(12)]
    load(connection, logs)
    for _ in range(5):
        one = some_question(random)
        best = people([best_by_trying_all(asked(log, *one)) for log in logs])
        assert as_attempts(attempts(connection, "events", question(*one))) == best, (one, logs)


# 300 documents over 6 people each: 1,800 examples of every feature, alone and together.
@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_a_document_is_answered_as_the_reference_answers_it(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    world = some_world(random, 6)
    load_world(connection, world)
    for _ in range(6):
        document = some_document(random)
        found = funnel(connection, "marts.fct_events", parse_funnel(document), users=True).document()
        wanted = reference.answer(world, document)
        assert rounded(found["steps"]) == rounded(wanted["steps"]), (document, world)
        parts = [
            [(part["value"], rounded(part["steps"])) for part in told.get("breakdown", [])] for told in (found, wanted)
        ]
        assert parts[0] == parts[1], (document, world)


def rounded(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    field = "average_conversion_seconds"
    return [{**step, field: None if step[field] is None else round(step[field], 9)} for step in steps]


# 120 documents over 6 people each: 720 examples of how the answers about time are split.
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_trends_and_times_are_split_as_the_reference_splits_them(
    connection: duckdb.DuckDBPyConnection, seed: int
) -> None:
    random = Random(seed)
    world = some_world(random, 6)
    load_world(connection, world, HALF_A_DAY)
    for _ in range(3):
        document = some_part_of_it(random, "funnel_trends")
        found = funnel_trends(connection, "marts.fct_events", parse_funnel(lengthened(document)))
        wanted = reference.trends(world, document)
        assert counts_of(found.periods) == wanted["whole"], (document, world)
        parts = [{"value": part.value, "days": counts_of(part.periods)} for part in found.breakdown or []]
        assert parts == wanted["parts"], (document, world)

        document = some_part_of_it(random, "funnel_time_to_convert")
        told = time_to_convert(connection, "marts.fct_events", parse_funnel(lengthened(document))).document()
        times = reference.times(world, document)
        assert_times(told, times["whole"], document)
        assert [part["value"] for part in told.get("breakdown", [])] == [part["value"] for part in times["parts"]]
        for part, wanted_part in zip(told.get("breakdown", []), times["parts"], strict=True):
            assert_times(part, wanted_part["taken"], document)


def lengthened(document: dict[str, Any]) -> dict[str, Any]:
    """The document where a second lasts half a day."""

    def longer(window: dict[str, Any] | None) -> dict[str, Any] | None:
        return window and {"value": window["value"] * 12, "unit": "hour"}

    steps = [{**step, "window": longer(step.get("window"))} for step in document["steps"]]
    return {**document, "steps": steps, "window": longer(document["window"])}


def counts_of(periods: list[TrendPeriod]) -> list[list[int]]:
    return [[period.entered, period.converted] for period in periods]


def assert_times(told: dict[str, Any], taken: list[int], document: dict[str, Any]) -> None:
    """Bins, mean and median of these times, in half days."""
    seconds = [HALF_A_DAY * one for one in taken]
    assert told["average_seconds"] == (pytest.approx(mean(seconds)) if seconds else None)
    assert told["median_seconds"] == (median(seconds) if seconds else None)
    if not seconds:
        assert told["bins"] == []
        return
    wanted = document.get("bin_count") or next(count for count in range(1, 61) if count**3 >= len(seconds))
    width = ceil((max(seconds) - min(seconds)) / wanted) or 60
    starts = [min(seconds) + width * number for number in range(wanted + 1)]
    assert told["bins"] == [[start, sum(start <= one < start + width for one in seconds)] for start in starts]


@settings(max_examples=60, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), steps=DISJOINT, window=WINDOWS)
def test_all_forms_agree_where_no_event_fills_two_steps(
    connection: duckdb.DuckDBPyConnection,
    logs: list[list[Logged]],
    steps: tuple[Wanted, ...],
    window: int | None,
) -> None:
    load(connection, logs)
    query = question(steps, window)
    best = people([best_by_trying_all(asked(log, steps, window)) for log in logs])
    assert as_attempts(chain_attempts(connection, "events", query)) == best
    assert as_attempts(chain_attempts(connection, "marts.fct_events", query)) == best
    assert as_attempts(scan_attempts(connection, "events", query)) == best


# 80 trends over 10 logs each: 800 examples.
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_trend_counts_a_person_once_in_every_period_entered(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    logs = [some_log(random) for _ in range(10)]
    load(connection, logs, HALF_A_DAY)
    for _ in range(2):
        one = some_question(random, ("ordered", "strict", "unordered"))
        first = random.randrange(len(one.steps) - 1)
        last = random.randrange(first + 1, len(one.steps))
        days: dict[str, Any] = {"date_from": "2026-03-01", "date_to": "2026-03-04", "from_step": first, "to_step": last}
        query = question(*one, unit=HALF_A_DAY, kind="funnel_trends", interval="day", **days)
        found = funnel_trends(connection, "events", query)
        days_seconds = [range(2 * day, 2 * day + 2) for day in range(4)]
        best = [[best_by_trying_all(asked(log, *one), seconds) for log in logs] for seconds in days_seconds]
        entered = [[way for way in ways if len(way) > first and way[first] is not None] for ways in best]
        assert [period.entered for period in found.periods] == [len(ways) for ways in entered], (one, logs)
        came_through = [[way for way in ways if len(way) > last and way[last] is not None] for ways in entered]
        assert [period.converted for period in found.periods] == [len(ways) for ways in came_through], (one, logs)
