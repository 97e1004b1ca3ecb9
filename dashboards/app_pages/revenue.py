"""Revenue: where MRR came from and went, who moved it, the cash that came of it, and what other definitions say."""

import functools
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards.charts.cash_bars import cash_bars
from dashboards.charts.moved_bars import moved_chart
from dashboards.charts.waterfall_stages import waterfall_chart
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.groups_table import groups_frame, groups_table
from dashboards.parts.how import CASH, MRR, how
from dashboards.parts.notes import not_added
from dashboards.parts.profiles_view import profiles_view
from dashboards.parts.restated_tables import clocks_table, restatements_table
from dashboards.parts.revenue_filters import revenue_filters
from dashboards.parts.revenue_tables import (
    cash_frame,
    cash_table,
    chosen_cell,
    file_name,
    movement_frame,
    movement_table,
    mover_table,
)
from dashboards.parts.waterfall_proof import waterfall_proof
from dashboards.queries.cash import cash_periods
from dashboards.queries.explained import explained
from dashboards.queries.groups import APART, groups_moved
from dashboards.queries.movements import customers_moved, from_the_first, movers_of, periods_moved, unclosed
from dashboards.queries.profiles import compared
from dashboards.queries.restated import mrr_as_reported, told_rows
from dashboards.queries.setup import rows
from dashboards.view import current_view
from pipelines.errors import UsageError

view = current_view()
page_title(view, "Revenue")
snapshot = view.snapshot
if snapshot is None or not (rows(snapshot, "marts.fct_mrr_daily") or rows(snapshot, "marts.fct_payments")):
    nothing_here(
        "No payments are published yet, so there is no revenue to show.",
        command="millstream ingest stripe && millstream run",
    )
    st.stop()
filters = revenue_filters(view, snapshot)
if filters is None:
    nothing_here("Choose the last day as well.")
    st.stop()
span = filters.span
asked: dict[str, Any] = {
    "first": span.first,
    "last": span.last,
    "by": span.by,
    "currency": filters.currency,
    "timezone": view.zone,
}
why = functools.partial(explained, snapshot, day=span.last, currency=filters.currency, timezone=view.zone)

waterfall, bars, apart, money_in, restated, by_profile = st.tabs(
    ("Waterfall", "Movements", "Groups", "Cash", "Restated", "Profiles"), key="tab", bind="query-params"
)
moved = periods_moved(snapshot, **asked) if waterfall.open or bars.open else None
shown = from_the_first(moved.periods) if moved else []

with waterfall:
    if waterfall.open and moved and shown:
        charted(waterfall_chart(shown, view.colours), key="waterfall", height=380)
        waterfall_proof(shown, unclosed(snapshot, first=span.first, last=span.last, timezone=view.zone), view)
        not_added(moved.unconverted, "no exchange rate to this currency", view.colours)
        how(MRR, "movements", functools.partial(why, report="mrr"), view, filters)
    elif waterfall.open:
        nothing_here(f"No subscription was paid for from {span.first} to {span.last}. Choose a longer range.")

with bars:
    if bars.open and moved and shown:
        charted(moved_chart(shown, view.colours), key="movements", height=330)
        customers = customers_moved(snapshot, cut=[(one.period.start, one.period.end) for one in shown])
        movement_table(shown, customers, view)
        not_added(moved.unconverted, "no exchange rate to this currency", view.colours)
        name = file_name("mrr-movements", span.first, span.last, filters.currency)
        csv_download(movement_frame(shown, customers), name, key="movements-csv")
        if cell := chosen_cell(shown):
            kind, one = cell
            who = movers_of(snapshot, kind=kind, first=one.period.start, last=one.period.end, currency=filters.currency)
            mover_table(kind, one, who, view, filters)
        how(MRR, "movements", functools.partial(why, report="mrr"), view, filters)
    elif bars.open:
        nothing_here(f"No subscription was paid for from {span.first} to {span.last}. Choose a longer range.")

with apart:
    if apart.open:
        group = st.selectbox("By", APART, key="apart", bind="query-params", width=200)
        groups = groups_moved(
            snapshot, group=group, first=span.first, last=span.last, currency=filters.currency, timezone=view.zone
        )
        if groups.groups:
            groups_table(group, groups, filters.currency, view)
            not_added(groups.unconverted, "no exchange rate to this currency", view.colours)
            name = file_name(f"mrr-movements-by-{group}", span.first, span.last, filters.currency)
            csv_download(groups_frame(groups), name, key="groups-csv")
        else:
            nothing_here(f"No subscription was paid for from {span.first} to {span.last}. Choose a longer range.")

with money_in:
    if money_in.open:
        cash = cash_periods(snapshot, **asked)
        if any(one.minor["gross"] or one.minor["refunds"] or one.minor["disputes"] for one in cash.periods):
            charted(cash_bars(cash.periods, view.colours), key="cash", height=330)
            cash_table(cash.periods, view)
            not_added(cash.unconverted, "no exchange rate to this currency", view.colours)
            name = file_name("cash", span.first, span.last, filters.currency)
            csv_download(cash_frame(cash.periods), name, key="cash-csv")
            how(CASH, "cash", functools.partial(why, report="cash"), view, filters)
        else:
            nothing_here(f"No money moved from {span.first} to {span.last}. Choose a longer range.")

with restated:
    if restated.open:
        today = view.now.astimezone(ZoneInfo(view.zone)).date()
        day = st.date_input(
            "As reported on", today, max_value=today, key="told", bind="query-params", format="YYYY-MM-DD", width=200
        )
        try:
            told = mrr_as_reported(
                snapshot, view.settings, reported_on=day, first=span.first, last=span.last, by=span.by,
                currency=filters.currency,
            )  # fmt: skip
        except UsageError:
            nothing_here(f"Nothing was published by {day}, so there is no report of that day.")
        else:
            clocks_table(told_rows(told), span.by, view)
            not_added(told["unconverted"], "no exchange rate to this currency", view.colours)
            restatements_table(told, view)

with by_profile:
    if by_profile.open:
        found = compared(snapshot, day=span.last, currency=filters.currency, timezone=view.zone)
        if any(pair.from_minor or pair.to_minor for pair in found.pairs):
            profiles_view(found.pairs, view, filters)
            not_added(found.unconverted, "no exchange rate to this currency", view.colours)
        else:
            nothing_here(f"Nobody paid for a subscription on {span.last} under any definition. Choose another range.")
