"""Retention: cohorts and returns, against counting by hand and against sets of people per day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import parse_retention, retention
from pipelines.errors import UsageError
from tests.behaviour.brute_force import LOGS, Logged, load
from tests.behaviour.random_logs import BY, CREATE, START, ZONES, Happened, colour_of, fill, logs, period_of, subject_of

if TYPE_CHECKING:
    from tests.behaviour.conftest import Log

DAYS = 4
EVENTS = st.sampled_from(("A", "B", None))


@pytest.fixture(scope="module")
def events() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set threads = 1")
        connection.execute(CREATE)
        yield connection


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


def conditions(colour: str | None, scope: str) -> list[dict[str, Any]]:
    return [{"property": "colour", "op": "eq", "value": colour, "scope": scope}] if colour else []


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    colours = st.sampled_from((None, None, "red", "blue"))
    names, scopes = st.sampled_from(("A", "B", None)), st.sampled_from(("event", "user"))
    return {
        "target_event": draw(names),
        "target_where": conditions(draw(colours), draw(scopes)),
        "returning_event": draw(names),
        "returning_where": conditions(draw(colours), draw(scopes)),
        "where": conditions(draw(colours), draw(scopes)),
        "type": draw(st.sampled_from(("recurring", "first_time"))),
        "period": draw(st.sampled_from(("day", "week", "month"))),
        "intervals": draw(st.integers(1, 5)),
        "timezone": draw(ZONES),
        "aggregate_by": draw(BY),
        "date_to": (START.date() + timedelta(days=draw(st.integers(-1, 70)))).isoformat(),
    }


def is_meant(one: Happened, asked: dict[str, Any], which: str, log: list[Happened]) -> bool:
    parts = [*asked[f"{which}_where"], *asked["where"]]
    fits = all(colour_of(one, part["scope"], log) == part["value"] for part in parts)
    return asked[f"{which}_event"] in (None, one.name) and fits


@settings(max_examples=100, deadline=None)
@given(log=logs(timedelta(hours=13), 130, most=20), asked=st.lists(questions(), min_size=4, max_size=4))
def test_days_weeks_and_months_of_any_zone_with_conditions_on_either_event(
    events: duckdb.DuckDBPyConnection, log: list[Happened], asked: list[dict[str, Any]]
) -> None:
    fill(events, log)
    for one in asked:
        last = period_of(date.fromisoformat(one["date_to"]), one["period"])
        starts = [last]
        while len(starts) < one["intervals"]:
            starts.append(period_of(starts[-1] - timedelta(days=1), one["period"]))
        starts.reverse()

        def periods(which: str, subject: str | None, one: dict[str, Any] = one) -> list[date]:
            own = [e for e in log if subject_of(e, one["aggregate_by"], log) == subject]
            mine = [e for e in own if is_meant(e, one, which, log)]
            days = [e.local(one["timezone"]) for e in mine if e.local(one["timezone"]).isoformat() <= one["date_to"]]
            return sorted(period_of(day, one["period"]) for day in days)

        matrix = [[0] * (len(starts) - row) + [None] * row for row in range(len(starts))]
        for subject in {subject_of(e, one["aggregate_by"], log) for e in log} - {None}:
            began, back = periods("target", subject), set(periods("returning", subject))
            for start in set(began[:1] if one["type"] == "first_time" else began) & set(starts):
                row = starts.index(start)
                for column, later in enumerate(starts[row:]):
                    matrix[row][column] += column == 0 or later in back  # type: ignore[operator]
        answer = retention(events, "events", parse_retention(one))
        assert answer.cohort_starts == [start.isoformat() for start in starts]
        assert answer.matrix == matrix


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
        ({"target_event": "stripe:rebate"}, "target_event: there is no fact 'stripe:rebate'"),
        ({"returning_event": "email:click", "aggregate_by": "identity"}, "aggregate_by: identity: facts"),
    ],
)
def test_a_question_that_can_not_be_meant_is_refused_with_its_field(document: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_retention(document)
    assert words in str(refused.value)
