"""What holds for a whole funnel: order, window, days, an event that must not come between, and how it is split."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboards.queries.funnel_question import ORDERS, TOUCHES, WINDOWS, Split, Step, Without, is_optional
from dashboards.queries.funnels import Catalogue, property_names, usual_days
from pipelines.warehouse import Snapshot

_NOTHING = "nothing"


def edited_conditions(
    snapshot: Snapshot, known: Catalogue, last_day: date, steps: Sequence[Step]
) -> dict[str, Any] | None:
    """`order, window, days, without, split, by_account` as chosen, each in the address.

    None while the last day is missing.
    """
    first, second, third, fourth = st.columns([3, 2, 3, 3])
    order = first.selectbox("Steps count", list(ORDERS), key="order", bind="query-params")
    window = second.selectbox("Within", list(WINDOWS), index=3, key="window", bind="query-params")
    usual = usual_days(known, last_day)
    days = third.date_input("Days", usual, key="days", bind="query-params", format="YYYY-MM-DD")
    without = None
    if ORDERS[order] != "unordered":
        with fourth:
            without = _without(known.steps, [n for n in range(len(steps)) if not is_optional(steps, n, order)])
    by_account = known.has_accounts and _by_account()
    split = _split(snapshot, steps, ORDERS[order])
    if not isinstance(days, tuple) or len(days) != 2:
        return None
    return {
        "order": order,
        "window": window,
        "days": days,
        "without": without,
        "split": split,
        "by_account": by_account,
    }


def _by_account() -> bool:
    counted = st.selectbox(
        "Count",
        ["people", "accounts"],
        key="count",
        bind="query-params",
        width=320,
        help="An event belongs to the account that it names, else to the one that its person joined last.",
    )
    return counted == "accounts"


def _split(snapshot: Snapshot, steps: Sequence[Step], order: str) -> Split | None:
    names = sorted({name for step in steps for name in property_names(snapshot, step.event)})
    left, right = st.columns([3, 8])
    field = left.selectbox("Split by", [_NOTHING, *names], key="split", bind="query-params")
    if field == _NOTHING:
        return None
    touches = [words for words, attribution in TOUCHES.items() if order != "unordered" or ":" not in attribution]
    touch = right.selectbox("The value that counts", touches, key="touch", bind="query-params", width=320)
    return Split(field, touch)


def _without(names: list[str], ends: Sequence[int]) -> Without | None:
    """`ends` are the steps that are not optional: an event is ruled out between two of them."""
    if len(ends) < 2:
        return None
    event = st.selectbox("Ruled out in between", [_NOTHING, *names], key="without", bind="query-params")
    if event == _NOTHING:
        return None
    left, right = st.columns(2)
    after = left.selectbox("after step", [end + 1 for end in ends[:-1]], key="after", bind="query-params")
    later = [end + 1 for end in ends if end + 1 > after]
    before = right.selectbox("before step", later, index=len(later) - 1, key="before", bind="query-params")
    return Without(event, after - 1, before - 1)
