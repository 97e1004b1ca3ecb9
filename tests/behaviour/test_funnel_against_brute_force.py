"""Every form of a funnel gives what trying all assignments of events to steps gives."""

from __future__ import annotations

from statistics import mean, median
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import FunnelQuery, FunnelStep, funnel_trends
from pipelines.behaviour.answer import steps_of
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.funnels import attempts, scan_attempts
from tests.behaviour.brute_force import (
    DISJOINT,
    LOGS,
    OVERLAPPING,
    WINDOWS,
    Asked,
    Attempt,
    Logged,
    Span,
    Wanted,
    all_attempts,
    as_attempts,
    asked,
    best_by_trying_all,
    load,
    people,
    preference,
    question,
    wanted,
)


class Question(NamedTuple):
    steps: list[Wanted]
    window: int | None
    order: str
    spans: list[Span]


@st.composite
def questions(draw: st.DrawFn, orders: tuple[str, ...] = ("ordered", "ordered", "strict", "unordered")) -> Question:
    """Steps, window and order; with every second question exclusions, optional steps or windows of steps."""
    steps = list(draw(OVERLAPPING | DISJOINT))
    order = draw(st.sampled_from(orders))
    if order != "unordered" and draw(st.booleans()):
        steps[1:] = [step._replace(wait=draw(WINDOWS)) for step in steps[1:]]
    if order == "ordered" and draw(st.booleans()):
        steps[1:] = [step._replace(optional=draw(st.booleans())) for step in steps[1:]]
    return Question(steps, draw(WINDOWS), order, draw(spans(steps, order)) if draw(st.booleans()) else [])


@st.composite
def spans(draw: st.DrawFn, steps: list[Wanted], order: str) -> list[Span]:
    """One or two exclusions, each between two steps that can not be left out; none where there are no such two."""
    ends = [number for number, step in enumerate(steps) if not step.optional]
    if order == "unordered":
        ends = [0, len(steps) - 1]
    pairs = [(first, last) for first in ends for last in ends if first < last]
    if not pairs:
        return []
    found = draw(st.lists(st.tuples(wanted(("B", "C", "X", None)), st.sampled_from(pairs)), min_size=1, max_size=2))
    return [(event, *pair) for event, pair in found]


# Five questions over each of 250 sets of logs: filling the relation is the dearest part.
@settings(max_examples=250, deadline=None)
@given(logs=st.lists(LOGS, min_size=2, max_size=4), several=st.lists(questions(), min_size=5, max_size=5))
def test_a_funnel_is_what_trying_every_way_gives(
    connection: duckdb.DuckDBPyConnection, logs: list[list[Logged]], several: list[Question]
) -> None:
    load(connection, logs)
    for one in several:
        best = people([best_by_trying_all(asked(log, *one)) for log in logs])
        query = question(*one)
        found = attempts(connection, "events", query)
        assert as_attempts(found) == best, one
        check_steps(query, steps_of(query, found, users=True), best)


def check_steps(query: FunnelQuery, steps: list[FunnelStep], best: dict[int, Attempt]) -> None:
    base = 0
    for number, step in enumerate(steps):
        there = {person: way for person, way in best.items() if len(way) > number and way[number] is not None}
        before = [way for way in best.values() if len(way) > base and way[base] is not None]
        taken = [(way[number] or 0) - (way[base] or 0) for way in there.values()] if number else []
        assert step.user_ids == sorted(map(str, there))
        assert step.users == len(there)
        assert step.conversion_from_previous == (len(there) / len(before) if number and before else None)
        assert step.average_conversion_seconds == (pytest.approx(mean(taken)) if taken else None)
        assert step.median_conversion_seconds == (median(taken) if taken else None)
        base = base if query.steps[number].optional else number


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


HALF_A_DAY = 43_200


@settings(max_examples=150, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), one=questions(("ordered", "strict", "unordered")), data=st.data())
def test_a_trend_counts_a_person_once_in_every_period_entered(
    connection: duckdb.DuckDBPyConnection, logs: list[list[Logged]], one: Question, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(one.steps) - 2))
    last = data.draw(st.integers(first + 1, len(one.steps) - 1))
    load(connection, logs, HALF_A_DAY)
    one = one._replace(spans=[])
    more: dict[str, Any] = {"date_from": "2026-03-01", "date_to": "2026-03-04", "from_step": first, "to_step": last}
    query = question(*one, unit=HALF_A_DAY, kind="funnel_trends", interval="day", **more)
    found = funnel_trends(connection, "events", query)
    best = [[_best_of_day(asked(log, *one), day) for log in logs] for day in range(4)]
    entered = [[way for way in ways if len(way) > first and way[first] is not None] for ways in best]
    assert [period.entered for period in found.periods] == [len(ways) for ways in entered]
    came_through = [[way for way in ways if len(way) > last and way[last] is not None] for ways in entered]
    assert [period.converted for period in found.periods] == [len(ways) for ways in came_through]


def _best_of_day(one: Asked, day: int) -> Attempt:
    began = [way for way in all_attempts(one) if (way[0] or 0) // 2 == day]
    return min(began, key=preference, default=())
