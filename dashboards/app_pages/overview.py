"""Overview: how the business is doing, on one screen."""

import streamlit as st

from dashboards.charts.moved_bars import moved_chart
from dashboards.charts.revenue_line import revenue_line
from dashboards.parts.card import card_row
from dashboards.parts.charted import charted
from dashboards.parts.empty import nothing_here
from dashboards.parts.first_steps import first_steps
from dashboards.parts.frame import page_title, section
from dashboards.parts.kpi_cards import definitions, kpi_cards
from dashboards.parts.last_campaign import last_campaign
from dashboards.parts.links import leads_to, page_with
from dashboards.parts.notes import not_added
from dashboards.parts.plans_table import plans_table
from dashboards.parts.range_row import range_row
from dashboards.parts.strip import health_strip
from dashboards.parts.what_changed import what_changed
from dashboards.queries.kpis import kpis
from dashboards.queries.movements import months_moved
from dashboards.queries.plans import top_plans
from dashboards.queries.setup import rows
from dashboards.queries.trend import revenue_trend
from dashboards.view import current_view

view = current_view()
page_title(view, "Overview")
snapshot = view.snapshot
if snapshot is None:
    first_steps(view)
    st.stop()
if not rows(snapshot, "marts.fct_mrr_daily") and not rows(snapshot, "marts.fct_payments"):
    nothing_here("No payments are published yet, so there is no revenue to show.", command="millstream run")
    health_strip(view)
    st.stop()

last_day, begun_day = view.last_day(snapshot), view.begun_day(snapshot)
asked = {"currency": view.currency, "timezone": view.zone}
figures = kpis(snapshot, **asked)
card_row(cards := kpi_cards(figures), view.colours)
not_added(figures.unconverted, "no exchange rate to the reporting currency", view.colours)

with st.container(border=True):
    chosen, compare = range_row("Net revenue")
    trend = revenue_trend(snapshot, chosen=chosen, **asked, last_day=last_day, today=begun_day)
    charted(revenue_line(trend, compare=compare, colours=view.colours), key="revenue", height=300)
    not_added(trend.unconverted, "no exchange rate to the reporting currency", view.colours)
    leads_to(page_with("revenue", tab="Cash", range=chosen), "Cash of this range", view.colours)

left, right = st.columns([3, 2])
with left, section("MRR movements", height="stretch"):
    if months := months_moved(snapshot, last_day=last_day, **asked):
        charted(moved_chart(months, view.colours), key="movements", height=330)
        leads_to(page_with("revenue", tab="Movements"), "Movements by customer", view.colours)
    else:
        nothing_here("No subscription has been paid for yet.")
with right, section("Top plans by MRR", height="stretch"):
    plans_table(top_plans(snapshot, day=last_day, **asked), view)
    last_campaign(view)
with section("What changed in 30 days"):
    what_changed(view, snapshot, last_day)
health_strip(view)
definitions(cards, view)
