"""`explain`: the rows behind one number, each with its object, event, rule and time; they add up to it.

The ledger's amounts are exact, the reports' are rounded once per customer, currency and day: each
rounded balance is split over its items by largest remainder. What is converted is split the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from pipelines.errors import UsageError
from pipelines.revenue.ledger import NATIVE, Ledger
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import Row, frame
from pipelines.revenue.shares import split
from pipelines.warehouse import Snapshot

Entry = dict[str, Any]

_LEDGER_TABLES = ("marts.fct_mrr_changes", "marts.fct_mrr_movements_daily", "marts.fct_mrr_daily")
_CASH_TABLES = ("marts.fct_payments",)

RULES = {
    "version": "counted item of an active or past_due subscription: amount per period after counted discounts and "
    "without inclusive tax, brought to a month",
    "invoice": "invoice line after counted discounts and without inclusive tax, brought to a month over its period",
    "charge": "succeeded and captured charge, tax included",
    "refund": "refund that left the balance, or came back when it failed",
    "dispute": "balance transaction of a dispute: withdrawn, or returned after winning",
    "fee": "fee of the balance transaction",
}
"""How the amount of a row came about, by what tells it; the rules in full: docs/revenue.md."""


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
    """Rows behind the figure of `report` on the day `at`, of all customers or of one.

    For `mrr` they add up to `mrr_minor` of that day, for `movements` to the day's movements (all but
    fx), for `cash` to `net_minor`. `--customer` keeps one customer's rows as they are.

    Raises:
        UsageError: a report that can not be explained, a customer that the snapshot does not know.
    """
    ask = _REPORTS.get(report)
    if ask is None:
        raise UsageError(f"explain {report}: only {', '.join(_REPORTS)} can be explained.")
    if customer is not None:
        _check_customer(snapshot, customer)
    ledger = Ledger(snapshot, load_rates(snapshot), currency, account=account, profile=profile)
    found, sql, tables, unconverted = ask(snapshot, ledger, at)
    rows = [row for row in found if customer is None or row["customer_id"] == customer]
    answer = frame(report, snapshot, currency, timezone, unconverted, rows, profile=profile)
    return answer | {
        "report": "explain",
        "of": report,
        "at": at,
        "customer": customer,
        "total_minor": _totals(rows, currency),
        "sql": sql.strip(),
        "parameters": {"day": at, "account": account} | ({} if report == "cash" else {"profile": profile}),
        "checks": checks_of(snapshot, tables),
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


def _totals(rows: Sequence[Row], currency: str) -> object:
    """The sum of the rows: a number in one currency, a number per currency with `native`."""
    if currency != NATIVE:
        return sum(int(str(row["amount_minor"])) for row in rows)
    totals: dict[str, int] = {}
    for row in rows:
        totals[str(row["currency"])] = totals.get(str(row["currency"]), 0) + int(str(row["amount_minor"]))
    return dict(sorted(totals.items()))


Found = tuple[list[Row], str, tuple[str, ...], list[str]]


def items_held(ledger: Ledger, at: date) -> list[Row]:
    """The subscription items with a balance at the end of the day `at`; they add up to its MRR."""
    entries = list(ledger.snapshot.query(_BALANCES, day=at, **ledger.scope).iter_rows(named=True))
    return _ledger_rows(ledger, entries, at)


def _mrr(_snapshot: Snapshot, ledger: Ledger, at: date) -> Found:
    return items_held(ledger, at), _BALANCES, _LEDGER_TABLES, ledger.unconverted


def _movements(snapshot: Snapshot, ledger: Ledger, at: date) -> Found:
    entries = list(snapshot.query(_CHANGES, day=at, **ledger.scope).iter_rows(named=True))
    return _ledger_rows(ledger, entries, at), _CHANGES, _LEDGER_TABLES, ledger.unconverted


def _ledger_rows(ledger: Ledger, entries: list[Entry], at: date) -> list[Row]:
    """Whole amounts: the customer's rounded figure split over the items, then converted as the report does."""
    whole: list[tuple[Entry, int]] = []
    for _, group in groupby(entries, key=lambda one: (one["account"], one["customer_id"], one["currency"])):
        own = list(group)
        whole += zip(own, split(own[0]["whole_minor"], [one["exact_minor"] for one in own]), strict=True)
    if ledger.currency == NATIVE:
        return [_ledger_row(entry, minor, entry["currency"]) for entry, minor in whole]
    return _converted(ledger, whole, at)


def _converted(ledger: Ledger, whole: list[tuple[Entry, int]], at: date) -> list[Row]:
    rows: list[Row] = []

    # The reports convert the sum of each currency (and kind of movement) once: so does this.
    def key(one: tuple[Entry, int]) -> tuple[str, str]:
        return (one[0]["currency"], one[0].get("movement") or "")

    for (own, _), group in groupby(sorted(whole, key=key), key=key):
        if own in ledger.unconverted:
            continue
        some = list(group)
        target = ledger.convert(sum(minor for _, minor in some), own, at)
        factor = ledger.factor(own, at)
        if target is None or factor is None:
            continue
        shares = split(target, [minor * factor for _, minor in some])
        rows += [_ledger_row(entry, share, ledger.currency) for (entry, _), share in zip(some, shares, strict=True)]
    return rows


