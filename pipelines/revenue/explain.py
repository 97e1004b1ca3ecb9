"""`explain`: the rows behind one number of a report, each with its object, event, rule and time; they add up to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from pipelines.errors import UsageError
from pipelines.revenue import behind_billing, behind_cash, behind_mrr, behind_ratios
from pipelines.revenue.behind import Behind
from pipelines.revenue.ledger import KINDS, NATIVE, Ledger
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, frame
from pipelines.warehouse import Snapshot


def explain(
    snapshot: Snapshot,
    report: str,
    *,
    at: date,
    customer: str | None = None,
    currency: str,
    timezone: str,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> Row:
    """Rows behind the figures of `report` on the day `at`, of all customers or of one.

    A balance (`mrr`, `arpa`, `ltv`, `cohorts`, `scheduled`, `deferred`) is that of the end of the day, `movements` and
    `cash` are those of the day, the rates (`churn`, `nrr`, `quick_ratio`, `trials`, `recovery`) those of its month up
    to it, `survival` that of the year; `period` says which days. Each row names the `figure` that it counts for, and
    `figures` has their sums. `--customer` keeps one customer's rows as they are.

    Raises:
        UsageError: a report that can not be explained, a customer that the snapshot does not know.
    """
    if report not in REPORTS:
        raise UsageError(f"explain {report}: only {', '.join(REPORTS)} can be explained.")
    if customer is not None:
        _check_customer(snapshot, customer)
    asked = Question(at, at, by="day", currency=currency, timezone=timezone, account=account, profile=profile)
    behind = REPORTS[report](asked.ledger(snapshot), at, timezone)
    rows = [row for row in behind.rows if customer is None or row["customer_id"] == customer]
    answer = frame(report, snapshot, asked, behind.unconverted, rows)
    return answer | {
        "report": "explain",
        "of": report,
        "at": at,
        "period": {"first": behind.period.start, "last": behind.period.end},
        "customer": customer,
        "total_minor": _total(rows, currency) if _is_one_sum(behind.rows) else None,
        "figures": _figures(rows),
        "sql": behind.sql.strip(),
        "parameters": dict(behind.parameters),
        "checks": checks_of(snapshot, behind.tables),
    }


def checks_of(snapshot: Snapshot, tables: Sequence[str]) -> list[Row]:
    """The checks that guarded these tables when the snapshot was published, with what they said."""
    if not snapshot.has("health.checks"):
        return []
    names = [name.split(".")[1] for name in tables]
    found = snapshot.query(
        "select name, table_name as table, is_passed, failing_rows, checked_at from health.checks "
        "where list_contains($names, split_part(table_name, '.', -1)) order by table_name, name",
        names=names,
    )
    return list(found.iter_rows(named=True))


def _check_customer(snapshot: Snapshot, customer: str) -> None:
    known = snapshot.query(
        """
        select 1 from marts.dim_customers where list_contains(stripe_customer_ids, $customer)
        union all select 1 from marts.fct_mrr_changes where customer_id = $customer
        union all select 1 from marts.fct_payments where customer_id = $customer
        limit 1
        """,
        customer=customer,
    )
    if known.is_empty():
        raise UsageError(f"--customer {customer}: this snapshot knows no Stripe customer of that id.")


def _is_one_sum(rows: Sequence[Row]) -> bool:
    """Whether all rows add up to one number: those of one figure, or the movements of a day."""
    figures = {str(row["figure"]) for row in rows}
    return (len(figures) <= 1 or figures <= _MOVEMENTS) and all(row["amount_minor"] is not None for row in rows)


def _total(rows: Sequence[Row], currency: str) -> object:
    """The sum of all rows: a number in one currency, a number per currency with `native`."""
    if currency != NATIVE:
        return sum(int(str(row["amount_minor"] or 0)) for row in rows)
    totals: dict[str, int] = {}
    for row in rows:
        if row["amount_minor"] is not None:
            totals[str(row["currency"])] = totals.get(str(row["currency"]), 0) + int(str(row["amount_minor"]))
    return dict(sorted(totals.items()))


def _figures(rows: Sequence[Row]) -> list[Row]:
    """What the rows of each figure come to, by currency; where they have no amounts, how many they are."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        total = sums.setdefault((str(row["figure"]), str(row["currency"] or "")), [0, 0])
        total[0] += int(str(row["amount_minor"] or 0))
        total[1] += 1
    return [
        {"figure": figure, "currency": own or None, "amount_minor": minor if own else None, "rows": count}
        for (figure, own), (minor, count) in sums.items()
    ]


def _of_ledger(ask: Callable[[Ledger, date], Behind]) -> Callable[[Ledger, date, str], Behind]:
    return lambda ledger, at, _timezone: ask(ledger, at)


_MOVEMENTS = {f"{kind}_minor" for kind in KINDS}
REPORTS: dict[str, Callable[[Ledger, date, str], Behind]] = {
    "mrr": _of_ledger(behind_mrr.mrr),
    "movements": _of_ledger(behind_mrr.movements),
    "churn": _of_ledger(behind_ratios.churn),
    "nrr": _of_ledger(behind_ratios.nrr),
    "quick_ratio": _of_ledger(behind_ratios.quick_ratio),
    "arpa": _of_ledger(behind_ratios.arpa),
    "ltv": _of_ledger(behind_ratios.ltv),
    "cohorts": _of_ledger(behind_ratios.cohorts),
    "survival": behind_billing.survival,
    "trials": _of_ledger(behind_billing.trials),
    "recovery": _of_ledger(behind_billing.recovery),
    "scheduled": _of_ledger(behind_billing.scheduled),
    "deferred": behind_billing.deferred,
    "cash": _of_ledger(behind_cash.cash),
}
"""The reports whose numbers can be explained; `timezone` says when their days end."""
