"""Funnel: how far people come along a row of events."""

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.events_page import events_page
from dashboards.parts.funnel_builder import edited_steps
from dashboards.parts.funnel_conditions import edited_conditions
from dashboards.parts.funnel_people import funnel_people
from dashboards.parts.funnel_trend import funnel_trend
from dashboards.parts.funnel_views import chosen_look, steps_view, the_same_by_command, times_view
from dashboards.parts.words import small
from dashboards.queries.funnel_question import document_of, repeated
from dashboards.queries.funnels import answer, times, trend

view, snapshot, known = events_page("Funnel")

with st.container(border=True):
    steps = edited_steps(snapshot, known)
    if twice := repeated(steps):
        words = ", ".join(twice)
        small(
            f"In more than one step: {words}. One event fills one step, so it has to happen that often.", view.colours
        )
conditions = edited_conditions(snapshot, known, view.last_day(snapshot), steps)
if conditions is None:
    nothing_here("Choose the last day as well.")
    st.stop()

document = document_of(steps, timezone=view.zone, **conditions)
name = f"{document['date_from']}_{document['date_to']}"
found = answer(snapshot, document)
if not found.steps[0].users:
    nothing_here("Nobody did the first step in these days. Choose other days or another first step.")
    st.stop()
with st.container(border=True):
    look = chosen_look()
    if look.graph == "trend":
        over_time = trend(snapshot, document, look.interval)
        funnel_trend(over_time, view, settled=over_time.settled(snapshot.as_of), name=name)
    elif look.graph == "times":
        times_view(times(snapshot, document), view, name=name)
    else:
        steps_view(found, steps, view, base=look.base, name=name)
with st.container(border=True):
    funnel_people(found, document, view, name=name)
small(f"Everybody counts once, by the attempt that came furthest. Days in {view.zone}.", view.colours)
the_same_by_command(document)
