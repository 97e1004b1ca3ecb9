"""Funnel: how far people come along a row of events."""

import streamlit as st

from dashboards.charts.funnel_bars import height
from dashboards.charts.funnel_steps import finding, funnel_chart
from dashboards.parts.charted import charted
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.funnel_table import funnel_table
from dashboards.parts.words import small
from dashboards.queries.funnels import WINDOWS, answer, catalogue, usual_days, usual_steps
from dashboards.view import current_view

view = current_view()
page_title(view, "Funnel")
snapshot = view.snapshot
known = catalogue(snapshot) if snapshot else None
if snapshot is None or known is None or not known.names:
    nothing_here(
        "No events are published yet. Load a log of events, then run the pipeline.",
        command="millstream ingest events path/to/events.jsonl && millstream run",
    )
    st.stop()

steps = st.multiselect(
    "Steps, in order",
    known.names,
    default=usual_steps(known.names),
    max_selections=8,
    key="steps",
    bind="query-params",
    placeholder="Choose at least two events",
    select_all=False,
)
left, right, _ = st.columns([2, 3, 3])
window = left.selectbox("Within", list(WINDOWS), index=3, key="window", bind="query-params")
usual = usual_days(known, view.last_day(snapshot))
days = right.date_input("Days", usual, key="days", bind="query-params", format="YYYY-MM-DD")
if len(steps) < 2:
    nothing_here("A funnel needs at least two steps. Choose another event above.")
    st.stop()
if not isinstance(days, tuple) or len(days) != 2:
    nothing_here("Choose the last day as well.")
    st.stop()

found = answer(snapshot, steps=steps, window=window, first=days[0], last=days[1], timezone=view.zone)
if not found.steps[0].users:
    nothing_here("Nobody did the first step in these days. Choose other days or another first step.")
    st.stop()
with st.container(border=True):
    small(finding(found), view.colours)
    charted(funnel_chart(found, view.colours), key="funnel", height=height(len(steps)))
with st.container(border=True):
    funnel_table(found, view)
small(f"Everybody counts once, by the attempt that came furthest. Days in {view.zone}.", view.colours)
