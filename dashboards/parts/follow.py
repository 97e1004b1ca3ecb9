"""Follow what changes under an open page: it draws itself again soon after a new snapshot, or another theme."""

from __future__ import annotations

import streamlit as st

from dashboards.charts.palette import palette
from dashboards.view import current_view, newest

SECONDS = 20


@st.fragment(run_every=SECONDS)
def follow() -> None:
    """Look every few seconds whether another snapshot is current, or another theme, than the one on screen.

    Streamlit repaints its own parts at once when the system turns dark; the colours of ours come from here.
    """
    view = current_view()
    found = newest(view.settings)
    shown = view.snapshot.number if view.snapshot else None
    if (found.number if found else None) != shown or palette(st.context.theme.type) != view.colours:
        st.rerun()
