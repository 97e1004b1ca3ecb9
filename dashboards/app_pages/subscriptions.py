"""Subscriptions: what is kept of them, what they are worth, how long they last, and what is going to come."""

import functools

import streamlit as st

from dashboards.parts.download import csv_download
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.how_reports import how_reported
from dashboards.parts.notes import not_added
from dashboards.parts.report_tables import (
    KEPT,
    OUTLOOK,
    RECOVERY,
    TRIALS,
    WORTH,
    joined,
    report_frame,
    report_table,
    survival_table,
)
from dashboards.parts.report_views import cohort_view, kept_chart, survival_chart, trial_chart, worth_cards
from dashboards.parts.revenue_filters import revenue_filters
from dashboards.parts.revenue_tables import file_name
from dashboards.queries.reports import Reported, reported
from dashboards.queries.setup import rows
from dashboards.view import current_view

view = current_view()
page_title(view, "Subscriptions")
snapshot = view.snapshot
if snapshot is None or not rows(snapshot, "marts.fct_mrr_daily"):
    nothing_here(
        "No subscriptions are published yet, so there is nothing to show of them.",
        command="millstream ingest stripe && millstream run",
    )
    st.stop()
filters = revenue_filters(view, snapshot)
if filters is None:
    nothing_here("Choose the last day as well.")
    st.stop()
span, currency = filters.span, filters.currency
ask = functools.partial(
    reported, snapshot, first=span.first, last=span.last, by=span.by, currency=currency, timezone=view.zone
)
how = functools.partial(how_reported, snapshot=snapshot, view=view, filters=filters)
EMPTY = f"from {span.first} to {span.last}. Choose a longer range."

tabs = st.tabs(
    ("Retention", "Cohorts", "Value", "Survival", "Trials", "Recovery", "Outlook"), key="tab", bind="query-params"
)
kept, cohorts, worth, lives, trials, recovery, outlook = tabs


def rest(found: Reported, name: str, reports: tuple[str, ...]) -> None:
    """Below every table: what is not in it, the file, and how it is computed."""
    not_added(found.unconverted, "no exchange rate to this currency", view.colours)
    csv_download(report_frame(found.rows), file_name(name, span.first, span.last, currency), key=f"{name}-csv")
    how(reports)


with kept:
    if kept.open:
        found = ask(report="nrr")
        both = joined(found.rows, ask(report="quick_ratio").rows)
        if any(row["opening_minor"] or row["gained_minor"] for row in both):
            kept_chart(both, span, view)
            report_table(both, KEPT, span.by, span.last, "What was kept, gained and lost by period", view)
            rest(found, "nrr", ("nrr", "quick_ratio"))
        else:
            nothing_here(f"No subscription was paid for {EMPTY}")

with cohorts:
    if cohorts.open:
        found = ask(report="cohorts")
        if found.rows:
            cohort_view(found.rows, span, view)
            rest(found, "cohorts", ("cohorts",))
        else:
            nothing_here(f"Nobody began to pay {EMPTY}")

with worth:
    if worth.open:
        found = ask(report="ltv")
        both = joined(found.rows, ask(report="arpa").rows)
        if any(row["customers"] for row in both):
            worth_cards(both, span, view)
            report_table(both, WORTH, span.by, span.last, "What a customer is worth by period", view)
            rest(found, "ltv", ("ltv", "arpa"))
        else:
            nothing_here(f"Nobody paid for a subscription {EMPTY}")

with lives:
    if lives.open:
        found = ask(report="survival")
        if found.rows:
            survival_chart(found.rows, view)
            survival_table(found.rows, view)
            rest(found, "survival", ("survival",))
        else:
            nothing_here(f"No subscription began {EMPTY}")

with trials:
    if trials.open:
        found = ask(report="trials")
        if any(row["ended"] for row in found.rows):
            trial_chart(found.rows, span, view)
            report_table(found.rows, TRIALS, span.by, span.last, "Trials by the period in which they ended", view)
            rest(found, "trials", ("trials",))
        else:
            nothing_here(f"No trial ended {EMPTY}")

with recovery:
    if recovery.open:
        found = ask(report="recovery")
        if any(row["failed_minor"] for row in found.rows):
            report_table(found.rows, RECOVERY, span.by, span.last, "Failed payments by period", view)
            rest(found, "recovery", ("recovery",))
        else:
            nothing_here(f"No payment of an invoice failed {EMPTY}")

with outlook:
    if outlook.open:
        found = ask(report="scheduled")
        both = joined(found.rows, ask(report="deferred").rows)
        report_table(both, OUTLOOK, span.by, span.last, "What is contracted, scheduled to end, and deferred", view)
        rest(found, "scheduled", ("scheduled", "deferred"))
