"""Which events count: days in a time zone, conditions on properties, values that only look like SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.behaviour import funnel, funnel_trends, parse_funnel, people_at_step

if TYPE_CHECKING:
    from tests.behaviour.conftest import Log


@pytest.mark.parametrize(
    ("day", "inside", "outside"),
    [
        # Spring: the day has 23 hours. Autumn: 25.
        (
            "2026-03-29",
            ("2026-03-28 23:00:00", "2026-03-29 21:59:59.999999"),
            ("2026-03-28 22:59:59.999999", "2026-03-29 22:00:00"),
        ),
        (
            "2026-10-25",
            ("2026-10-24 22:00:00", "2026-10-25 22:59:59.999999"),
            ("2026-10-24 21:59:59.999999", "2026-10-25 23:00:00"),
        ),
    ],
)
def test_a_day_is_the_local_day_when_the_clocks_change(
    log: Log, day: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    connection = log(*((moment, "A", moment) for moment in (*inside, *outside)))
    query = parse_funnel(
        {
            "steps": [{"event": "A"}, {"event": "B"}],
            "date_from": day,
            "date_to": day,
            "timezone": "Europe/Berlin",
        }
    )
    assert people_at_step(connection, "events", query, 0) == sorted(inside)


NOW = "2026-03-01 12:00:00"
PEOPLE = {
    "text": {"p": "Pro Plan"},
    "number": {"p": 5},
    "digits": {"p": "5"},
    "large": {"p": 40.5},
    "yes": {"p": True},
    "day": {"p": "2026-02-01"},
    "empty": {"p": ""},
    "null": {"p": None},
    "missing": {},
    "odd name": {"a/b~c 'd": "x"},
}
SET = {"text", "number", "digits", "large", "yes", "day", "empty"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ([{"property": "p", "op": "eq", "value": "Pro Plan"}], {"text"}),
        ([{"property": "p", "op": "eq", "value": 5}], {"number", "digits"}),
        ([{"property": "p", "op": "eq", "value": "5"}], {"number", "digits"}),
        ([{"property": "p", "op": "eq", "value": True}], {"yes"}),
        ([{"property": "p", "op": "ne", "value": "Pro Plan"}], set(PEOPLE) - {"text"}),
        ([{"property": "p", "op": "in", "value": ["Pro Plan", 40.5]}], {"text", "large"}),
        ([{"property": "p", "op": "not_in", "value": ["Pro Plan", 40.5]}], set(PEOPLE) - {"text", "large"}),
        ([{"property": "p", "op": "gt", "value": 5}], {"large"}),
        ([{"property": "p", "op": "gte", "value": 5}], {"number", "digits", "large"}),
        ([{"property": "p", "op": "lt", "value": 40.5}], {"number", "digits"}),
        (
            [{"property": "p", "op": "lt", "value": "2027"}, {"property": "p", "op": "gte", "value": "2026"}],
            {"day"},
        ),
        ([{"property": "p", "op": "contains", "value": "plan"}], set()),
        ([{"property": "p", "op": "icontains", "value": "PLAN"}], {"text"}),
        ([{"property": "p", "op": "regex", "value": "^Pro .*n$"}], {"text"}),
        ([{"property": "p", "op": "is_set"}], SET),
        ([{"property": "p", "op": "is_not_set"}], set(PEOPLE) - SET),
        ([{"property": "a/b~c 'd", "op": "eq", "value": "x"}], {"odd name"}),
        ([{"property": "p", "op": "eq", "value": "' or true or '"}], set()),
        (
            {"or": [
                {"property": "p", "op": "eq", "value": True},
                {"and": [
                    {"property": "p", "op": "gt", "value": 1},
                    {"property": "p", "op": "lt", "value": 9},
                ]},
            ]},
            {"yes", "number", "digits"},
        ),
    ],
)  # fmt: skip
def test_a_condition_holds_for_these_people(log: Log, where: Any, expected: set[str]) -> None:
    connection = log(*((person, "A", NOW, properties) for person, properties in PEOPLE.items()))
    query = parse_funnel({"steps": [{"event": "A", "where": where}, {"event": "B"}]})
    assert set(people_at_step(connection, "events", query, 0)) == expected


def test_names_of_events_are_values(log: Log) -> None:
    name = "it's $v0; drop table events --"
    connection = log(("one", name, NOW), ("one", "B", NOW))
    answer = funnel(connection, "events", parse_funnel({"steps": [{"event": name}, {"event": "B"}]}), users=True)
    assert [step.user_ids for step in answer.steps] == [["one"], ["one"]]


def test_a_ratio_or_time_without_a_base_is_null(log: Log) -> None:
    answer = funnel(log(), "events", parse_funnel({"steps": [{"event": "A"}, {"event": "B"}, {"event": None}]}))
    for step in answer.document()["steps"]:
        assert step["users"] == 0
        assert {value for key, value in step.items() if key not in ("step", "event", "users")} == {None}


def test_people_who_dropped_before_a_step_reached_the_one_before(log: Log) -> None:
    connection = log(("far", "A", NOW), ("far", "B", NOW), ("near", "A", NOW), ("never", "B", NOW))
    query = parse_funnel({"steps": [{"event": "A"}, {"event": "B"}]})
    assert people_at_step(connection, "events", query, 1) == ["far"]
    assert people_at_step(connection, "events", query, 1, dropped=True) == ["near"]


def test_the_counted_attempt_has_the_latest_start_and_the_earliest_way_on(log: Log) -> None:
    connection = log(
        *(("one", event, f"2026-03-01 12:00:{second:02}") for event, second in
          [("A", 0), ("A", 2), ("B", 10), ("B", 20), ("C", 30), ("A", 31), ("B", 32), ("C", 33)])
    )  # fmt: skip
    answer = funnel(connection, "events", parse_funnel({"steps": [{"event": name} for name in "ABC"]}))
    assert [step.average_conversion_seconds for step in answer.steps] == [None, 8, 20]


def test_a_trend_is_final_where_the_window_of_its_last_moment_was_looked_at(log: Log) -> None:
    document = {
        "kind": "funnel_trends",
        "steps": [{"event": "A"}, {"event": "B"}],
        "window": {"value": 1, "unit": "day"},
        "date_from": "2026-03-01",
        "date_to": "2026-03-03",
    }
    answer = funnel_trends(log(("one", "A", NOW)), "events", parse_funnel(document))
    assert answer.settled(datetime(2026, 3, 3, tzinfo=UTC)) == [True, False, False]
    assert answer.settled(datetime(2026, 3, 20, tzinfo=UTC)) == [True, True, False]


HOSTILE = (
    "it's $v0; drop table events --",
    'x" union all select 1 --',
    "'; select 1; --",
    "{name}",
    "%s ?",
    "a\\b",
    "\N{SNOWMAN}/~1",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_values_from_users_are_values_everywhere(log: Log, name: str) -> None:
    traits = {name: name}
    connection = log(
        ("one", "identify", NOW, traits), ("one", name, NOW, traits), ("one", "B", NOW, traits), ("two", name, NOW)
    )
    condition = {"property": name, "op": "eq", "value": name}
    document = {
        "steps": [
            {"event": name, "where": [condition], "first_time_for_user": True},
            {"event": "B", "where": [condition | {"scope": "user"}]},
        ],
        "exclusions": [{"event": name, "where": [condition | {"op": "ne"}], "to_step": 1}],
        "aggregate_by": f"event_property:{name}",
        "breakdown": {"property": name, "scope": "user"},
    }
    answer = funnel(connection, "events", parse_funnel(document), users=True)
    assert [step.user_ids for step in answer.steps] == [[name], [name]]
    assert [part.value for part in answer.breakdown or []] == [name]
    by_user = parse_funnel(document | {"aggregate_by": f"user_property:{name}", "breakdown": {"property": name}})
    assert [step.user_ids for step in funnel(connection, "events", by_user, users=True).steps] == [[name], [name]]
    assert connection.execute("select count(*) from events").fetchone() == (4,)
