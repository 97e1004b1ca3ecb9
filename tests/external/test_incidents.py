"""Two incidents that a shop's clickstream is known to hold: told by `millstream trends`, and drawn on the page."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pipelines.cli import invoke
from pipelines.events import open_files
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, publish
from tests.conftest import NOW
from tests.dashboards.reading import charts, findings, words

LOG = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "clickstream" / "ecom_events.csv.gz"
APP = Path(__file__).parents[2] / "dashboards" / "app.py"
INCIDENTS = {
    "checkout_bug": (44, date(2024, 4, 9), date(2024, 5, 9)),
    # Upstream says 7 June; six of them stand on the 8th.
    "payment_error": (119, date(2024, 5, 19), date(2024, 6, 8)),
}
DAYS = ("2024-01-04", "2024-06-29")


def told(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    names = [part for name in INCIDENTS for part in ("--event", name)]
    arguments = ["trends", *names, "--from", DAYS[0], "--to", DAYS[1], *options, "--events", str(LOG), "--json"]
    assert invoke(arguments) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_both_incidents_lie_inside_their_days_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys)
    assert len(answer["periods"]) == 178
    for line in answer["series"]:
        events, first, last = INCIDENTS[line["name"]]
        days = [date.fromisoformat(day) for day, value in zip(answer["periods"], line["values"], strict=True) if value]
        assert (line["overall"], sum(line["values"])) == (events, events)
        assert first <= min(days)
        assert max(days) <= last
        # They fill their days: an incident is no single event.
        assert max(days) - min(days) > (last - first) * 0.8


def test_the_page_draws_both(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    weeks = told(capsys, "--interval", "week")
    with open_files([str(LOG)], mapping={}, timezone="UTC") as events:
        rows = events.execute("""
            select events.* exclude (person_id), person_id, identity_map.person_key
            from events join raw_events.identity_map using (person_id)
            qualify row_number() over (partition by event_id order by visitor_key) = 1
        """).pl()
    with Warehouse(settings).write("test") as connection:
        connection.register("rows", rows)
        connection.execute("create table marts.fct_events as select * from rows")
        connection.unregister("rows")
        connection.execute("""
            create table marts.agg_events_daily as
            select event_at::date as day, type, event, count(*) as event_count from marts.fct_events group by all
        """)
        publish(connection, settings, as_of=NOW, now=NOW)
    st.cache_data.clear()
    st.cache_resource.clear()
    app = AppTest.from_file(str(APP), default_timeout=30)
    app.query_params["series"] = "~".join(f"{name}!total!" for name in INCIDENTS)
    app.query_params["days"] = list(DAYS)
    app.query_params["by"] = "week"
    app.switch_page("app_pages/trends.py")
    app.run()
    assert not app.exception
    assert not app.error
    (drawn,) = charts(app)
    for line in weeks["series"]:
        assert drawn[line["name"]][1:-1] == line["values"][1:-1]
        assert f">{INCIDENTS[line['name']][0]}<" in words(app)
    assert "checkout_bug: 44 times in 26 weeks" in findings(app)[0]
