"""Cash by period: what was charged, given back, disputed and kept, guests included.

`native` shows each currency as the buyer saw it; fees and net are what Stripe booked, in the currency
that stands beside them. In one currency the booked amounts count, converted where they were booked in
another; `net = gross - refunds - disputes - fees` by construction, so a row always adds up.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from pipelines.revenue.ledger import NATIVE, Period
from pipelines.revenue.question import Question
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import Row, frame
from pipelines.warehouse import Snapshot

_PARTS = ("gross", "tax", "refunds", "disputes", "fees")
Sums = dict[tuple[date, str], dict[str, int]]


def cash(snapshot: Snapshot, asked: Question) -> Row:
    """Gross (with tax), tax, refunds, disputes, fees and net of each period; every amount that leaves is positive.

    Money that moved is the same under every profile.
    """
    days: dict[str, object] = {"start": asked.date_from, "end": asked.date_to, "account": asked.account}
    cut = asked.periods()
    if asked.currency == NATIVE:
        rows = _native_rows(snapshot, cut, days)
        return frame("cash", snapshot, asked, [], rows)
    rates = load_rates(snapshot)
    sums, unconverted = _converted(snapshot, rates, asked.currency, days)
    rows = [_row(period, asked.currency, _total(sums, period)) for period in cut]
    return frame("cash", snapshot, asked, unconverted, rows)


def _row(period: Period, currency: str, parts: dict[str, int]) -> Row:
    net = parts["gross"] - parts["refunds"] - parts["disputes"] - parts["fees"]
    amounts = {f"{name}_minor": parts[name] for name in _PARTS}
    return {"period": period.start, "currency": currency, **amounts, "net_minor": net}


def _total(days: dict[date, dict[str, int]], period: Period) -> dict[str, int]:
    inside = [parts for day, parts in days.items() if period.start <= day <= period.end]
    return {name: sum(parts[name] for parts in inside) for name in _PARTS}


def _converted(
    snapshot: Snapshot, rates: Rates, currency: str, asked: dict[str, object]
) -> tuple[dict[date, dict[str, int]], list[str]]:
    """Sums by day in one currency; a booked currency without a rate is left out and named."""
    days: dict[date, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_PARTS, 0))
    unconverted: set[str] = set()
    for day, own, *amounts in snapshot.query(BOOKED_BY_DAY, **asked).iter_rows():
        if rates.rate(own, currency, day) is None:
            unconverted.add(own)
            continue
        for name, minor in zip(_PARTS, amounts, strict=True):
            days[day][name] += rates.convert(minor, own, currency, day) or 0
    return days, sorted(unconverted)


def _native_rows(snapshot: Snapshot, cut: list[Period], asked: dict[str, object]) -> list[Row]:
    found = list(snapshot.query(_NATIVE_BY_DAY, **asked).iter_rows())
    pairs = sorted({(own, booked) for _, own, booked, *_ in found})
    rows: list[Row] = []
    for period in cut:
        for own, booked in pairs:
            inside = [
                amounts for day, one, other, *amounts in found
                if (one, other) == (own, booked) and period.start <= day <= period.end
            ]  # fmt: skip
            totals = [sum(column) for column in zip(*inside, strict=True)] or [0] * (len(_PARTS) + 1)
            amounts = {f"{name}_minor": minor for name, minor in zip((*_PARTS, "net"), totals, strict=True)}
            rows.append({"period": period.start, "currency": own, "settlement_currency": booked, **amounts})
    return rows


# What is not booked yet counts in its own currency, without a fee. Tax is a share of what was booked.
BOOKED_BY_DAY = """
with payments as (
    select *, coalesce(tax_minor, 0)::hugeint * settled_minor as numerator
    from marts.fct_payments
    where paid_date between $start and $end and ($account is null or account = $account)
),
booked as (
    select
        paid_date, kind, coalesce(settlement_currency, currency) as booked_currency,
        case when settlement_currency is null then amount_minor else settled_minor end as booked_minor,
        case
            when tax_minor is null or amount_minor = 0 then 0
            when settlement_currency is null or settlement_currency = currency then tax_minor
            else numerator // amount_minor + case
                when 2 * (numerator % amount_minor) > amount_minor then 1
                when 2 * (numerator % amount_minor) = amount_minor then (numerator // amount_minor) % 2
                else 0
            end
        end as tax_minor,
        coalesce(fee_minor, 0) as fee_minor
    from payments
)
select
    paid_date, booked_currency,
    coalesce(sum(booked_minor) filter (kind = 'charge'), 0)::bigint as gross,
    sum(tax_minor)::bigint as tax,
    (-coalesce(sum(booked_minor) filter (kind = 'refund'), 0))::bigint as refunds,
    (-coalesce(sum(booked_minor) filter (kind = 'dispute'), 0))::bigint as disputes,
    sum(fee_minor)::bigint as fees
from booked group by all order by all
"""

_NATIVE_BY_DAY = """
select
    paid_date, currency, coalesce(settlement_currency, currency) as settlement_currency,
    coalesce(sum(amount_minor) filter (kind = 'charge'), 0)::bigint as gross,
    coalesce(sum(tax_minor), 0)::bigint as tax,
    (-coalesce(sum(amount_minor) filter (kind = 'refund'), 0))::bigint as refunds,
    (-coalesce(sum(amount_minor) filter (kind = 'dispute'), 0))::bigint as disputes,
    coalesce(sum(fee_minor), 0)::bigint as fees,
    sum(coalesce(net_minor, amount_minor))::bigint as net
from marts.fct_payments
where paid_date between $start and $end and ($account is null or account = $account)
group by all order by all
"""
