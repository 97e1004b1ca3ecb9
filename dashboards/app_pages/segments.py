"""Segments: people chosen by a rule, with the size of the rule while it is drawn."""

import streamlit as st

from dashboards.parts.condition_row import Choices
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.segment_editor import NEXT, TOLD, editor
from dashboards.parts.segment_tables import segment_list
from dashboards.parts.words import literal
from dashboards.queries.funnels import catalogue
from dashboards.queries.segments import all_segments, fields, mailed_campaigns, saved_segment
from dashboards.view import current_view

NEW = "New segment"
view = current_view()
page_title(view, "Segments")
snapshot = view.snapshot
if snapshot is None or not fields(snapshot):
    nothing_here("No people are published yet, so there is nobody to choose from.", command="millstream run")
    st.stop()

saved = all_segments(view.settings)
names = [row["name"] for row in saved]
if saved:
    with st.container(border=True):
        segment_list(saved, view)
else:
    nothing_here("No segment is saved yet. Draw the first one here and save it under a name.")

if (target := st.session_state.pop(NEXT, None)) is not None:
    st.session_state["segment"] = target
if (told := st.session_state.pop(TOLD, None)) is not None:
    st.success(literal(told), icon=":material/check:")
chosen = st.selectbox("Open", [NEW, *names], key="segment", bind="query-params", width=420)
choices = Choices(
    snapshot=snapshot,
    fields=fields(snapshot),
    events=catalogue(snapshot).names,
    campaigns=mailed_campaigns(snapshot),
    segments=[name for name in names if name != chosen],
    currency=view.currency,
)
editor(view, choices, saved_segment(view.settings, chosen) if chosen != NEW else None)
