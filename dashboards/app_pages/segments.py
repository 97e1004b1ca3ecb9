"""Segments: people chosen by a rule, with the size of the rule while it is drawn."""

import streamlit as st

from dashboards.parts.condition_row import Choices
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.segment_editor import NEXT, TOLD, editor
from dashboards.parts.segment_past import segment_past
from dashboards.parts.segment_tables import overlaps, segment_list
from dashboards.parts.words import literal, sentence
from dashboards.queries.funnels import catalogue
from dashboards.queries.segments import (
    MANY,
    all_segments,
    everybody,
    fields,
    mailed_campaigns,
    ready,
    saved_segment,
    shared,
)
from dashboards.view import current_view
from pipelines.errors import MillstreamError

NEW = "New segment"
READY = "segment-ready"


def begin_with(name: str) -> None:
    """Draw this segment of the gallery."""
    st.session_state[READY] = name


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
    nothing_here("No segment is saved yet. Begin with one of these, or draw one and save it under a name.")

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
if chosen == NEW:
    with st.expander("Ready segments to begin with", expanded=not saved):
        for one in ready(view.settings):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button("Begin with this", key=f"ready-{one.name}", on_click=begin_with, args=(one.name,))
                st.markdown(literal(f"{one.name}: {one.description}"), width="stretch")
    begun = next((one for one in ready(view.settings) if one.name == st.session_state.get(READY)), None)
    editor(view, choices, None, begun)
else:
    editor(view, choices, saved_segment(view.settings, chosen))
    with st.container(border=True):
        st.subheader("Over time", anchor=False)
        segment_past(view, chosen)
if len(names) > 1:
    with st.container(border=True):
        st.subheader("Overlap", anchor=False)
        # Where an answer takes its time nobody waits for one that was not asked for.
        begun_with = names[:3] if everybody(snapshot) < MANY else []
        compared = st.multiselect("Segments to compare", names, default=begun_with, key="overlap", max_selections=8)
        if len(compared) > 1:
            try:
                overlaps(shared(view.settings, snapshot, compared), view)
            except MillstreamError as problem:
                st.warning(sentence(str(problem)), icon=":material/warning:")
