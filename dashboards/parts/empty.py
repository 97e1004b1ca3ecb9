"""Honest empty states: why there is nothing, and the next step."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboards.charts.palette import Palette


def nothing_here(why: str, *, command: str | None = None) -> None:
    """One sentence, and the command that changes it."""
    st.info(why, icon=":material/info:")
    if command is not None:
        st.code(command, language="bash", wrap_lines=True)


def checklist(steps: list[tuple[bool, str, str, str]], colours: Palette) -> None:
    """Steps in order: done or not, what, why, and the command."""
    for number, (is_done, what, why, command) in enumerate(steps, start=1):
        with st.container(border=True):
            st.html(_step(number, is_done, what, why, colours))
            if not is_done:
                st.code(command, language="bash", wrap_lines=True)


def _step(number: int, is_done: bool, what: str, why: str, colours: Palette) -> str:
    tint = colours.good if is_done else colours.accent
    ring = (
        f"color:{tint};border:1.5px solid {tint};border-radius:50%;min-width:26px;height:26px;"
        "display:inline-flex;align-items:center;justify-content:center;font-weight:600"
    )
    grey = f"color:{colours.muted}"
    return (
        '<div style="display:flex;gap:12px;align-items:baseline">'
        f'<span style="{ring}">{"✓" if is_done else number}</span>'
        f'<div style="color:{colours.text}"><b>{escape(what)}</b> '
        f'<span style="{grey}">({"done" if is_done else "to do"})</span>'
        f'<div style="{grey};font-size:13.5px">{escape(why)}</div></div></div>'
    )
