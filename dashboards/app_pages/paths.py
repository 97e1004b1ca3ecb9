"""Paths: what people did right after an event, or right before it."""

import streamlit as st

from dashboards.parts.by_command import by_command
from dashboards.parts.empty import nothing_here
from dashboards.parts.events_page import events_page
from dashboards.parts.paths_view import chosen_direction, paths_view
from dashboards.parts.words import small
from dashboards.queries.event_trends import paths_answer, paths_document
from dashboards.queries.funnels import usual_days, usual_steps

view, snapshot, known = events_page("Paths")

first, second, third = st.columns([4, 2, 3])
usual = usual_steps(known.names)[0].event
event = first.selectbox(
    "Event", known.names, index=known.names.index(usual or known.names[0]), key="event", bind="query-params"
)
with second:
    direction = chosen_direction()
usual_span = usual_days(known, view.last_day(snapshot))
days = third.date_input("Days", usual_span, key="days", bind="query-params", format="YYYY-MM-DD")
if not isinstance(days, tuple) or len(days) != 2:
    nothing_here("Choose the last day as well.")
    st.stop()

document = paths_document(event, direction, days, view.zone)
found = paths_answer(snapshot, document)
if not found.sessions:
    nothing_here("Nobody did this in these days. Choose other days or another event.")
    st.stop()
with st.container(border=True):
    paths_view(found, view, name=f"{document['date_from']}_{document['date_to']}")
small(f"A session ends after 30 minutes without an event. Days in {view.zone}.", view.colours)
by_command(document, "paths")
