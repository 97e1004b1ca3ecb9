"""Text that came from elsewhere (names, subjects, reasons), shown as it is and never as markup.

Markdown in a campaign's subject could draw a picture from another host; here it can not.
"""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from dashboards.charts.palette import Palette

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def literal(text: str) -> str:
    """The text with every character escaped that markdown could mean something by."""
    return _SPECIAL.sub(r"\\\1", text)


def small(text: str, colours: Palette) -> None:
    """A line of small grey text."""
    st.html(f'<div style="color:{colours.muted};font-size:13.5px;overflow-wrap:anywhere">{escape(text)}</div>')
