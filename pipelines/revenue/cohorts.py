"""Cohorts: everybody who began to pay in one period, and what is left of them in each period after it.

A customer belongs to the cohort of the first positive MRR for good: who stops and comes back stays in it (Stripe).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from pipelines.revenue.held import Holder, balances_held, first_days
from pipelines.revenue.ledger import first_day
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, answer
from pipelines.warehouse import Snapshot


def cohorts(snapshot: Snapshot, asked: Question) -> Row:
    """A row per cohort that began in the days asked for and period since: who still pays at its end, and how much.

    `size` is everybody of the cohort; `period_index` 0 is the period that they began in.
    """
    ledger = asked.ledger(snapshot)
    began = {holder: day for holder, day in first_days(ledger).items() if asked.date_from <= day <= asked.date_to}
    members: dict[tuple[str, date], list[Holder]] = defaultdict(list)
    for holder, day in sorted(began.items()):
        members[holder.currency, first_day(day, asked.by)].append(holder)
    cut = asked.periods()
    held = [balances_held(ledger, period.end) for period in cut]
    rows: list[Row] = []
    for (own, cohort), people in sorted(members.items()):
        since = next(number for number, period in enumerate(cut) if first_day(period.start, asked.by) == cohort)
        for number in range(since, len(cut)):
            kept = [held[number][holder] for holder in people if holder in held[number]]
            rows.append(
                {
                    "period": cut[number].start,
                    "cohort": cohort,
                    "size": len(people),
                    "period_index": number - since,
                    "currency": own,
                    "customers": len(kept),
                    "mrr_minor": sum(kept),
                }
            )
    return answer("cohorts", ledger, asked, rows)
