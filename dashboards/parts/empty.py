"""Honest empty states: why there is nothing, and the next step."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboards.charts.palette import Palette


def nothing_here(why: str, *, command: str | None = None) -> None:
    """One sentence, and the command that changes it."""
    st.info(why, icon=":material/info:")
    if command is not None:
        st.code(command, language="bash")


def checklist(steps: list[tuple[bool, str, str, str]], colours: Palette) -> None:
    """Steps in order: done or not, what, why, and the command."""
    for number, (is_done, what, why, command) in enumerate(steps, start=1):
        with st.container(border=True):
            mark = "✓" if is_done else str(number)
            tint = colours.good if is_done else colours.accent
            state = "done" if is_done else "to do"
            st.html(
                '<div style="display:flex;gap:12px;align-items:baseline">'
                f'<span style="color:{tint};border:1.5px solid {tint};border-radius:50%;min-width:26px;height:26px;'
                f'display:inline-flex;align-items:center;justify-content:center;font-weight:600">{mark}</span>'
                f'<div style="color:{colours.text}"><b>{escape(what)}</b> '
                f'<span style="color:{colours.muted}">({state})</span>'
                f'<div style="color:{colours.muted};font-size:13.5px">{escape(why)}</div></div></div>'
            )
            if not is_done:
                st.code(command, language="bash")
