"""Reports by period: MRR, its movements, churn. Formulas and their sources: docs/metrics.md and docs/revenue.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from pipelines.revenue.counts import (
    churned_of_opening,
    lost_of_opening,
    moved_customers,
    only,
    paying_customers,
    ratio,
    rolling_churn,
)
from pipelines.revenue.ledger import KINDS, Ledger, Period
from pipelines.revenue.profiles import passing_churns
from pipelines.revenue.question import Question
from pipelines.warehouse import Snapshot

Row = dict[str, object]
RatesOf = Literal["day", "next_day"]


def mrr(snapshot: Snapshot, asked: Question, *, rates_of: RatesOf = "day") -> Row:
    """MRR, ARR and paying customers at the end of each period.

    `rates_of` = `next_day` is Stripe's own way to report a day, to compare with its dashboard: each
    currency's balance converted by the rates that are dated a day later, and rounded before they are summed.
    """
    ledger = asked.ledger(snapshot, rates_ahead=1 if rates_of == "next_day" else None)
    rows: list[Row] = []
    for period in asked.periods():
        for own in ledger.currencies():
            balance = ledger.balance(period.end, own)
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "mrr_minor": balance,
                    "arr_minor": 12 * balance,
                    "customers": paying_customers(snapshot, period.end, **only(ledger, own)),
                }
            )
    return answer("mrr", ledger, asked, rows)


def movements(snapshot: Snapshot, asked: Question) -> Row:
    """Opening + movements + fx = closing for each period; losses are negative.

    Movements are converted at their day's rate; `fx` is what the change of rates alone did to the
    balances, so the row always adds up.
    """
    ledger = asked.ledger(snapshot)
    rows: list[Row] = []
    for period in asked.periods():
        for own in ledger.currencies():
            opening = ledger.balance(period.start - timedelta(days=1), own)
            closing = ledger.balance(period.end, own)
            moved = ledger.moved(period, own)
            people = moved_customers(snapshot, period, **only(ledger, own))
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "opening_minor": opening,
                    **{f"{kind}_minor": moved[kind] for kind in KINDS},
                    "fx_minor": closing - opening - sum(moved.values()),
                    "closing_minor": closing,
                    "new_customers": people.get("new", 0),
                    "churned_customers": people.get("churn", 0),
                    "reactivated_customers": people.get("reactivation", 0),
                }
            )
    return answer("movements", ledger, asked, rows)


def churn(snapshot: Snapshot, asked: Question) -> Row:
    """Churn rates as fractions, null without a base; the window stands in each name.

    `voluntary_mrr_minor` and `involuntary_mrr_minor` are what was lost to churn, as positive amounts:
    together they are the period's churn.
    """
    ledger = asked.ledger(snapshot)
    rows: list[Row] = []
    for period in asked.periods():
        for own in ledger.currencies():
            rows.append(_churn_row(ledger, period, own))
    return answer("churn", ledger, asked, rows)


def _churn_row(ledger: Ledger, period: Period, own: str) -> Row:
    narrowed = only(ledger, own)
    opening = ledger.balance(period.start - timedelta(days=1), own)
    moved, involuntary = ledger.moved(period, own), ledger.involuntary(period, own)
    lost = -(moved["churn"] + moved["contraction"])
    if passing_churns(ledger.snapshot, ledger.profile):
        calendar = churned_of_opening(ledger.snapshot, period, narrowed)
    else:
        calendar = lost_of_opening(ledger.snapshot, period, narrowed)
    return {
        "period": period.start,
        "currency": own,
        "customer_churn_rate_calendar": ratio(*calendar),
        "customer_churn_rate_rolling_30d": rolling_churn(ledger.snapshot, period.end, **narrowed),
        "gross_mrr_churn_rate": ratio(lost, opening),
        "net_mrr_churn_rate": ratio(lost - moved["expansion"] - moved["reactivation"], opening),
        "voluntary_mrr_minor": involuntary - moved["churn"],
        "involuntary_mrr_minor": -involuntary,
    }


def answer(report: str, ledger: Ledger, asked: Question, rows: list[Row]) -> Row:
    """The frame that every revenue answer has (contract, "Revenue answers")."""
    return frame(report, ledger.snapshot, asked, ledger.unconverted, rows)


def frame(report: str, snapshot: Snapshot, asked: Question, unconverted: Sequence[str], rows: list[Row]) -> Row:
    """The same, for reports that need no ledger."""
    return {
        "report": report,
        "profile": asked.profile,
        "currency": asked.currency,
        "timezone": asked.timezone,
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
        "unconverted": list(unconverted),
        "rows": rows,
    }
