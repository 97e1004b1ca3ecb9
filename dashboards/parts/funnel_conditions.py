"""What holds for a whole funnel: order, window, days, and an event that must not come between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboards.queries.funnel_question import ORDERS, WINDOWS, Step, Without
from dashboards.queries.funnels import Catalogue, usual_days

_NOTHING = "nothing"


def edited_conditions(known: Catalogue, last_day: date, steps: Sequence[Step]) -> dict[str, Any] | None:
    """`order, window, days, without` as chosen, each kept in the address; None while the last day is missing."""
    first, second, third, fourth = st.columns([3, 2, 3, 3])
    order = first.selectbox("Steps count", list(ORDERS), key="order", bind="query-params")
    window = second.selectbox("Within", list(WINDOWS), index=3, key="window", bind="query-params")
    usual = usual_days(known, last_day)
    days = third.date_input("Days", usual, key="days", bind="query-params", format="YYYY-MM-DD")
    without = None
    if ORDERS[order] != "unordered":
        with fourth:
            without = _without(known.names, len(steps))
    if not isinstance(days, tuple) or len(days) != 2:
        return None
    return {"order": order, "window": window, "days": days, "without": without}


def _without(names: list[str], steps: int) -> Without | None:
    event = st.selectbox("Ruled out in between", [_NOTHING, *names], key="without", bind="query-params")
    if event == _NOTHING:
        return None
    left, right = st.columns(2)
    after = left.selectbox("after step", list(range(1, steps)), key="after", bind="query-params")
    later = list(range(after + 1, steps + 1))
    before = right.selectbox("before step", later, index=len(later) - 1, key="before", bind="query-params")
    return Without(event, after - 1, before - 1)
