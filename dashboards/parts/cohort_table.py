"""Cohorts of paying customers as a heatmap that is a real table, by customers or by MRR."""

from __future__ import annotations

from datetime import date
from html import escape
from itertools import groupby
from typing import Any

import streamlit as st

from dashboards.charts.palette import Palette
from dashboards.parts.money import money
from dashboards.parts.numbers import count, percent
from dashboards.parts.retention_table import MARK, heat_style, tint
from dashboards.parts.times import period_name

Cell = dict[str, Any]


def cohort_table(rows: list[Cell], *, by: str, shows_money: bool, last_is_over: bool, colours: Palette) -> None:
    """A row per cohort, the oldest first; a cell is the share that is left of its customers, or of its first MRR.

    The first column is the cohort itself and stays grey. The running period, which can still change, has a mark.
    """
    cohorts = [(began, list(cells)) for began, cells in groupby(rows, key=lambda row: row["cohort"])]
    widest = max(len(cells) for _, cells in cohorts)
    unit = by.capitalize()
    first = "First MRR" if shows_money else "Customers"
    heads = ["Cohort", first, f"{unit} 0", *(f"+{number}" for number in range(1, widest))]
    head = "".join(f'<th scope="col"{"" if number == 0 else _RIGHT}>{name}</th>' for number, name in enumerate(heads))
    running = None if last_is_over else max(row["period"] for row in rows)
    lines = (_line(began, cells, by, shows_money, running, colours) for began, cells in cohorts)
    st.html(
        f'{heat_style(colours)}<div class="ms-heat-scroll" tabindex="0" role="region" aria-label="Cohorts">'
        f'<table class="ms-heat"><caption class="ms-heat-hide">Cohorts of customers, one row per {by}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


_RIGHT = ' class="r"'


def _line(began: date, cells: list[Cell], by: str, shows_money: bool, running: date | None, colours: Palette) -> str:
    base = base_of(cells, shows_money)
    size = money(base, cells[0]["currency"]) if shows_money else count(base)
    found = "".join(_cell(cell, base, shows_money, cell["period"] == running, colours) for cell in cells)
    return f'<tr><th scope="row">{escape(period_name(began, by))}</th><td class="r">{size}</td>{found}</tr>'


def base_of(cells: list[Cell], shows_money: bool) -> int:
    """What a cohort's shares are of: its customers, or its MRR at the end of its first period."""
    return int(cells[0]["mrr_minor"] if shows_money else cells[0]["size"])


def _cell(cell: Cell, base: int, shows_money: bool, is_open: bool, colours: Palette) -> str:
    part = cell["mrr_minor"] if shows_money else cell["customers"]
    share = part / base if base else None
    told = money(part, cell["currency"]) if shows_money else f"{count(part)} of {count(base)}"
    hover = f"{told}{', not complete' if is_open else ''}"
    is_first = cell["period_index"] == 0
    kinds = f"r{' zero' if is_first else ''}{' open' if is_open else ''}"
    shade = tint(None if is_first else share, colours)
    return f'<td class="{kinds}" title="{escape(hover)}"{shade}>{percent(share)}{MARK if is_open else ""}</td>'
