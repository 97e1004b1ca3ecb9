"""What is going to end: the MRR of subscriptions whose end was asked for, and what is left without it."""

from __future__ import annotations

from datetime import date

from pipelines.revenue.behind_mrr import items_held
from pipelines.revenue.ledger import Ledger
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, answer
from pipelines.warehouse import Snapshot


def scheduled(snapshot: Snapshot, asked: Question) -> Row:
    """At each period's end: MRR that is scheduled to churn, and contracted MRR, which is all but that."""
    ledger = asked.ledger(snapshot)
    rows: list[Row] = []
    for period in asked.periods():
        leaving = items_leaving(ledger, period.end)
        for own in ledger.currencies():
            going = sum(int(str(item["amount_minor"])) for item in leaving if item["currency"] == own)
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "scheduled_churn_minor": going,
                    "contracted_minor": ledger.balance(period.end, own) - going,
                }
            )
    return answer("scheduled", ledger, asked, rows)


def items_leaving(ledger: Ledger, day: date) -> list[Row]:
    """The items that earn at the end of `day` and whose subscription is to end, each as `explain mrr` shows it."""
    requests = ledger.snapshot.query(OPEN, day=day, account=ledger.account)
    leaving = {(row["account"], row["subscription_id"]): row for row in requests.iter_rows(named=True)}
    return [
        item | {"request": leaving[key]}
        for item in items_held(ledger, day)
        if (key := (item["account"], item["subscription_id"])) in leaving
    ]


OPEN = """
select account, subscription_id, min(requested_at) as requested_at, max(cancels_at) as cancels_at,
    min(event_id) as event_id
from marts.fct_scheduled_cancellations
where requested_date <= $day and (open_until_date is null or open_until_date > $day)
    and ($account is null or account = $account)
group by account, subscription_id
"""
