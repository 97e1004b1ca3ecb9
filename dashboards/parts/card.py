"""A row of tiles: name, figure, change, small line. One piece of HTML, every value escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboards.charts.palette import Palette
from dashboards.charts.sparkline import sparkline
from dashboards.parts.numbers import Change

_ARROWS = {"up": "↑ ", "down": "↓ ", "flat": "", "none": ""}


@dataclass(frozen=True)
class Card:
    """One tile. `less_is_better` turns the colour of a change, never its sign."""

    title: str
    value: str
    change: Change
    note: str
    definition: str
    history: Sequence[float | None]
    less_is_better: bool = False
    leads_to: str | None = None
    """A page of ours, as a relative address."""


def card_row(cards: Sequence[Card], colours: Palette) -> None:
    """Write the tiles; they wrap to fewer columns on a narrow screen."""
    style = (
        "<style>.ms-cards{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:12px}"
        "@media(min-width:1100px){.ms-four{grid-template-columns:repeat(4,minmax(0,1fr))}}"
        "@media(min-width:1600px){.ms-cards:not(.ms-four){grid-template-columns:repeat(6,minmax(0,1fr))}}"
        "@media(max-width:760px){.ms-cards{grid-template-columns:repeat(2,minmax(0,1fr))}}"
        f".ms-card{{border:1px solid {colours.border};border-radius:8px;padding:12px 14px 10px;min-width:0}}"
        f".ms-card h3{{margin:0;padding:0;font-size:13px;font-weight:500;color:{colours.muted}}}"
        ".ms-value{font-size:25px;font-weight:600;line-height:1.35;font-variant-numeric:tabular-nums;"
        f"white-space:nowrap;color:{colours.text}}}"
        f".ms-change{{font-size:12.5px;color:{colours.muted};min-height:19px;margin-bottom:6px}}"
        ".ms-change b{font-weight:600}"
        ".ms-card h3 a{color:inherit;text-decoration:underline;text-underline-offset:2px}</style>"
    )
    four = " ms-four" if len(cards) == 4 else ""
    st.html(f'{style}<div class="ms-cards{four}">{"".join(_card(card, colours) for card in cards)}</div>')


def _card(card: Card, colours: Palette) -> str:
    change = card.change
    good = "down" if card.less_is_better else "up"
    tint = colours.muted
    if change.direction in ("up", "down"):
        tint = colours.good if change.direction == good else colours.bad
    told = f'<b style="color:{tint}">{_ARROWS[change.direction]}{escape(change.text)}</b> {escape(card.note)}'
    return (
        f'<section class="ms-card" title="{escape(card.definition)}"><h3>{_title(card)}</h3>'
        f'<div class="ms-value">{escape(card.value)}</div><div class="ms-change">{told}</div>'
        f"{sparkline(card.history, colours.accent)}</section>"
    )


def _title(card: Card) -> str:
    if card.leads_to is None:
        return escape(card.title)
    return f'<a href="{escape(card.leads_to)}" target="_self">{escape(card.title)}</a>'
