"""Short tables as real HTML: every cell escaped, numbers to the right, badges with a word, links.

Long ones that people sort or download are `st.dataframe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Link:
    """Words that lead to another page of ours; `address` is relative, its values are quoted by who makes it."""

    words: str
    address: str


Cell = str | Badge | Link
Row = tuple[Cell, ...]


def table(
    headers: Sequence[str],
    rows: Iterable[Row],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
    prose: Sequence[str] = (),
    dense: bool = False,
    has_total: bool = False,
    caption: str,
    colours: Palette,
) -> None:
    """Write a table; columns named in `numbers` stand to the right, those in `whole` stay on one line.

    Those in `prose` may break anywhere and keep room for some words. A `dense` table has smaller text
    and less space; with `has_total` its last row is a sum. `caption` is for screen readers. On a phone
    the first column stays in sight while the others are scrolled.
    """
    kinds = {**dict.fromkeys(prose, "p"), **dict.fromkeys(whole, "w"), **dict.fromkeys(numbers, "r")}
    sides = [f' class="{kinds[header]}"' if header in kinds else "" for header in headers]
    head = "".join(f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(headers, sides, strict=True))
    lines = (
        "".join(f"<td{side}>{_cell(cell, colours)}</td>" for cell, side in zip(row, sides, strict=True)) for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    looks = f"ms-table{' ms-dense' if dense else ''}{' ms-total' if has_total else ''}"
    st.html(
        f'{_style(colours)}<div class="ms-scroll" role="region" tabindex="0" '
        f'aria-label="{escape(caption)}"><table class="{looks}">'
        f'<caption class="ms-hide">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _style(colours: Palette) -> str:
    line = f"border:0;border-bottom:1px solid {colours.border}"
    return (
        "<style>.ms-scroll{overflow-x:auto}"
        ".ms-table{border-collapse:separate;border-spacing:0;width:100%;font-size:13.5px;margin:0}"
        f".ms-table th{{{line};font-weight:500;color:{colours.muted};text-align:left;padding:6px 14px 6px 0;"
        "white-space:nowrap}"
        f".ms-table td{{{line};color:{colours.text};padding:7px 14px 7px 0;vertical-align:top;"
        "overflow-wrap:break-word}"
        ".ms-table .p{overflow-wrap:anywhere;min-width:22ch}"
        f".ms-table a{{color:{colours.accent};text-decoration:underline;text-underline-offset:3px}}"
        ".ms-table tr:last-child td{border-bottom:0}"
        ".ms-table .r{text-align:right;white-space:nowrap;padding-right:28px}"
        ".ms-table .r{font-variant-numeric:tabular-nums}"
        ".ms-table .r:last-child{padding-right:0}"
        ".ms-table .w{white-space:nowrap}"
        ".ms-dense{font-size:12.5px}.ms-dense .r{padding-right:12px}.ms-dense .w{padding-right:8px}"
        ".ms-dense .r+:not(.r){padding-left:8px}"
        ".ms-total tr:last-child td{font-weight:600}"
        f"@media(max-width:760px){{.ms-table :is(th,td):first-child{{position:sticky;left:0;z-index:1;"
        f"background:{colours.background}}}}}"
        ".ms-hide{position:absolute;left:-10000px}</style>"
    )


def _cell(cell: Cell, colours: Palette) -> str:
    if isinstance(cell, str):
        return escape(cell)
    if isinstance(cell, Link):
        return f'<a href="{escape(cell.address)}" target="_self">{escape(cell.words)}</a>'
    tint = str(getattr(colours, cell.tone))
    return (
        f'<span style="display:inline-block;border:1px solid {tint};color:{tint};border-radius:999px;'
        f'padding:0 9px;font-size:12.5px;line-height:1.6;white-space:nowrap">{escape(cell.word)}</span>'
    )
