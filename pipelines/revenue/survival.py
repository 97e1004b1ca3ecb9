"""How long subscriptions last: the Kaplan-Meier curve of those that began in the days asked for."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pipelines.revenue.kaplan_meier import kaplan_meier
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, frame
from pipelines.revenue.summary import last_whole_day
from pipelines.warehouse import Snapshot


class Life(NamedTuple):
    """One subscription: `days` in sight, and whether it ended then or only went out of sight."""

    account: str
    customer_id: str
    subscription_id: str
    started_at: datetime
    ended_at: datetime | None
    end_cause: str | None
    is_end: bool
    days: int


def survival(snapshot: Snapshot, asked: Question) -> Row:
    """The share of subscriptions that still earn after so many days, with a band of 95 %.

    A subscription lives from its first MRR to the day on which its MRR went to zero for good; one that lived on at the
    end of `date_to` went out of sight then. A pause of the collection ends none.
    """
    lives = lifetimes(snapshot, asked)
    rows: list[Row] = [
        {
            "period": asked.date_from,
            "currency": asked.currency,
            "day": step.day,
            "at_risk": step.at_risk,
            "survival": round(step.survival, 6),
            "lower": None if step.lower is None else round(step.lower, 6),
            "upper": None if step.upper is None else round(step.upper, 6),
        }
        for step in kaplan_meier((life.days, life.is_end) for life in lives)
    ]
    return frame("survival", snapshot, asked, [], rows)


def lifetimes(snapshot: Snapshot, asked: Question) -> list[Life]:
    """Every subscription that began in these days: how long it was in sight, and whether it ended then."""
    last = min(asked.date_to, last_whole_day(snapshot, asked.timezone))
    found = snapshot.query(LIVES, start=asked.date_from, end=last, account=asked.account, profile=asked.profile)
    return [Life(**row) for row in found.iter_rows(named=True)]


LIVES = """
select account, customer_id, subscription_id, started_at, ended_at, end_cause,
    coalesce(ended_date <= $end, false) as is_end,
    date_diff('day', started_date, case when ended_date <= $end then ended_date else $end end)::bigint as days
from marts.fct_subscription_lifetimes
where profile = $profile and started_date between $start and $end and ($account is null or account = $account)
order by days, account, subscription_id
"""
