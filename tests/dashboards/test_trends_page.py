"""The trends and the paths page: what is on screen is what the room answers to the same document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboards.charts.palette import LIGHT
from dashboards.parts.numbers import count, figure
from dashboards.parts.trend_views import trend_chart, trend_frame
from dashboards.queries.funnel_question import OPS, Step
from dashboards.queries.trend_question import MEASURES, MOST, Counted, series_of, text_of
from pipelines.behaviour import COUNTED, event_trends, parse_paths, parse_trends, paths
from pipelines.money import format_money
from pipelines.warehouse import Snapshot
from tests.dashboards.reading import words

EVENTS = "marts.fct_events"
DAYS = ["2026-09-01", "2026-11-23"]
NAMES = ["Home", "a~b!c%7E", "100 %"]
PARTS = st.text(st.sampled_from("ab~!%+& é"), max_size=5)
STEPS = st.builds(Step, st.sampled_from([*NAMES, None])) | st.builds(
    Step, st.sampled_from(NAMES), PARTS.filter(bool), st.sampled_from(list(OPS)), PARTS
)


@settings(max_examples=60)
@given(st.lists(st.builds(Counted, STEPS, st.sampled_from(list(MEASURES.values())), PARTS), min_size=1, max_size=MOST))
def test_a_link_carries_the_series_whatever_they_are_called(series: list[Counted]) -> None:
    assert series_of(text_of(series), NAMES) == series


@pytest.mark.parametrize("text", ["", "Nowhere!total!", "Home!mode!", "~~", "!!!", "Home"])
def test_a_series_that_can_not_be_meant_is_dropped(text: str) -> None:
    assert series_of(text, NAMES) == []
    assert series_of(f"{text}~Home!total!", NAMES) == [Counted(Step("Home"), "total")]


@pytest.mark.parametrize("measure", MEASURES.values())
def test_every_measure_of_the_page_can_be_asked(measure: str) -> None:
    one = Counted(Step("Home"), measure, "value")
    assert one.can_be_asked
    assert parse_trends({"series": [one.document()]}).series[0].measure == measure
    assert Counted(Step("Home"), measure).can_be_asked == (measure in COUNTED)


def asked(app: AppTest) -> dict[str, Any]:
    """The document that the page shows for the command line."""
    assert not app.error
    assert not app.exception
    document: dict[str, Any] = json.loads(next(code.value for code in app.code if code.language == "json"))
    return document


def series_now(app: AppTest) -> str:
    found = app.query_params["series"]
    return found if isinstance(found, str) else str(found[0])


def check(app: AppTest, snapshot: Snapshot) -> None:
    answer = event_trends(snapshot.cursor(), EVENTS, parse_trends(asked(app)))
    found = words(app)
    cells = {figure(value) for line in answer.lines if line.overall for value in (*line.values, line.overall)}
    assert cells
    assert all(f">{cell}<" in found for cell in cells)


def test_series_are_measured_filtered_added_and_removed_and_the_link_follows(
    open_page: Any, filled_folder: Any, snapshot: Snapshot
) -> None:
    app = open_page(filled_folder, "trends", {"series": "Home!unique!", "days": DAYS, "by": "week"})
    check(app, snapshot)
    app.button[0].click().run()
    assert series_now(app).startswith("Home!unique!~")
    app.selectbox(key="event_1").set_value("Signed Up").run()
    app.selectbox(key="measure_1").set_value("times").run()
    assert series_now(app) == "Home!unique!~Signed Up!total!"
    app.selectbox(key="field_0").set_value("path").run()
    app.selectbox(key="op_0").set_value("is set").run()
    assert asked(app)["series"][0]["where"] == [{"property": "path", "op": "is_set"}]
    check(app, snapshot)
    app.text_input(key="formula").set_value("B / A").run()
    assert asked(app)["formula"] == "B / A"
    check(app, snapshot)
    again = open_page(
        filled_folder, "trends", {"series": series_now(app), "days": DAYS, "by": "week", "formula": "B / A"}
    )
    assert asked(again) == asked(app)
    app.text_input(key="formula").set_value("").run()
    app.button(key="close_0").click().run()
    assert series_now(app) == "Signed Up!total!"
    check(app, snapshot)


def test_money_is_told_in_its_currency(open_page: Any, filled_folder: Any, snapshot: Snapshot) -> None:
    address = {"series": "stripe:invoice_paid!sum!amount_minor~stripe:invoice_paid!average!amount_minor", "days": DAYS}
    app = open_page(filled_folder, "trends", address | {"by": "month"})
    answer = event_trends(snapshot.cursor(), EVENTS, parse_trends(asked(app)))
    names = [f"stripe:invoice_paid, {m} ({code})" for m in ("sum", "average") for code in ("EUR", "JPY", "USD")]
    assert [line.name for line in answer.lines] == names
    for line in answer.lines:
        for value in (*line.values, line.overall, line.previous_overall):
            cell = "–" if value is None else format_money(round(value), line.currency or "")
            assert f">{cell}<" in words(app)
    summed, mean = answer.lines[0], answer.lines[-1]
    assert f"{summed.name}: {format_money(int(summed.overall or 0), summed.currency or '')} in" in words(app)
    drawn = trend_chart(answer, [True] * len(answer.periods), LIGHT).spec["dataset"]["source"]
    for line, unit in zip(answer.lines, (100, 1, 100), strict=False):
        assert drawn[line.name].to_list() == [(value or 0) / unit for value in line.values]
    frame = trend_frame(answer, [True] * len(answer.periods))
    assert frame.filter(line=mean.name)["currency"].unique().to_list() == [mean.currency]


def test_what_is_half_written_is_said_and_the_page_stays(open_page: Any, filled_folder: Any) -> None:
    app = open_page(filled_folder, "trends", {"series": "Home!sum!", "days": DAYS})
    assert [one.value for one in app.info] == ["Choose the property that is measured."]
    app.selectbox(key="of_0").set_value("path").run()
    assert [one.value for one in app.info] == ["These events have no number in that property. Choose another one."]
    app.selectbox(key="field_0").set_value("path").run()
    app.text_input(key="value_0").set_value("nowhere").run()
    assert "Nothing of this happened" in app.info[0].value
    app.selectbox(key="field_0").set_value(None).run()
    app.selectbox(key="measure_0").set_value("times").run()
    app.text_input(key="formula").set_value("A / C; drop table").run()
    assert "write letters of series" in app.warning[0].value
    assert not app.error
    assert series_now(app) == "Home!total!path"


def test_paths_lead_on_from_event_to_event(open_page: Any, filled_folder: Any, snapshot: Snapshot) -> None:
    app = open_page(filled_folder, "paths", {"event": "Home", "days": DAYS})
    for direction in ("next", "previous"):
        app.segmented_control(key="direction").set_value(direction).run()
        document = asked(app)
        assert document["direction"] == direction
        answer = paths(snapshot.cursor(), EVENTS, parse_paths(document))
        assert answer.links
        for link in answer.links:
            beside = link.target if direction == "next" else link.source
            assert f"event={beside.replace(' ', '+')}" in words(app)
            assert f">{count(link.sessions)}<" in words(app)
