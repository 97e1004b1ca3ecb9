"""How every page about events begins: its title, and where there are no events yet, what to do."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.queries.funnels import Catalogue, catalogue
from dashboards.view import View, current_view
from pipelines.warehouse import Snapshot


def events_page(title: str) -> tuple[View, Snapshot, Catalogue]:
    """Draw the title; the view, its snapshot and the events in it. Ends the page's run where there are none."""
    view = current_view()
    page_title(view, title)
    snapshot = view.snapshot
    known = catalogue(snapshot) if snapshot else None
    if snapshot is None or known is None or not known.names:
        nothing_here(
            "No events are published yet. Load a log of events, then run the pipeline.",
            command="millstream ingest events path/to/events.jsonl && millstream run",
        )
        st.stop()
    return view, snapshot, known
