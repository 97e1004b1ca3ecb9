"""What stands around every page: the demo banner, the title with the data's moment, the footer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Literal

import streamlit as st

from dashboards.charts.palette import DARK, Palette
from dashboards.parts.times import clock
from dashboards.queries.health import recent_builds
from dashboards.view import View
from pipelines.quality.told import is_stale

ICONS_ONLY = "icons_only"
"""How the key of a container begins whose buttons show their icon alone; their labels are for screen readers."""

FULL_ON_A_PHONE = "full_on_a_phone"
"""The key of a row whose parts stand beneath each other on a phone, each as wide as the page."""


def page_style(view: View) -> None:
    """The few rules that Streamlit's theme has no setting for."""
    label = f"[class*=st-key-{ICONS_ONLY}] button [data-testid=stMarkdownContainer]"
    rules = [f"{label}{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}"]
    # Its text would go on in one line, past the edge of a phone.
    rules.append(f"{label} p{{display:block;width:1px;overflow:hidden}}")
    # On a phone seven ranges fit beside each other.
    rules.append("@media(max-width:480px){[data-testid=stButtonGroup] button{padding-inline:9px}}")
    row = f".st-key-{FULL_ON_A_PHONE}"
    rules.append(f"@media(max-width:480px){{{row}{{flex-wrap:wrap}}{row}>*{{flex:1 1 100% !important}}}}")
    # What is written as text on these pages is code: a mail, the rule of a segment.
    rules.append("[data-testid=stTextArea] textarea{font-family:'Source Code Pro',monospace;font-size:13px}")
    rules += _code_colours(view.colours)
    # A chart's own buttons would lie on what stands above it, such as the choice of a range.
    chart = "[data-testid=stFullScreenFrame]:has([data-testid=stEChartsChart])"
    rules.append(f"{chart} [data-testid=stElementToolbar]{{top:0}}")
    if view.colours is DARK:
        # Chosen values and main buttons are white on light blue in Streamlit's dark theme (2.7:1); make them dark.
        rules.append("button[kind^=primary]:not(:disabled){color:#0B1020 !important}")
        rules.append("[data-testid=stMultiSelect] [data-tag] :is(span,button){color:#0B1020 !important}")
    st.html(f"<style>{''.join(rules)}</style>")


def _code_colours(colours: Palette) -> list[str]:
    """Colours of commands and SQL that can be read: Streamlit's own have 2.2:1 to 3.8:1 in the light theme."""
    tints = {
        "": colours.text,
        ":is(.keyword,.property,.parameter,.atrule)": colours.accent,
        ":is(.string,.number,.boolean)": colours.good,
        ".operator": colours.warning,
        ":is(.punctuation,.comment)": colours.muted,
    }
    return [f"[data-testid=stCode] .token{kind}{{color:{tint}}}" for kind, tint in tints.items()]


def demo_banner(view: View) -> None:
    """Say that nothing here is real, where that is so."""
    if view.settings.demo is None:
        return
    colours = view.colours
    st.html(
        f'<div role="note" style="background:{colours.surface};border:1px solid {colours.border};'
        f"border-left:4px solid {colours.warning};border-radius:8px;padding:7px 12px;font-size:13.5px;"
        f'color:{colours.text}"><b>Demo data.</b> A made-up business; no mail leaves this machine.</div>'
    )


def page_title(view: View, title: str) -> None:
    """The title, and beneath it the one line that says how fresh the data are."""
    st.title(title, anchor=False)
    colours = view.colours
    if view.snapshot is None:
        tint, words = colours.muted, "No data published yet"
    else:
        stale = is_stale(view.snapshot.as_of, view.now)
        tint = colours.warning if stale else colours.good
        words = f"Data as of {clock(view.snapshot.as_of, view.zone)}"
        words += " · stale: the pipeline is late" if stale else " · fresh"
        if (builds := recent_builds(view.settings, limit=1)) and builds[0].outcome == "failed":
            tint, words = colours.warning, f"{words} · the last build failed (see Data health)"
    dot = f'<span style="color:{tint};font-size:11px" aria-hidden="true">●</span>'
    st.html(f'<div style="color:{colours.muted};font-size:13.5px">{dot} {escape(words)}</div>')


@contextmanager
def section(title: str, *, height: Literal["content", "stretch"] = "content") -> Iterator[None]:
    """A bordered box with a heading; `stretch` makes it as tall as its neighbour."""
    with st.container(border=True, height=height):
        st.subheader(title, anchor=False)
        yield


def footer(view: View) -> None:
    """The zone and the currency that all figures of the page are in."""
    snapshot = "" if view.snapshot is None else f" · snapshot {view.snapshot.number}"
    words = f"Days and times in {view.zone} · money in {view.currency} unless told otherwise{snapshot}"
    st.html(
        f'<footer style="color:{view.colours.muted};font-size:12.5px;margin-top:8px;padding-top:8px;'
        f'border-top:1px solid {view.colours.border}">{escape(words)}</footer>'
    )
