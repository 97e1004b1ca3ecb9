"""Failed payments and what came of them: by the day on which an invoice's payment first failed."""

from __future__ import annotations

from datetime import date
from statistics import median

from pipelines.revenue.counts import ratio
from pipelines.revenue.ledger import NATIVE, Period
from pipelines.revenue.question import Question
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import Row, frame
from pipelines.warehouse import Snapshot

_DAY = 86_400


def recovery(snapshot: Snapshot, asked: Question) -> Row:
    """What was due on invoices whose payment failed in each period, and what of it was paid since.

    Both are converted at the rate of the day of the failure. `median_days` goes from the first failure to the payment.
    """
    rates = load_rates(snapshot)
    cut = asked.periods()
    failed = {period: invoices_failed(snapshot, period, account=asked.account) for period in cut}
    own = sorted({str(one["currency"]) for some in failed.values() for one in some})
    unconverted: set[str] = set()
    rows: list[Row] = []
    for period in cut:
        for wanted in own if asked.currency == NATIVE else [asked.currency]:
            rows.append(_row(period, wanted, _shown(failed[period], rates, asked.currency, wanted, unconverted)))
    return frame("recovery", snapshot, asked, sorted(unconverted), rows)


def invoices_failed(snapshot: Snapshot, period: Period, *, account: str | None = None) -> list[Row]:
    """The invoices whose payment first failed in these days."""
    return list(snapshot.query(FAILED, start=period.start, end=period.end, account=account).iter_rows(named=True))


def _shown(found: list[Row], rates: Rates, currency: str, wanted: str, unconverted: set[str]) -> list[Row]:
    """The invoices with their amounts as the answer has them."""
    if currency == NATIVE:
        return [one for one in found if one["currency"] == wanted]
    shown: list[Row] = []
    for one in found:
        failed = rates.convert(int(str(one["failed_minor"])), str(one["currency"]), wanted, _day(one))
        if failed is None:
            unconverted.add(str(one["currency"]))
        else:
            shown.append(one | {"failed_minor": failed, "recovered_minor": failed if one["recovered_minor"] else 0})
    return shown


def _day(one: Row) -> date:
    day = one["failed_date"]
    assert isinstance(day, date)
    return day


def _row(period: Period, currency: str, found: list[Row]) -> Row:
    failed = sum(int(str(one["failed_minor"])) for one in found)
    recovered = sum(int(str(one["recovered_minor"])) for one in found)
    seconds = [int(str(one["seconds"])) for one in found if one["seconds"] is not None]
    return {
        "period": period.start,
        "currency": currency,
        "failed_minor": failed,
        "recovered_minor": recovered,
        "recovery_rate": ratio(recovered, failed),
        "median_days": round(median(seconds) / _DAY, 2) if seconds else None,
    }


FAILED = """
select account, customer_id, subscription_id, invoice_id, event_id, invoice_status, currency, failures, failed_minor,
    recovered_minor, first_failed_at, failed_date, recovered_at,
    date_diff('second', first_failed_at, recovered_at)::bigint as seconds
from marts.fct_failed_invoices
where failed_date between $start and $end and ($account is null or account = $account)
order by currency, first_failed_at, account, invoice_id
"""
