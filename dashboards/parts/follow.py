"""Follow the pointer: an open page draws itself again soon after a new snapshot was published."""

from __future__ import annotations

import streamlit as st

from dashboards.view import current_view, newest

SECONDS = 20


@st.fragment(run_every=SECONDS)
def follow_snapshots() -> None:
    """Look every few seconds whether another snapshot is current than the one on screen."""
    view = current_view()
    found = newest(view.settings)
    shown = view.snapshot.number if view.snapshot else None
    if (found.number if found else None) != shown:
        st.rerun()
