"""Deferred revenue: what was paid for time that has not come yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipelines.revenue.ledger import NATIVE
from pipelines.revenue.question import Question
from pipelines.revenue.rates import load_rates
from pipelines.revenue.reports import Row, frame
from pipelines.warehouse import Snapshot


def deferred(snapshot: Snapshot, asked: Question) -> Row:
    """At each period's end, the part of what was invoiced and paid by then that is for the time after it.

    Each line is spread evenly over its time of service, without tax; of an invoice that was refunded in part, each line
    is less by that part. Each currency's sum is converted at the rate of the day.
    """
    rates = load_rates(snapshot)
    rows: list[Row] = []
    unconverted: set[str] = set()
    cut = asked.periods()
    sums = [
        _sums(lines_deferred(snapshot, period.end, timezone=asked.timezone, account=asked.account)) for period in cut
    ]
    known = sorted({own for some in sums for own in some})
    for period, some in zip(cut, sums, strict=True):
        if asked.currency == NATIVE:
            rows += [_row(period.start, own, some.get(own, 0)) for own in known]
            continue
        converted = {own: rates.convert(minor, own, asked.currency, period.end) for own, minor in some.items()}
        unconverted |= {own for own, minor in converted.items() if minor is None}
        rows.append(_row(period.start, asked.currency, sum(minor or 0 for minor in converted.values())))
    return frame("deferred", snapshot, asked, sorted(unconverted), rows)


def lines_deferred(snapshot: Snapshot, day: date, *, timezone: str, account: str | None = None) -> list[Row]:
    """The paid invoice lines that still owe service after the end of `day`, each with its `deferred_minor`."""
    asked = {"day": day, "day_end": end_of_day(day, timezone), "account": account}
    return [row | {"deferred_minor": _deferred(row)} for row in snapshot.query(LINES, **asked).iter_rows(named=True)]


def end_of_day(day: date, timezone: str) -> datetime:
    """The moment at which a day of the reporting zone is over, in UTC and without a zone, as the marts have it."""
    return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(timezone)).astimezone(UTC).replace(tzinfo=None)


def _deferred(line: dict[str, int]) -> int:
    whole, left = line["whole_seconds"], line["left_seconds"]
    total, kept = line["invoice_total_minor"], line["invoice_total_minor"] - line["refunded_minor"]
    if total <= 0:
        total = kept = 1
    return half_even(line["net_minor"] * left * max(kept, 0), whole * total)


def half_even(numerator: int, denominator: int) -> int:
    """A quotient rounded to the nearest whole number, ties to the even one; the denominator is above 0."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _sums(lines: list[Row]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        own = str(line["currency"])
        sums[own] = sums.get(own, 0) + int(str(line["deferred_minor"]))
    return sums


def _row(first: date, currency: str, minor: int) -> Row:
    return {"period": first, "currency": currency, "deferred_minor": minor}


LINES = """
with refunds as (
    select account, invoice_id, (-sum(amount_minor))::bigint as refunded_minor
    from marts.fct_payments where kind = 'refund' and invoice_id is not null and paid_date <= $day group by all
)
select lines.account, customer_id, subscription_id, subscription_item_id, lines.invoice_id, line_id, currency,
    net_minor, invoice_total_minor, coalesce(refunded_minor, 0)::bigint as refunded_minor,
    period_started_at, period_ended_at,
    date_diff('second', period_started_at, period_ended_at)::bigint as whole_seconds,
    date_diff('second', greatest(period_started_at, $day_end::timestamp), period_ended_at)::bigint as left_seconds
from marts.fct_invoice_lines as lines left join refunds using (account, invoice_id)
where is_paid and paid_date <= $day and period_ended_at > $day_end::timestamp and period_ended_at > period_started_at
    and (subscription_ended_at is null or subscription_ended_at > $day_end::timestamp)
    and ($account is null or lines.account = $account)
order by currency, lines.account, lines.invoice_id, line_id
"""
