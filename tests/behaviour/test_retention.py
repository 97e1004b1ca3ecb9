"""Retention: cohorts and returns, against counting by hand and against sets of people per day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import parse_retention, retention
from pipelines.errors import UsageError
from tests.behaviour.brute_force import LOGS, Logged, load

if TYPE_CHECKING:
    from tests.behaviour.conftest import Log

DAYS = 4
EVENTS = st.sampled_from(("A", "B", None))


def days_of(log: list[Logged], name: str | None) -> set[int]:
    return {event.second // 2 for event in log if name in (None, event.name)}


@settings(max_examples=100, deadline=None)
@given(logs=st.lists(LOGS, max_size=5), target=EVENTS, back=EVENTS, first_time=st.booleans())
def test_a_cell_counts_the_people_of_a_cohort_who_came_back(
    connection: duckdb.DuckDBPyConnection,
    logs: list[list[Logged]],
    target: str | None,
    back: str | None,
    first_time: bool,
) -> None:
    matrix: list[list[int | None]] = [[0] * (DAYS - row) + [None] * row for row in range(DAYS)]
    for log in logs:
        began = sorted(days_of(log, target))
        for row in began[:1] if first_time else began:
            for column in [0, *(day - row for day in days_of(log, back) if day > row)]:
                matrix[row][column] = (matrix[row][column] or 0) + 1
    document = {"target_event": target, "returning_event": back, "intervals": DAYS, "date_to": "2026-03-04"}
    query = parse_retention(document | {"type": "first_time" if first_time else "recurring"})
    load(connection, logs, 43_200)
    assert retention(connection, "events", query).matrix == matrix


def test_periods_are_those_of_the_time_zone(log: Log) -> None:
    # In Berlin the clocks go forward on 29 March: the second event lies 23 h later, one day on.
    connection = log(("ann", "visit", "2026-03-28 23:00:00"), ("ann", "visit", "2026-03-29 22:00:00"))
    document = {
        "target_event": "visit",
        "returning_event": "visit",
        "intervals": 2,
        "timezone": "Europe/Berlin",
    }
    answer = retention(connection, "events", parse_retention(document))
    assert answer.cohort_starts == ["2026-03-29", "2026-03-30"]
    assert answer.matrix == [[1, 1], [1, None]]


def test_weeks_begin_on_monday_and_the_last_day_ends_the_count(log: Log) -> None:
    connection = log(("ann", "visit", "2026-03-01 12:00:00"), ("ann", "visit", "2026-03-04 12:00:00"))
    document = {"target_event": "visit", "period": "week", "intervals": 2, "date_to": "2026-03-03"}
    answer = retention(connection, "events", parse_retention(document))
    assert answer.cohort_starts == ["2026-02-23", "2026-03-02"]
    assert answer.matrix == [[1, 0], [0, None]]


def test_the_average_weighs_cohorts_by_size_and_leaves_out_the_day_that_is_not_over(log: Log) -> None:
    visits = {"ann": (1, 2, 3), "bob": (1,), "cid": (1, 2), "dan": (2, 3)}
    rows = [(name, "visit", f"2026-03-0{day} 12:00:00") for name, days in visits.items() for day in days]
    query = parse_retention({"target_event": "visit", "type": "first_time", "intervals": 3, "date_to": "2026-03-03"})
    answer = retention(log(*rows), "events", query)
    assert answer.matrix == [[3, 2, 1], [1, 1, None], [0, None, None]]
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert answer.whole(noon) == [True, True, False]
    assert answer.average(noon) == [1.0, 2 / 3, None]
    after = datetime(2026, 3, 9, tzinfo=UTC)
    assert answer.whole(after) == [True, True, True]
    assert answer.average(after) == [1.0, 3 / 4, 1 / 3]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"period": "year"}, "period: "),
        ({"type": "sometimes"}, "type: "),
        ({"intervals": 0}, "intervals: "),
        ({"event": "visit"}, "event: unknown key"),
        ({"aggregate_by": "identity"}, "aggregate_by: identity is not supported yet"),
    ],
)
def test_a_question_that_can_not_be_meant_is_refused_with_its_field(document: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_retention(document)
    assert words in str(refused.value)
