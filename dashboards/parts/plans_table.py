"""The table of plans: customers, MRR, share."""

from __future__ import annotations

from dashboards.parts.empty import nothing_here
from dashboards.parts.money import money
from dashboards.parts.numbers import count, counted, percent
from dashboards.parts.table import table
from dashboards.queries.plans import Plan
from dashboards.view import View

SHOWN = 6


def plans_table(plans: list[Plan], view: View) -> None:
    """The largest plans, the rest in one row."""
    if not plans:
        nothing_here("Nobody pays for a plan at the end of the last whole day.")
        return
    total = sum(plan.mrr_minor for plan in plans)
    shown, rest = plans[:SHOWN], plans[SHOWN:]
    rows: list[tuple[str, int | None, int]] = [(plan.name, plan.customers, plan.mrr_minor) for plan in shown]
    if rest:
        # A customer may have several plans, so the rest's customers are not added up.
        rows.append((counted(len(rest), "more plan"), None, sum(plan.mrr_minor for plan in rest)))
    table(
        ("Plan", "Customers", "MRR", "Share"),
        [
            (name, count(customers), money(minor, view.currency), percent(minor / total if total else None))
            for name, customers, minor in rows
        ],
        numbers=("Customers", "MRR", "Share"),
        caption="Plans by monthly recurring revenue",
        colours=view.colours,
    )
