"""The rows behind reports that follow from MRR: churn, NRR, quick ratio, revenue per customer, value, cohorts."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.revenue.behind import Behind, month_until
from pipelines.revenue.behind_mrr import BALANCES, CHANGES, TABLES, changes_behind, changes_of, items_held, items_of
from pipelines.revenue.held import balances_held, first_days
from pipelines.revenue.ledger import Ledger, Period
from pipelines.revenue.ltv import churn_rule, months_before
from pipelines.revenue.ratios import GAINS
from pipelines.revenue.retained import held_at_both_ends

_BEFORE = BALANCES.replace("$day", "$before")


def churn(ledger: Ledger, at: date) -> Behind:
    """What was held before the month, and every change of the month up to the day."""
    period = month_until(at)
    before = period.start - timedelta(days=1)
    rows = [row | {"figure": "opening_minor"} for row in items_held(ledger, before)]
    rows += changes_of(ledger, period, lambda kind: f"{kind}_minor")
    asked = {"before": before, "start": period.start, "end": period.end, **ledger.scope}
    return Behind(period, rows, f"{_BEFORE.strip()};\n\n{CHANGES.strip()}", asked, TABLES, ledger.unconverted)


def nrr(ledger: Ledger, at: date) -> Behind:
    """What was held before the month, and what of it its customers hold at the end of the day."""
    period = month_until(at)
    before = period.start - timedelta(days=1)
    opening, closing = held_at_both_ends(ledger, period)
    rows = items_of(ledger, before, opening, "opening_minor", rates_of=before)
    rows += items_of(ledger, at, closing, "retained_minor", rates_of=before)
    asked = {"before": before, "day": at, **ledger.scope}
    return Behind(period, rows, f"{_BEFORE.strip()};\n\n{BALANCES.strip()}", asked, TABLES, ledger.unconverted)


def quick_ratio(ledger: Ledger, at: date) -> Behind:
    """Every change of the month up to the day; what was lost as a positive amount, as the report has it."""
    found = changes_behind(ledger, month_until(at), lambda kind: "gained_minor" if kind in GAINS else "lost_minor")
    rows = [
        row | {"amount_minor": -int(str(row["amount_minor"]))} if row["figure"] == "lost_minor" else row
        for row in found.rows
    ]
    return Behind(found.period, rows, found.sql, found.parameters, found.tables, found.unconverted)


def arpa(ledger: Ledger, at: date) -> Behind:
    """The items that make up MRR: divided by their customers they are the figure."""
    rows = items_of(ledger, at, balances_held(ledger, at), "mrr_minor", rates_of=at)
    return Behind(Period(at, at), rows, BALANCES, {"day": at, **ledger.scope}, TABLES, ledger.unconverted)


def ltv(ledger: Ledger, at: date) -> Behind:
    """The items that make up MRR, and the churn under the formula's rate."""
    if churn_rule(ledger) == "rolling_30d":
        window = Period(at - timedelta(days=29), at)
    else:
        months = months_before(at)
        window = Period(months[0].start, months[-1].end)
    rows = arpa(ledger, at).rows
    rows += [row for row in changes_of(ledger, window, lambda kind: f"{kind}_minor") if row["movement"] == "churn"]
    asked = {"day": at, "start": window.start, "end": window.end, **ledger.scope}
    return Behind(window, rows, f"{BALANCES.strip()};\n\n{CHANGES.strip()}", asked, TABLES, ledger.unconverted)


def cohorts(ledger: Ledger, at: date) -> Behind:
    """The items that make up MRR, each with the cohort (by month) of its customer."""
    began = {(holder.account, holder.customer_id): day for holder, day in first_days(ledger).items()}
    rows = [
        row | {"cohort": began[str(row["account"]), str(row["customer_id"])].replace(day=1)}
        for row in arpa(ledger, at).rows
    ]
    return Behind(month_until(at), rows, BALANCES, {"day": at, **ledger.scope}, TABLES, ledger.unconverted)
