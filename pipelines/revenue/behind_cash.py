"""The rows behind cash: every movement of money of a day as it was booked, each fee by itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import groupby

from pipelines.revenue.behind import Behind, currency_of, row_of, shares_booked
from pipelines.revenue.ledger import Ledger, Period
from pipelines.revenue.reports import Row

TABLES = ("marts.fct_payments",)
RULES = {
    "charge": "succeeded and captured charge, tax included",
    "refund": "refund that left the balance, or came back when it failed",
    "dispute": "balance transaction of a dispute: withdrawn, or returned after winning",
    "fee": "fee of the balance transaction",
}


def cash(ledger: Ledger, at: date) -> Behind:
    """The payments of a day; they add up to its net."""
    asked = {"day": at, "account": ledger.account}
    entries = list(ledger.snapshot.query(PAYMENTS, **asked).iter_rows(named=True))
    rows: list[Row] = []
    unconverted: set[str] = set()
    for (own, kind), group in groupby(entries, key=lambda one: (one["booked_currency"], one["kind"])):
        some = list(group)
        shares = shares_booked(ledger, [int(one["booked_minor"]) for one in some], own, at)
        if shares is None:
            unconverted.add(own)
            continue
        rows += [
            row_of(
                entry,
                "net_minor",
                amount=share,
                currency=currency_of(ledger, own),
                cause=kind,
                rule=RULES[kind],
                object_id=entry["object_id"],
                since=entry["paid_at"],
                payment_id=entry["payment_id"],
                exact_minor=Decimal(entry["booked_minor"]),
                native_currency=own,
            )
            for entry, share in zip(some, shares, strict=True)
        ]
    return Behind(Period(at, at), rows, PAYMENTS, asked, TABLES, sorted(unconverted))


PAYMENTS = """
with payments as (
    select *, coalesce(settlement_currency, currency) as booked_currency from marts.fct_payments
    where paid_date = $day and ($account is null or account = $account)
)
select account, booked_currency, kind, payment_id, object_id, customer_id, paid_at,
    case when settlement_currency is null then amount_minor else settled_minor end as booked_minor
from payments
union all
select account, booked_currency, 'fee', payment_id, object_id, customer_id, paid_at, -fee_minor
from payments where fee_minor <> 0
order by booked_currency, kind, paid_at, payment_id
"""
