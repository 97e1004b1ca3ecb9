"""Short tables as real HTML: every cell escaped, numbers to the right, badges with a word.

Long ones that people sort or download are `st.dataframe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import streamlit as st

from dashboards.charts.palette import Palette

Tone = Literal["good", "warning", "bad", "accent", "muted"]


@dataclass(frozen=True)
class Badge:
    """A word in a coloured pill; the word alone says everything."""

    word: str
    tone: Tone


Cell = str | Badge


def table(
    headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, numbers: Sequence[str] = (), caption: str, colours: Palette
) -> None:
    """Write a table; columns named in `numbers` stand to the right. `caption` is for screen readers."""
    right = [header in numbers for header in headers]
    head = "".join(f'<th scope="col"{_side(is_right)}>{escape(h)}</th>' for h, is_right in zip(headers, right, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{_side(is_right)}>{_cell(cell, colours)}</td>" for cell, is_right in zip(row, right, strict=True)) + "</tr>"
        for row in rows
    )
    style = (
        "<style>.ms-scroll{overflow-x:auto}.ms-table{border-collapse:collapse;width:100%;font-size:13.5px;margin:0}"
        f".ms-table th{{font-weight:500;color:{colours.muted};text-align:left;padding:6px 12px 6px 0;white-space:nowrap;"
        f"border:0;border-bottom:1px solid {colours.border}}}"
        f".ms-table td{{padding:7px 12px 7px 0;color:{colours.text};border:0;border-bottom:1px solid {colours.border};"
        "vertical-align:top;overflow-wrap:anywhere}"
        ".ms-table tr:last-child td{border-bottom:0}"
        ".ms-table .r{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-right:0;padding-left:12px}"
        ".ms-hide{position:absolute;left:-10000px}</style>"
    )
    st.html(
        f'{style}<div class="ms-scroll"><table class="ms-table"><caption class="ms-hide">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _side(is_right: bool) -> str:
    return ' class="r"' if is_right else ""


def _cell(cell: Cell, colours: Palette) -> str:
    if isinstance(cell, str):
        return escape(cell)
    tint = str(getattr(colours, cell.tone))
    return (
        f'<span style="display:inline-block;border:1px solid {tint};color:{tint};border-radius:999px;'
        f'padding:0 9px;font-size:12.5px;line-height:1.6;white-space:nowrap">{escape(cell.word)}</span>'
    )
