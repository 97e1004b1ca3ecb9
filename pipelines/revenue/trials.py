"""Trial conversion: of the trials that ended in a period, those whose first invoice was paid."""

from __future__ import annotations

from pipelines.revenue.counts import ratio
from pipelines.revenue.ledger import Period
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, frame
from pipelines.warehouse import Snapshot


def trials(snapshot: Snapshot, asked: Question) -> Row:
    """Trials by the period in which they ended, and how many of them converted, whenever they paid (Stripe's rule)."""
    rows: list[Row] = []
    for period in asked.periods():
        ended = trials_ended(snapshot, period, account=asked.account)
        converted = sum(trial["is_converted"] is True for trial in ended)
        rows.append(
            {
                "period": period.start,
                "currency": asked.currency,
                "ended": len(ended),
                "converted": converted,
                "conversion_rate": ratio(converted, len(ended)),
            }
        )
    return frame("trials", snapshot, asked, [], rows)


def trials_ended(snapshot: Snapshot, period: Period, *, account: str | None = None) -> list[Row]:
    """The trials that ended in these days, by passing or by being canceled."""
    return list(snapshot.query(ENDED, start=period.start, end=period.end, account=account).iter_rows(named=True))


ENDED = """
select account, customer_id, subscription_id, started_at, ended_at, is_canceled, is_converted, invoice_id, converted_at
from marts.fct_trials
where is_over and ended_date between $start and $end and ($account is null or account = $account)
order by ended_at, account, subscription_id
"""
