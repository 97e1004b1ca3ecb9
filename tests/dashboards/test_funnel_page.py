"""The funnel builder and the retention table: what is on screen is what the room answers to the same document."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboards.parts.numbers import count, length, percent
from dashboards.queries.funnel_question import OPS, Step, document_of, steps_of, text_of
from pipelines.behaviour import (
    funnel,
    funnel_trends,
    parse_funnel,
    parse_retention,
    people_at_step,
    retention,
    time_to_convert,
)
from pipelines.money import format_money
from pipelines.segments import load, members
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Snapshot, Warehouse, publish
from tests.dashboards.reading import words

EVENTS = "marts.fct_events"
DAYS = ["2026-09-01", "2026-11-23"]
NAMES = ["Home", "a~b!c%7E", "100 %", ""]
PARTS = st.text(st.sampled_from("ab~!%+& é"), max_size=5)
STEPS = st.lists(
    st.builds(Step, st.sampled_from([*NAMES[:-1], None]), optional=st.booleans())
    | st.builds(
        Step, st.sampled_from(NAMES[:-1]), PARTS.filter(bool), st.sampled_from(list(OPS)), PARTS, st.booleans()
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=60)
@given(STEPS)
def test_a_link_carries_the_steps_whatever_they_are_called(steps: list[Step]) -> None:
    assert steps_of(text_of(steps), NAMES) == steps


@pytest.mark.parametrize("text", ["", "Home", "Home~Nowhere", "~".join(["Home"] * 9) + "~", "!!!"])
def test_a_link_that_can_not_be_meant_is_cut_or_dropped(text: str) -> None:
    assert steps_of(text, NAMES) == ([Step("Home")] * 8 if text.count("~") > 1 else [])


@pytest.mark.parametrize(("op", "value"), [("is one of", "a, b"), *((op, "5") for op in OPS if op != "is one of")])
def test_every_comparison_of_the_builder_can_be_asked(op: str, value: str) -> None:
    step = Step("Home", "plan", op, value)
    query = parse_funnel({"steps": [{"event": "Home", "where": step.where()}, {"event": "Home"}]})
    assert query.steps[0].where
    assert step.condition.startswith(f"plan {op}")
    assert Step("Home", "plan", op, "").where() == ([] if "set" not in op else step.where())


def asked(app: AppTest) -> dict[str, Any]:
    """The document that the page shows for the command line."""
    assert not app.error
    assert not app.exception
    document: dict[str, Any] = json.loads(next(code.value for code in app.code if code.language == "json"))
    return document


def steps_now(app: AppTest) -> str:
    found = app.query_params["steps"]
    return found if isinstance(found, str) else str(found[0])


def check_steps(app: AppTest, snapshot: Snapshot) -> None:
    answer = funnel(snapshot.cursor(), EVENTS, parse_funnel(asked(app)))
    found = words(app)
    for step in answer.steps:
        for cell in (count(step.users), percent(step.conversion_from_start), percent(step.conversion_from_previous)):
            assert f">{cell}<" in found


def test_steps_are_moved_copied_filtered_and_removed_and_the_link_follows(
    open_page: Any, filled_folder: Any, snapshot: Snapshot
) -> None:
    app = open_page(filled_folder, "funnel", {"steps": "Home~Pricing~Signed Up", "days": DAYS})
    check_steps(app, snapshot)
    app.button(key="arrow_upward_2").click().run()
    assert steps_now(app) == "Home~Signed Up~Pricing"
    app.button(key="content_copy_0").click().run()
    assert steps_now(app) == "Home~Home~Signed Up~Pricing"
    assert "In more than one step: Home." in words(app)
    app.button(key="close_3").click().run()
    app.selectbox(key="step_1").set_value("Any event").run()
    assert steps_now(app) == "Home~~Signed Up"
    app.selectbox(key="field_0").set_value("path").run()
    app.selectbox(key="op_0").set_value("is set").run()
    assert steps_now(app) == "Home!path!is set!~~Signed Up"
    assert asked(app)["steps"][0]["where"] == [{"property": "path", "op": "is_set"}]
    check_steps(app, snapshot)
    again = open_page(filled_folder, "funnel", {"steps": steps_now(app), "days": DAYS})
    assert asked(again) == asked(app)
    app.button(key="close_2").click().run()
    assert app.button(key="close_0").disabled


def test_order_window_exclusion_people_and_trend_are_those_of_the_room(
    open_page: Any, filled_folder: Any, snapshot: Snapshot
) -> None:
    address = {
        "steps": "Home~Pricing~Signed Up",
        "window": "7 days",
        "without": "Pricing",
        "after": "2",
        "people": "dropped before step 3",
        "graph": "trend",
        "by": "week",
    }
    app = open_page(filled_folder, "funnel", address)
    document = asked(app)
    assert document["exclusions"] == [{"event": "Pricing", "from_step": 1, "to_step": 2}]
    assert document["window"] == {"value": 7, "unit": "day"}
    query = parse_funnel(document | {"kind": "funnel_trends", "interval": "week"})
    for period in funnel_trends(snapshot.cursor(), EVENTS, query).periods:
        assert f">{count(period.entered)}<" in words(app)
    dropped = people_at_step(snapshot.cursor(), EVENTS, parse_funnel(document), 2, dropped=True)
    assert dropped
    assert f"{len(dropped)} people." in words(app)
    app.segmented_control(key="graph").set_value("steps").run()
    check_steps(app, snapshot)
    app.selectbox(key="order").set_value("in any order").run()
    assert "Any 2 of the steps" in words(app)
    check_steps(app, snapshot)


def test_optional_steps_money_and_a_split_are_those_of_the_room(
    open_page: Any, filled_folder: Any, snapshot: Snapshot
) -> None:
    address = {"steps": "Pricing~Signed Up~stripe:invoice_paid", "window": "90 days", "without": "email:bounce"}
    app = open_page(filled_folder, "funnel", address | {"split": "path", "touch": "last seen", "days": DAYS})
    app.toggle(key="optional_1").set_value(True).run()
    assert steps_now(app) == "Pricing~Signed Up!optional~stripe:invoice_paid"
    document = asked(app)
    assert document["steps"][1] == {"event": "Signed Up", "optional": True}
    assert document["exclusions"] == [{"event": "email:bounce", "from_step": 0, "to_step": 2}]
    assert document["breakdown"] == {"property": "path", "attribution": "last_touch"}
    check_steps(app, snapshot)
    answer = funnel(snapshot.cursor(), EVENTS, parse_funnel(document))
    revenue = answer.steps[2].revenue
    assert revenue
    assert ", ".join(format_money(part.amount_minor, part.currency) for part in revenue) in words(app)
    assert answer.breakdown
    assert f">{answer.breakdown[0].value}<" in words(app)
    app.segmented_control(key="graph").set_value("times").run()
    told = time_to_convert(snapshot.cursor(), EVENTS, parse_funnel(document | {"kind": "funnel_time_to_convert"}))
    assert f"on average in {length(told.average_seconds)}" in words(app)
    assert told.breakdown
    for part in told.breakdown:
        cells = (part.value, count(part.people), length(part.average_seconds), length(part.median_seconds))
        assert all(f">{cell}<" in words(app) for cell in cells)
    app.segmented_control(key="graph").set_value("trend").run()
    query = parse_funnel(document | {"kind": "funnel_trends", "interval": "day"})
    parts = funnel_trends(snapshot.cursor(), EVENTS, query).breakdown
    assert parts
    for group in parts:
        cells = (group.value, count(group.entered), count(group.converted), percent(group.converted / group.entered))
        assert all(f">{cell}<" in words(app) for cell in cells)


def test_accounts_are_counted_where_people_join_them(open_page: Any, tmp_path: Path) -> None:
    settings, now = Settings(MILLSTREAM_DATA_DIR=tmp_path / "data"), datetime(2026, 3, 5, tzinfo=UTC)
    with Warehouse(settings).write("test") as connection:
        connection.execute("""
            create table marts.fct_events as
            select name || who as event_id, type, name as event, who as person_id, 1 as person_key,
                timestamp '2026-03-01 10:00:00' as event_at, json_object('groupId', account) as properties, '{}'::json as context
            from (values ('group', 'group', 'ann', 'acme'), ('group', 'group', 'bob', 'acme'), ('group', 'group', 'cid', 'globex'),
                ('track', 'Visit', 'ann', null), ('track', 'Visit', 'cid', null), ('track', 'Visit', 'dan', null),
                ('track', 'Buy', 'bob', null)) as rows(type, name, who, account);
            create table marts.agg_events_daily as
            select date '2026-03-01' as day, event, type, count(*) as event_count from marts.fct_events group by all
        """)
        publish(connection, settings, as_of=now, now=now)
    address = {"steps": "Visit~Buy", "count": "accounts", "days": ["2026-03-01", "2026-03-01"]}
    app = open_page(tmp_path / "data", "funnel", address | {"people": "dropped before step 2"})
    assert asked(app)["aggregate_by"] == "account"
    assert "Of 2 accounts who began with “Visit”, 1 (50.0 %) came as far as “Buy”." in words(app)
    assert ">Accounts<" in words(app)
    assert ">globex<" in words(app)
    assert not [button for button in app.button if "segment" in button.label]
    app.selectbox(key="count").set_value("people").run()
    assert "Of 3 people who began with “Visit”, 0 (0.0 %) came as far as “Buy”." in words(app)


@pytest.mark.parametrize(
    ("steps", "order", "optional"),
    [
        ("A!optional~B!optional~C", "in this order", {1}),
        ("A~B!optional~C!optional", "strictly one after the other", {1, 2}),
        ("A~B!optional~C", "in any order", {1}),
        ("A~B!optional~C!optional", "in any order", set()),  # There would be one step left.
        ("A~B!optional~B", "in any order", set()),
        ("A~B!optional~", "in any order", set()),
    ],
)
def test_a_step_is_optional_where_that_can_be_meant(steps: str, order: str, optional: set[int]) -> None:
    days = (date(2026, 3, 1), date(2026, 3, 2))
    found = steps_of(steps, ["A", "B", "C"])
    document = document_of(found, order=order, window="7 days", days=days, timezone="UTC")
    query = parse_funnel(document | {"kind": "funnel_time_to_convert"})
    assert {number for number, step in enumerate(query.steps) if step.optional} == optional


def test_the_people_of_a_step_are_saved_as_a_segment(
    open_page: Any, filled_folder: Any, snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    app = open_page(folder, "funnel", {"steps": "Pricing~Signed Up", "people": "reached step 2", "days": DAYS})
    app.text_input(key="people_segment").set_value("signed_up").run()
    app.button(key="people_save").click().run()
    reached = people_at_step(snapshot.cursor(), EVENTS, parse_funnel(asked(app)), 1)
    assert f"of {len(reached):,} people are known." in words(app)
    found = load(open_state(Settings(MILLSTREAM_DATA_DIR=folder)), "signed_up")
    assert found.description.startswith("reached step 2 of a funnel")
    assert set(members(snapshot, found)) <= set(reached)


def test_the_retention_table_is_the_matrix_of_the_room(open_page: Any, filled_folder: Any, snapshot: Snapshot) -> None:
    app = open_page(filled_folder, "retention", {"start": "Home", "cohorts": "8", "show": "people"})
    answer = retention(snapshot.cursor(), EVENTS, parse_retention(asked(app)))
    whole = answer.whole(snapshot.as_of)
    assert whole == [True] * 7 + [False]  # 23 November is a Monday
    cells = [
        f">{count(cell)}{'' if whole[number + column] else '*'}<"
        for number, row in enumerate(answer.matrix)
        for column, cell in enumerate(row)
        if cell is not None
    ]
    assert len(cells) == 36
    assert all(cell in words(app) for cell in cells)
    for share in answer.average(snapshot.as_of):
        assert f">{percent(share)}<" in words(app)
