"""Text that came from elsewhere (names, subjects, reasons), shown as it is and never as markup.

Markdown in a campaign's subject could draw a picture from another host; here it can not.
"""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from dashboards.charts.palette import Palette

_COMMAND = re.compile(r"(`[^`\n]+`)|[^`]+|`")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def literal(text: str) -> str:
    """The text with every character escaped that markdown could mean something by."""
    return _SPECIAL.sub(r"\\\1", text)


def sentence(text: str) -> str:
    """What Millstream itself says: a command between backticks is shown as one, all else as it is.

    Within a command nothing is markup either.
    """
    return _COMMAND.sub(lambda part: part[0] if part[1] else literal(part[0]), text)


def small(text: str, colours: Palette) -> None:
    """A line of small grey text."""
    st.html(f'<div style="color:{colours.muted};font-size:13.5px;overflow-wrap:anywhere">{escape(text)}</div>')
