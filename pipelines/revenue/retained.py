"""NRR and GRR: what is left, at a period's end, of those who paid at its start.

Everybody is followed who paid at the end of the day before the period. What came back inside the period counts as
kept, what new customers brought does not. Both ends are converted at the rates of the start: a rate alone keeps
nothing and loses nothing.
"""

from __future__ import annotations

from datetime import timedelta

from pipelines.revenue.counts import ratio
from pipelines.revenue.held import Holder, balances_held
from pipelines.revenue.ledger import Ledger, Period
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, answer
from pipelines.warehouse import Snapshot


def nrr(snapshot: Snapshot, asked: Question) -> Row:
    """Opening MRR of each period, what is retained of it, and both as rates: with and without what grew."""
    ledger = asked.ledger(snapshot)
    rows: list[Row] = []
    for period in asked.periods():
        opening, closing = held_at_both_ends(ledger, period)
        for own in ledger.currencies():
            rows.append(_row(period, own, _of(opening, own), _of(closing, own)))
    return answer("nrr", ledger, asked, rows)


def held_at_both_ends(ledger: Ledger, period: Period) -> tuple[dict[Holder, int], dict[Holder, int]]:
    """Balances before the period, and at its end those of the same customers, at the rates of the start."""
    before = period.start - timedelta(days=1)
    opening = balances_held(ledger, before)
    closing = balances_held(ledger, period.end, rates_of=before)
    return opening, {holder: minor for holder, minor in closing.items() if holder in opening}


def _of(held: dict[Holder, int], currency: str) -> dict[Holder, int]:
    return {holder: minor for holder, minor in held.items() if holder.currency == currency}


def _row(period: Period, currency: str, opening: dict[Holder, int], closing: dict[Holder, int]) -> Row:
    base = sum(opening.values())
    retained = sum(closing.values())
    kept = sum(min(minor, closing.get(holder, 0)) for holder, minor in opening.items())
    return {
        "period": period.start,
        "currency": currency,
        "opening_minor": base,
        "retained_minor": retained,
        "nrr": ratio(retained, base),
        "grr": ratio(kept, base),
    }
