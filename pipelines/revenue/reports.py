"""Reports by period: MRR, its movements, churn. Formulas and their sources: docs/metrics.md."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from pipelines.revenue.ledger import KINDS, Grain, Ledger, Period, periods
from pipelines.revenue.rates import load_rates
from pipelines.warehouse import Snapshot

Row = dict[str, object]
PROFILE = "stripe"


def mrr(snapshot: Snapshot, *, date_from: date, date_to: date, by: Grain, currency: str, timezone: str) -> Row:
    """MRR, ARR and paying customers at the end of each period."""
    ledger = Ledger(snapshot, load_rates(snapshot), currency)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        balance = ledger.balance(period.end)
        rows.append(
            {
                "period": period.start,
                "currency": currency,
                "mrr_minor": balance,
                "arr_minor": 12 * balance,
                "customers": paying_customers(snapshot, period.end),
            }
        )
    return answer("mrr", snapshot, ledger, timezone, rows)


def movements(snapshot: Snapshot, *, date_from: date, date_to: date, by: Grain, currency: str, timezone: str) -> Row:
    """Opening + movements + fx = closing for each period; losses are negative.

    Movements are converted at their day's rate; `fx` is what the change of rates alone did to the
    balances, so the row always adds up.
    """
    ledger = Ledger(snapshot, load_rates(snapshot), currency)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        opening, closing = ledger.balance(period.start - timedelta(days=1)), ledger.balance(period.end)
        moved = ledger.moved(period)
        people = moved_customers(snapshot, period)
        rows.append(
            {
                "period": period.start,
                "currency": currency,
                "opening_minor": opening,
                **{f"{kind}_minor": moved[kind] for kind in KINDS},
                "fx_minor": closing - opening - sum(moved.values()),
                "closing_minor": closing,
                "new_customers": people.get("new", 0),
                "churned_customers": people.get("churn", 0),
                "reactivated_customers": people.get("reactivation", 0),
            }
        )
    return answer("movements", snapshot, ledger, timezone, rows)


def churn(snapshot: Snapshot, *, date_from: date, date_to: date, by: Grain, currency: str, timezone: str) -> Row:
    """Churn rates as fractions, null without a base; the window stands in each name."""
    ledger = Ledger(snapshot, load_rates(snapshot), currency)
    rows: list[Row] = []
    for period in periods(date_from, date_to, by):
        opening = ledger.balance(period.start - timedelta(days=1))
        moved = ledger.moved(period)
        lost = -(moved["churn"] + moved["contraction"])
        before = paying_customers(snapshot, period.start - timedelta(days=1))
        rows.append(
            {
                "period": period.start,
                "currency": currency,
                "customer_churn_rate_calendar": ratio(moved_customers(snapshot, period).get("churn", 0), before),
                "customer_churn_rate_rolling_30d": rolling_churn(snapshot, period.end),
                "gross_mrr_churn_rate": ratio(lost, opening),
                "net_mrr_churn_rate": ratio(lost - moved["expansion"] - moved["reactivation"], opening),
            }
        )
    return answer("churn", snapshot, ledger, timezone, rows)


def answer(report: str, snapshot: Snapshot, ledger: Ledger, timezone: str, rows: list[Row]) -> Row:
    """The frame that every revenue answer has (contract, "Revenue answers")."""
    return {
        "report": report,
        "profile": PROFILE,
        "currency": ledger.currency,
        "timezone": timezone,
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
        "unconverted": ledger.unconverted,
        "rows": rows,
    }


def ratio(part: int, base: int) -> float | None:
    """A fraction for people, rounded to six decimals; None without a base."""
    return None if base == 0 else round(float(Fraction(part, base)), 6)


def rolling_churn(snapshot: Snapshot, day: date) -> float | None:
    """Stripe's subscriber churn rate: churned in 30 days / (active before them + new in them)."""
    window = Period(day - timedelta(days=29), day)
    people = moved_customers(snapshot, window)
    base = paying_customers(snapshot, window.start - timedelta(days=1)) + people.get("new", 0)
    return ratio(people.get("churn", 0), base)


def paying_customers(snapshot: Snapshot, day: date) -> int:
    """Stripe customers with a balance above zero in any currency at the end of `day`."""
    found = snapshot.query(
        """
        select count(distinct (account, customer_id)) as customers
        from (
            select account, customer_id, currency, closing_minor from marts.fct_mrr_movements_daily
            where changed_date <= $day
            qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
        )
        where closing_minor > 0
        """,
        day=day,
    )
    return int(found.item())


def moved_customers(snapshot: Snapshot, period: Period) -> dict[str, int]:
    """Customers per kind of movement in the period, each counted once per kind."""
    found = snapshot.query(
        """
        select movement, count(distinct (account, customer_id)) as customers from marts.fct_mrr_movements_daily
        where changed_date between $start and $end group by movement
        """,
        start=period.start,
        end=period.end,
    )
    return {str(kind): int(count) for kind, count in found.iter_rows()}
