"""The line under the waterfall: that it adds up, and by how much it does not."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboards.parts.money import money
from dashboards.queries.movements import KINDS, PeriodMoved
from dashboards.view import View


def waterfall_proof(found: list[PeriodMoved], lacking: list[tuple[str, int]], view: View) -> None:
    """Opening + movements = closing in figures; the difference is counted in each currency as it was billed."""
    currency, colours = found[-1].currency, view.colours
    moved = sum(one.moved_minor[kind] for one in found for kind in KINDS)
    rates = sum(one.fx_minor for one in found)
    parts = [money(found[0].opening_minor, currency), f"movements {money(moved, currency)}"]
    if rates:
        parts.append(f"exchange rates {money(rates, currency)}")
    off = ", ".join(money(minor, own) for own, minor in lacking) or "0.00"
    tint, mark = (colours.bad, "!") if lacking else (colours.good, "✓")
    st.html(
        f'<div style="border:1px solid {colours.border};border-left:4px solid {tint};border-radius:8px;'
        f'padding:9px 14px;color:{colours.text};font-size:14px;font-variant-numeric:tabular-nums">'
        f"Opening {escape(' + '.join(parts))} = closing <b>{escape(money(found[-1].closing_minor, currency))}</b> "
        f'<span style="color:{tint}">{mark} difference {escape(off)}</span></div>'
    )
