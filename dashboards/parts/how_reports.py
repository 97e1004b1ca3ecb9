"""How the figures of the subscriptions page are computed: definitions, the commands with the same answers, the SQL."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards.parts.numbers import count
from dashboards.parts.revenue_filters import Filters
from dashboards.parts.table import table
from dashboards.parts.words import small
from dashboards.queries.reports import guarded
from dashboards.view import View
from pipelines.warehouse import Snapshot

WITHOUT_MONEY = ("survival", "trials")
DEFINITIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "nrr": (
        ("Opening", "MRR before the period."),
        ("Retained", "MRR at its end of the customers who paid before it, at the exchange rates of its start."),
        ("NRR", "Retained / opening."),
        ("GRR", "The same, where no customer counts for more than before."),
        ("Quick ratio", "(New + expansion + reactivation) / (contraction + churn)."),
    ),
    "cohorts": (
        ("Cohort", "Customers by the period of their first MRR; who comes back stays in it."),
        ("Cell", "The share of its customers that pay at the end of a later period, or of its first MRR that is left."),
    ),
    "ltv": (
        ("ARPA", "MRR / paying customers at the end of the period."),
        ("Churn rate", "Customers lost in 30 days / (paying before them + new in them)."),
        ("LTV", "ARPA / churn rate; nothing where nobody churned."),
        ("Observed LTV", "MRR of every month's end so far / customers who ever paid."),
    ),
    "survival": (
        ("Still subscribed", "Kaplan-Meier estimate for subscriptions that began in these days."),
        ("At least, at most", "Bounds of 95 %: Greenwood's variance on the log(-log) scale."),
    ),
    "trials": (
        ("Ended", "Trials that passed or were canceled in the period."),
        ("Converted", "Those that passed, were not canceled, and whose first invoice was paid."),
    ),
    "recovery": (
        ("Failed", "What was due on invoices whose payment first failed in the period."),
        ("Recovered", "The part of it that was paid since."),
        ("Median", "Days from the first failure to the payment."),
    ),
    "scheduled": (
        ("Scheduled churn", "MRR of subscriptions whose end is asked for and has not come."),
        ("Contracted MRR", "MRR less scheduled churn."),
        ("Deferred revenue", "What was invoiced and paid for service after the end of the period, without tax."),
    ),
}


def how_reported(reports: Sequence[str], snapshot: Snapshot, view: View, filters: Filters) -> None:
    """The expander of a tab; what stands behind its first report is asked for once it is open."""
    main = reports[0]
    opened = st.expander("How is this computed?", key=f"how-{main}", bind="query-params")
    with opened:
        if not opened.open:
            return
        table(("Figure", "Definition"), DEFINITIONS[main], caption="Definitions of the figures", colours=view.colours)
        span = filters.span
        found = guarded(snapshot, report=main, day=span.last, currency=filters.currency, timezone=view.zone)
        passed = "all passed" if not found.failing else "failing: " + ", ".join(found.failing)
        small(
            f"{count(found.row_count)} rows stand behind {main} from {found.first} to {found.last}. "
            f"{count(found.checks)} checks guard them, {passed}.",
            view.colours,
        )
        st.code("\n".join(_commands(reports, filters)), language="bash", wrap_lines=True)
        st.code(found.sql, language="sql")


def _commands(reports: Sequence[str], filters: Filters) -> list[str]:
    span = filters.span
    lines: list[str] = []
    for report in reports:
        by = "" if report == "survival" else f" --by {span.by}"
        money = "" if report in WITHOUT_MONEY else f" --currency {filters.currency}"
        lines.append(f"millstream revenue {report} --from {span.first} --to {span.last}{by}{money}")
    money = "" if reports[0] in WITHOUT_MONEY else f" --currency {filters.currency}"
    return [*lines, f"millstream explain {reports[0]} --at {span.last}{money}"]
