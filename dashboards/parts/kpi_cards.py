"""The overview's six figures as tiles: names, definitions, formats."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.card import Card
from dashboards.parts.links import page_with
from dashboards.parts.money import compact_money
from dashboards.parts.numbers import change, change_absolute, change_in_points, count, factor, percent
from dashboards.parts.table import table
from dashboards.queries.kpis import Figure, Kpis
from dashboards.view import View

_NOTE = "in 30 days"
_AGAINST = "vs 30 days before"
_MOVED = page_with("revenue", tab="Movements", range="30d")


def kpi_cards(kpis: Kpis) -> list[Card]:
    """Six tiles in fixed order."""
    return [
        _money(
            kpis,
            "MRR",
            kpis.mrr,
            kpis.currency,
            _NOTE,
            "Monthly recurring revenue at the end of the last whole day.",
            page_with("revenue"),
        ),
        _money(
            kpis,
            "Net revenue, 30 days",
            kpis.net_revenue,
            kpis.net_revenue_currency,
            _AGAINST,
            "Charges less refunds, disputes and fees, as booked to the Stripe balance.",
            page_with("revenue", tab="Cash", range="30d"),
        ),
        _count("Paying customers", kpis.customers, _NOTE, "Stripe customers whose MRR is above zero.", "customers"),
        _count(
            "New customers, 30 days",
            kpis.new_customers,
            _AGAINST,
            "Customers who paid for the first time.",
            _MOVED,
        ),
        Card(
            "Customer churn, 30 days",
            percent(kpis.churn_rate.now),
            change_in_points(kpis.churn_rate.now, kpis.churn_rate.before),
            _AGAINST,
            "Customers who stopped paying / (customers before + new ones).",
            kpis.churn_rate.history,
            less_is_better=True,
            leads_to=_MOVED,
        ),
        Card(
            "Quick ratio, 30 days",
            factor(kpis.quick_ratio.now),
            change_absolute(kpis.quick_ratio.now, kpis.quick_ratio.before),
            _AGAINST,
            "(New + expansion + reactivation) / (contraction + churn) of MRR.",
            kpis.quick_ratio.history,
            leads_to=_MOVED,
        ),
    ]


def definitions(cards: list[Card], view: View) -> None:
    """How each figure is computed, for those who ask."""
    with st.expander("How these figures are computed", key="how"):
        rows = [(card.title, card.definition) for card in cards]
        table(("Figure", "Definition"), rows, caption="Definitions of the figures", colours=view.colours)


def _money(kpis: Kpis, title: str, figure: Figure, currency: str, note: str, definition: str, leads_to: str) -> Card:
    value = compact_money(None if figure.now is None else int(figure.now), currency)
    return Card(title, value, change(figure.now, figure.before), note, definition, figure.history, leads_to=leads_to)


def _count(title: str, figure: Figure, note: str, definition: str, leads_to: str) -> Card:
    value = count(None if figure.now is None else int(figure.now))
    return Card(title, value, change(figure.now, figure.before), note, definition, figure.history, leads_to=leads_to)