def _ledger_row(entry: Entry, minor: int, currency: str) -> Row:
    movement = {"movement": entry["movement"]} if "movement" in entry else {}
    return {
        "amount_minor": minor,
        "currency": currency,
        **movement,
        "cause": entry["cause"],
        "rule": RULES[entry["source"]],
        "object_id": entry["object_id"],
        "event_id": entry["event_id"],
        "valid_from": entry["valid_from"],
        "valid_to": entry["valid_to"],
        "customer_id": entry["customer_id"],
        "subscription_id": entry["subscription_id"],
        "subscription_item_id": entry["subscription_item_id"],
        "price_id": entry["price_id"],
        "product_id": entry["product_id"],
        "exact_minor": entry["exact_minor"],
        "native_currency": entry["currency"],
    }


def _cash(snapshot: Snapshot, ledger: Ledger, at: date) -> Found:
    entries = list(snapshot.query(_PAYMENTS, day=at, account=ledger.account).iter_rows(named=True))
    rates = load_rates(snapshot)
    rows: list[Row] = []
    unconverted: set[str] = set()
    for (own, _), group in groupby(entries, key=lambda one: (one["booked_currency"], one["kind"])):
        some = list(group)
        if ledger.currency != NATIVE and rates.rate(own, ledger.currency, at) is None:
            unconverted.add(own)
            continue
        amounts = [int(one["booked_minor"]) for one in some]
        shares = amounts if ledger.currency == NATIVE else _shares(rates, amounts, own, ledger.currency, at)
        currency = own if ledger.currency == NATIVE else ledger.currency
        rows += [_cash_row(entry, share, currency) for entry, share in zip(some, shares, strict=True)]
    return rows, _PAYMENTS, _CASH_TABLES, sorted(unconverted)


def _shares(rates: Rates, amounts: list[int], own: str, currency: str, at: date) -> list[int]:
    target, factor = rates.convert(sum(amounts), own, currency, at), rates.factor(own, currency, at)
    assert target is not None
    assert factor is not None
    return split(target, [minor * factor for minor in amounts])


def _cash_row(entry: Entry, minor: int, currency: str) -> Row:
    return {
        "amount_minor": minor,
        "currency": currency,
        "cause": entry["kind"],
        "rule": RULES[entry["kind"]],
        "object_id": entry["object_id"],
        "event_id": None,
        "valid_from": entry["paid_at"],
        "valid_to": None,
        "customer_id": entry["customer_id"],
        "payment_id": entry["payment_id"],
        "exact_minor": Decimal(entry["booked_minor"]),
        "native_currency": entry["booked_currency"],
    }


# The last change of each item up to the end of the day, with the customer's rounded balance.
_BALANCES = """
with stretches as (
    select *, changed_at as valid_from, lead(changed_at) over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at
    ) as valid_to
    from marts.fct_mrr_changes where profile = $profile and ($account is null or account = $account)
),
held as (
    select * from stretches where changed_date <= $day
    qualify row_number() over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at desc
    ) = 1
),
balances as (
    select account, customer_id, currency, closing_minor from marts.fct_mrr_movements_daily
    where profile = $profile and changed_date <= $day
    qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1
)
select held.account, held.customer_id, held.currency, held.subscription_id, held.subscription_item_id, held.price_id,
    held.product_id, held.mrr_minor as exact_minor, coalesce(balances.closing_minor, 0) as whole_minor,
    held.cause, held.source, held.object_id, held.event_id, held.valid_from, held.valid_to
from held left join balances using (account, customer_id, currency)
where held.mrr_minor <> 0
order by held.account, held.customer_id, held.currency, held.subscription_item_id, held.subscription_id
"""

# Every change of the day, with the customer's rounded movement of that day.
_CHANGES = """
with stretches as (
    select *, changed_at as valid_from, lead(changed_at) over (
        partition by account, subscription_id, subscription_item_id, currency order by changed_at
    ) as valid_to
    from marts.fct_mrr_changes where profile = $profile and ($account is null or account = $account)
)
select changes.account, changes.customer_id, changes.currency, changes.subscription_id, changes.subscription_item_id,
    changes.price_id, changes.product_id, changes.delta_minor as exact_minor, moved.amount_minor as whole_minor,
    moved.movement, changes.cause, changes.source, changes.object_id, changes.event_id, changes.valid_from,
    changes.valid_to
from stretches as changes
join marts.fct_mrr_movements_daily as moved using (profile, account, customer_id, currency, changed_date)
where changes.changed_date = $day
order by changes.account, changes.customer_id, changes.currency, changes.subscription_item_id,
    changes.subscription_id, changes.valid_from
"""

# Each movement of money as it was booked, and its fee as a row of its own.
_PAYMENTS = """
with payments as (
    select *, coalesce(settlement_currency, currency) as booked_currency from marts.fct_payments
    where paid_date = $day and ($account is null or account = $account)
)
select booked_currency, kind, payment_id, object_id, customer_id, paid_at,
    case when settlement_currency is null then amount_minor else settled_minor end as booked_minor
from payments
union all
select booked_currency, 'fee', payment_id, object_id, customer_id, paid_at, -fee_minor
from payments where fee_minor <> 0
order by booked_currency, kind, paid_at, payment_id
"""

_REPORTS: dict[str, Callable[[Snapshot, Ledger, date], Found]] = {
    "mrr": _mrr,
    "movements": _movements,
    "cash": _cash,
}
