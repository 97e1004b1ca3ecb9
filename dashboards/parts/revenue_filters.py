"""The revenue page's filters: range, length of a period, currency; all of them live in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import streamlit as st

from dashboards.parts.words import small
from dashboards.queries.movements import first_movement
from dashboards.queries.spans import GRAINS, RANGES, Span, currencies, span_of, usual_grain
from dashboards.view import View
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Filters:
    """What was chosen."""

    span: Span
    currency: str


def revenue_filters(view: View, snapshot: Snapshot) -> Filters | None:
    """The filter row; None while only the first of two days is chosen."""
    last_day = view.last_day(snapshot)
    with st.container(horizontal=True, vertical_alignment="top"):
        chosen = st.segmented_control("Range", RANGES, default="12m", required=True, key="range", bind="query-params")
        # `auto` stands for what fits the range, so a link made for one range stays right for another.
        by = st.segmented_control("By", ("auto", *GRAINS), default="auto", required=True, key="by", bind="query-params")
        known = currencies(snapshot, reporting=view.currency)
        currency = st.selectbox("Currency", known, key="cur", bind="query-params", width=120)
        days: tuple[object, ...] = ()
        if chosen == "custom":
            usual = (last_day - timedelta(days=89), last_day)
            days = st.date_input(
                "Days", usual, max_value=last_day, key="days", bind="query-params", format="YYYY-MM-DD", width=260
            )
    if chosen == "custom" and len(days) != 2:
        return None
    wanted = usual_grain(chosen) if by == "auto" else by
    span = span_of(chosen, wanted, last_day=last_day, first_known=first_movement(snapshot), days=days or None)  # type: ignore[arg-type]
    if by not in ("auto", span.by):
        small(f"So long a range is shown by {span.by}.", view.colours)
    return Filters(span, currency)
