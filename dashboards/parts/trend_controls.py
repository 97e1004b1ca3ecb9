"""What holds for a whole trend: days, periods, a property that splits it, a formula, the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st

from dashboards.queries.funnels import Catalogue, property_names, usual_days
from dashboards.queries.trend_question import Counted, intervals_for
from pipelines.warehouse import Snapshot

_NOTHING = "nothing"


@dataclass(frozen=True)
class Conditions:
    """The choices beneath the series; `split` None is no breakdown."""

    days: tuple[date, date]
    interval: str
    split: str | None
    formula: str
    compare: bool


def edited_conditions(
    snapshot: Snapshot, known: Catalogue, last_day: date, series: Sequence[Counted]
) -> Conditions | None:
    """As chosen, each kept in the address; None while the last day is missing."""
    first, second, third, fourth, fifth = st.columns([4, 2, 3, 3, 2], vertical_alignment="bottom")
    days = first.date_input("Days", usual_days(known, last_day), key="days", bind="query-params", format="YYYY-MM-DD")
    if not isinstance(days, tuple) or len(days) != 2:
        return None
    options = intervals_for(days)
    interval = second.selectbox("By", options, index=options.index("day"), key="by", bind="query-params")
    properties = property_names(snapshot, series[0].step.event)
    split = third.selectbox("Split by", [_NOTHING, *properties], key="split", bind="query-params")
    formula = fourth.text_input(
        "Formula",
        key="formula",
        bind="query-params",
        placeholder="A / B",
        help="Of the series above: A / B, (A - B) / A.",
    )
    compare = fifth.toggle("Compare", value=True, key="cmp", bind="query-params")
    return Conditions(days, interval, None if split == _NOTHING else split, formula, compare)
