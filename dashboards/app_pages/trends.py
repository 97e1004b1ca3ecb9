"""Trends: how often something happened, period by period."""

from dataclasses import asdict

import streamlit as st

from dashboards.parts.by_command import by_command
from dashboards.parts.empty import nothing_here
from dashboards.parts.events_page import events_page
from dashboards.parts.series_builder import edited_series
from dashboards.parts.trend_controls import edited_conditions
from dashboards.parts.trend_views import trend_view
from dashboards.parts.words import sentence, small
from dashboards.queries.event_trends import trends_answer
from dashboards.queries.trend_question import document_of
from pipelines.errors import UsageError

view, snapshot, known = events_page("Trends")

with st.container(border=True):
    series = edited_series(snapshot, known.steps)
conditions = edited_conditions(snapshot, known, view.last_day(snapshot), series)
if conditions is None:
    nothing_here("Choose the last day as well.")
    st.stop()
if not all(one.can_be_asked for one in series):
    nothing_here("Choose the property that is measured.")
    st.stop()

document = document_of(series, **asdict(conditions), timezone=view.zone)
try:
    found = trends_answer(snapshot, document)
except UsageError as problem:
    # Somebody is writing a formula: what is above stays.
    st.warning(sentence(str(problem).removeprefix("query: the document: ")), icon=":material/warning:")
    st.stop()
if not any(line.overall or line.previous_overall for line in found.lines):
    if any(line.without_number for line in (*found.lines, *found.inputs)):
        nothing_here("These events have no number in that property. Choose another one.")
    else:
        nothing_here("Nothing of this happened in these days. Choose other days or another event.")
    st.stop()
with st.container(border=True):
    name = f"{document['date_from']}_{document['date_to']}"
    trend_view(found, view, whole=found.complete(snapshot.as_of), name=name)
small(
    f"People count once in each {conditions.interval}, once in all days. Weeks begin on Monday, days in {view.zone}.",
    view.colours,
)
by_command(document, "trends")
