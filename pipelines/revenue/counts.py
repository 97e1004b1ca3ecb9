"""Counts of customers: who pays, who moved, who is lost, and of how many."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TypedDict

from pipelines.revenue.ledger import NATIVE, Ledger, Period
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.warehouse import Snapshot


def ratio(part: int, base: int) -> float | None:
    """A fraction for people, rounded to six decimals; None without a base."""
    return None if base == 0 else round(float(Fraction(part, base)), 6)


class Only(TypedDict):
    """What narrows a count of customers down to the rows of one answer."""

    currency: str | None
    account: str | None
    profile: str


def only(ledger: Ledger, own: str) -> Only:
    """The counts that belong to the rows in the currency `own`."""
    return {
        "currency": own if ledger.currency == NATIVE else None,
        "account": ledger.account,
        "profile": ledger.profile,
    }


def rolling_churn(
    snapshot: Snapshot,
    day: date,
    *,
    currency: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> float | None:
    """Stripe's subscriber churn rate: churned in 30 days / (active before them + new in them)."""
    window = Period(day - timedelta(days=29), day)
    return ratio(*churned_and_base(snapshot, window, {"currency": currency, "account": account, "profile": profile}))


def churned_and_base(snapshot: Snapshot, window: Period, told: Only) -> tuple[int, int]:
    """Losses of customers in the window, and of how many; who came back and left again is lost twice (Stripe)."""
    before = paying_customers(snapshot, window.start - timedelta(days=1), **told)
    people = moved_customers(snapshot, window, **told)
    lost = snapshot.query(_LOST, start=window.start, end=window.end, **told).item()
    return int(lost), before + people.get("new", 0)


def churned_of_opening(snapshot: Snapshot, period: Period, told: Only) -> tuple[int, int]:
    """Customers who churned in the period, whatever became of them and whenever they came, and who paid before it."""
    before = paying_customers(snapshot, period.start - timedelta(days=1), **told)
    return moved_customers(snapshot, period, **told).get("churn", 0), before


def lost_of_opening(snapshot: Snapshot, period: Period, told: Only) -> tuple[int, int]:
    """Customers who paid before the period and no longer at its end, and of how many (ChartMogul).

    So who joined and left inside it, or left and came back, is not lost.
    """
    lost, base = snapshot.query(_LOST_OF_OPENING, start=period.start, end=period.end, **told).row(0)
    return int(lost), int(base)


def paying_customers(
    snapshot: Snapshot,
    day: date,
    *,
    currency: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> int:
    """Stripe customers with a balance above zero in any currency (or in this one) at the end of `day`."""
    found = snapshot.query(
        """
        select count(distinct (account, customer_id)) as customers
        from (
            select account, customer_id, currency, closing_minor from marts.fct_mrr_movements_daily
            where profile = $profile and changed_date <= $day
                and ($currency is null or currency = $currency) and ($account is null or account = $account)
            qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
        )
        where closing_minor > 0
        """,
        day=day,
        currency=currency,
        account=account,
        profile=profile,
    )
    return int(found.item())


def moved_customers(
    snapshot: Snapshot,
    period: Period,
    *,
    currency: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> dict[str, int]:
    """Customers per kind of movement in the period, each counted once per kind."""
    found = snapshot.query(
        """
        select movement, count(distinct (account, customer_id)) as customers from marts.fct_mrr_movements_daily
        where profile = $profile and changed_date between $start and $end
            and ($currency is null or currency = $currency) and ($account is null or account = $account)
        group by movement
        """,
        start=period.start,
        end=period.end,
        currency=currency,
        account=account,
        profile=profile,
    )
    return {str(kind): int(count) for kind, count in found.iter_rows()}


_LOST = """
select count(distinct (account, customer_id, changed_date)) from marts.fct_mrr_movements_daily
where profile = $profile and movement = 'churn' and changed_date between $start and $end
    and ($currency is null or currency = $currency) and ($account is null or account = $account)
"""

_LOST_OF_OPENING = """
with balances as (
    select account, customer_id, currency, changed_date, closing_minor from marts.fct_mrr_movements_daily
    where profile = $profile and changed_date <= $end
        and ($currency is null or currency = $currency) and ($account is null or account = $account)
),
opening as (
    select distinct account, customer_id from (
        select * from balances where changed_date < $start
        qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
    ) where closing_minor > 0
),
closing as (
    select distinct account, customer_id from (
        select * from balances
        qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
    ) where closing_minor > 0
)
select count(*) filter (where closing.account is null), count(*)
from opening left join closing using (account, customer_id)
"""
