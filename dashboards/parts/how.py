"""How the revenue figures are computed: their definitions, the command with the same answer, the rows and SQL."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboards.parts.money import money
from dashboards.parts.numbers import count
from dashboards.parts.revenue_filters import Filters
from dashboards.parts.table import table
from dashboards.parts.words import small
from dashboards.queries.explained import Explained
from dashboards.view import View

MRR = (
    ("MRR", "What active and past due subscriptions are worth by the month, after counted discounts, without tax."),
    ("New", "MRR of customers who never paid before."),
    ("Expansion", "MRR that paying customers added: upgrades, seats, the end of a discount."),
    ("Reactivation", "MRR of customers who had paid, had stopped, and pay again."),
    ("Contraction", "MRR that paying customers took away and still pay something."),
    ("Churn", "MRR of customers who stopped paying."),
    ("Exchange rates", "What the change of rates alone did to balances; nothing where all is in one currency."),
    ("Closing", "Opening + new + expansion + reactivation + contraction + churn + exchange rates."),
)
CASH = (
    ("Gross", "Charges that succeeded and were captured, tax included, guests included."),
    ("Refunds", "Money given back, by the day of the refund."),
    ("Disputes", "Money that banks took back, less what was won again."),
    ("Fees", "What Stripe kept."),
    ("Net", "Gross - refunds - disputes - fees."),
)


def how(
    definitions: tuple[tuple[str, str], ...], report: str, ask: Callable[[], Explained], view: View, filters: Filters
) -> None:
    """The expander; its rows are asked for once it is open."""
    opened = st.expander("How is this computed?", key=f"how-{report}", bind="query-params")
    with opened:
        if not opened.open:
            return
        span = filters.span
        table(("Figure", "Definition"), definitions, caption="Definitions of the figures", colours=view.colours)
        found = ask()
        passed = "all passed" if not found.failing else "failing: " + ", ".join(found.failing)
        what = "MRR" if report == "movements" else "net cash"
        small(
            f"{count(found.row_count)} rows stand behind {what} of {span.last}: they add up to "
            f"{money(found.total_minor, filters.currency)}. {count(found.checks)} checks guard them, {passed}.",
            view.colours,
        )
        asked = f"--from {span.first} --to {span.last} --by {span.by} --currency {filters.currency}"
        of = "mrr" if report == "movements" else report
        why = f"millstream explain {of} --at {span.last} --currency {filters.currency}"
        st.code(f"millstream revenue {report} {asked}\n{why}", language="bash", wrap_lines=True)
        st.code(found.sql, language="sql")
