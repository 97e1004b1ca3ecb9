"""Reports by period: MRR, its movements, churn. Formulas and their sources: docs/metrics.md and docs/revenue.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, TypedDict

from pipelines.revenue.ledger import KINDS, NATIVE, Grain, Ledger, Period, periods
from pipelines.revenue.profiles import DEFAULT_PROFILE, passing_churns
from pipelines.revenue.rates import load_rates
from pipelines.warehouse import Snapshot

Row = dict[str, object]
RatesOf = Literal["day", "next_day"]


def mrr(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
    rates_of: RatesOf = "day",
) -> Row:
    """MRR, ARR and paying customers at the end of each period.

    `rates_of` = `next_day` is Stripe's own way to report a day, to compare with its dashboard: each
    currency's balance converted by the rates that are dated a day later, and rounded before they are summed.
    """
    ledger = Ledger(
        snapshot,
        load_rates(snapshot, ahead=1 if rates_of == "next_day" else 0),
        currency,
        account=account,
        profile=profile,
    )
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
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
    return answer("mrr", ledger, timezone, rows)


def movements(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> Row:
    """Opening + movements + fx = closing for each period; losses are negative.

    Movements are converted at their day's rate; `fx` is what the change of rates alone did to the
    balances, so the row always adds up.
    """
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account, profile=profile)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
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
    return answer("movements", ledger, timezone, rows)


def churn(
    snapshot: Snapshot,
    *,
    date_from: date,
    date_to: date,
    by: Grain,
    currency: str,
    timezone: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> Row:
    """Churn rates as fractions, null without a base; the window stands in each name.

    `voluntary_mrr_minor` and `involuntary_mrr_minor` are what was lost to churn, as positive amounts:
    together they are the period's churn.
    """
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account, profile=profile)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        for own in ledger.currencies():
            rows.append(_churn_row(ledger, period, own))
    return answer("churn", ledger, timezone, rows)


def _churn_row(ledger: Ledger, period: Period, own: str) -> Row:
    narrowed = only(ledger, own)
    opening = ledger.balance(period.start - timedelta(days=1), own)
    moved, involuntary = ledger.moved(period, own), ledger.involuntary(period, own)
    lost = -(moved["churn"] + moved["contraction"])
    before = paying_customers(ledger.snapshot, period.start - timedelta(days=1), **narrowed)
    if passing_churns(ledger.snapshot, ledger.profile):
        churned = moved_customers(ledger.snapshot, period, **narrowed).get("churn", 0)
    else:
        churned = lost_customers(ledger.snapshot, period, **narrowed)
    return {
        "period": period.start,
        "currency": own,
        "customer_churn_rate_calendar": ratio(churned, before),
        "customer_churn_rate_rolling_30d": rolling_churn(ledger.snapshot, period.end, **narrowed),
        "gross_mrr_churn_rate": ratio(lost, opening),
        "net_mrr_churn_rate": ratio(lost - moved["expansion"] - moved["reactivation"], opening),
        "voluntary_mrr_minor": involuntary - moved["churn"],
        "involuntary_mrr_minor": -involuntary,
    }


def answer(report: str, ledger: Ledger, timezone: str, rows: list[Row]) -> Row:
    """The frame that every revenue answer has (contract, "Revenue answers")."""
    return frame(report, ledger.snapshot, ledger.currency, timezone, ledger.unconverted, rows, profile=ledger.profile)


def frame(
    report: str,
    snapshot: Snapshot,
    currency: str,
    timezone: str,
    unconverted: Sequence[str],
    rows: list[Row],
    *,
    profile: str,
) -> Row:
    """The same, for reports that need no ledger."""
    return {
        "report": report,
        "profile": profile,
        "currency": currency,
        "timezone": timezone,
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
        "unconverted": list(unconverted),
        "rows": rows,
    }


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
    told: Only = {"currency": currency, "account": account, "profile": profile}
    people = moved_customers(snapshot, window, **told)
    before = paying_customers(snapshot, window.start - timedelta(days=1), **told)
    return ratio(people.get("churn", 0), before + people.get("new", 0))


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


def lost_customers(
    snapshot: Snapshot,
    period: Period,
    *,
    currency: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> int:
    """Customers who paid at the start of the period and no longer do at its end."""
    found = snapshot.query(
        """
        with balances as (
            select account, customer_id, currency, closing_minor,
                changed_date >= $start as is_inside
            from marts.fct_mrr_movements_daily
            where profile = $profile and changed_date <= $end
                and ($currency is null or currency = $currency) and ($account is null or account = $account)
            qualify row_number() over (
                partition by account, customer_id, currency, is_inside order by changed_date desc
            ) = 1
        ),
        sides as (
            select account, customer_id, currency,
                max(closing_minor) filter (where not is_inside) as before_minor,
                max(closing_minor) filter (where is_inside) as inside_minor
            from balances group by all
        ),
        customers as (
            select account, customer_id, sum(coalesce(before_minor, 0)) as before_minor,
                sum(coalesce(inside_minor, before_minor, 0)) as after_minor
            from sides group by all
        )
        select count(*) from customers where before_minor > 0 and after_minor <= 0
        """,
        start=period.start,
        end=period.end,
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
