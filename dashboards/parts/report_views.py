"""The pictures of the subscriptions page: rates over time, tiles of a customer's value, the heatmap, the curve."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.charts.survival_curve import Lived, survival_curve
from dashboards.charts.trend_lines import Drawn, trend_lines
from dashboards.parts.card import Card, card_row
from dashboards.parts.charted import charted
from dashboards.parts.cohort_table import cohort_table
from dashboards.parts.money import compact_money
from dashboards.parts.numbers import change, change_in_points, count, percent
from dashboards.parts.report_tables import Row
from dashboards.parts.times import period_name
from dashboards.parts.words import small
from dashboards.queries.movements import is_over
from dashboards.queries.spans import Span
from dashboards.view import View


def kept_chart(rows: list[Row], span: Span, view: View) -> None:
    """NRR and GRR over time."""
    known = [row for row in rows if row["nrr"] is not None]
    if not known:
        return
    last = known[-1]
    alt = f"NRR {percent(last['nrr'])} and GRR {percent(last['grr'])} in the last period."
    _rates(rows, {"NRR": "nrr", "GRR": "grr"}, span, view, key="kept", alt=alt)


def trial_chart(rows: list[Row], span: Span, view: View) -> None:
    """The conversion rate of trials over time."""
    ended, converted = (sum(row[name] for row in rows) for name in ("ended", "converted"))
    alt = f"{count(converted)} of {count(ended)} trials converted."
    _rates(rows, {"Conversion": "conversion_rate"}, span, view, key="trials", alt=alt)


def _rates(rows: list[Row], lines: dict[str, str], span: Span, view: View, *, key: str, alt: str) -> None:
    drawn = [
        Drawn(name, [None if row[field] is None else 100 * row[field] for row in rows])
        for name, field in lines.items()
    ]  # fmt: skip
    option = trend_lines(
        [period_name(row["period"], span.by) for row in rows],
        drawn,
        whole=[is_over(row["period"], span.by, span.last) for row in rows],
        before=None,
        alt=alt,
        colours=view.colours,
        in_percent=True,
    )
    charted(option, key=key, height=300)


def worth_cards(rows: list[Row], span: Span, view: View) -> None:
    """Four tiles: the newest figures, each with its change over the period before."""
    now, before = rows[-1], rows[-2] if len(rows) > 1 else {}

    def told(field: str) -> dict[str, Any]:
        return {
            "value": compact_money(now[field], now["currency"]),
            "change": change(now[field], before.get(field)),
            "note": f"vs the {span.by} before",
            "history": [row[field] for row in rows],
        }

    cards = [
        Card("ARPA", definition="MRR / paying customers.", **told("arpa_minor")),
        Card("LTV", definition="ARPA / churn rate of 30 days.", **told("ltv_minor")),
        Card("Observed LTV", definition="MRR of every month's end so far / customers.", **told("observed_ltv_minor")),
        Card(
            "Churn rate",
            percent(now["churn_rate_used"]),
            change_in_points(now["churn_rate_used"], before.get("churn_rate_used")),
            f"vs the {span.by} before",
            "Customers lost in 30 days / (customers before + new ones).",
            [row["churn_rate_used"] for row in rows],
            less_is_better=True,
        ),
    ]
    card_row(cards, view.colours)


def cohort_view(rows: list[Row], span: Span, view: View) -> None:
    """The heatmap, by customers or by MRR."""
    shown = st.segmented_control(
        "Show", ("customers", "MRR"), default="customers", required=True, key="show", bind="query-params"
    )
    over = is_over(max(row["period"] for row in rows), span.by, span.last)
    cohort_table(rows, by=span.by, shows_money=shown == "MRR", last_is_over=over, colours=view.colours)
    if not over:
        small("Cells with * belong to a period that is not over yet.", view.colours)


def survival_chart(steps: list[Row], view: View) -> None:
    """The curve with its band."""

    def in_percent(value: float | None) -> float | None:
        return None if value is None else 100 * value

    lived = [
        Lived(step["day"], 100 * step["survival"], in_percent(step["lower"]), in_percent(step["upper"]))
        for step in steps
    ]  # fmt: skip
    last = steps[-1]
    alt = (
        f"Of {count(steps[0]['at_risk'])} subscriptions {percent(last['survival'])} live on after "
        f"{count(last['day'])} days."
    )
    charted(survival_curve(lived, alt=alt, colours=view.colours), key="survival", height=340)
    small(alt, view.colours)
