"""Quick ratio and revenue per customer. Formulas and their sources: docs/revenue.md."""

from __future__ import annotations

from fractions import Fraction

from pipelines.revenue.counts import ratio
from pipelines.revenue.held import balances_held, paying
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, answer
from pipelines.warehouse import Snapshot

GAINS = ("new", "expansion", "reactivation")
LOSSES = ("contraction", "churn")


def quick_ratio(snapshot: Snapshot, asked: Question) -> Row:
    """What was gained over what was lost in each period, both as positive amounts; null where nothing was lost."""
    ledger = asked.ledger(snapshot)
    rows: list[Row] = []
    for period in asked.periods():
        for own in ledger.currencies():
            gained, lost = gained_and_lost(ledger.moved(period, own))
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "gained_minor": gained,
                    "lost_minor": lost,
                    "quick_ratio": ratio(gained, lost),
                }
            )
    return answer("quick_ratio", ledger, asked, rows)


def gained_and_lost(moved: dict[str, int]) -> tuple[int, int]:
    """Movements by kind as two positive amounts."""
    return sum(moved[kind] for kind in GAINS), -sum(moved[kind] for kind in LOSSES)


def arpa(snapshot: Snapshot, asked: Question) -> Row:
    """MRR per paying customer at the end of each period; who pays in a currency without a rate is in neither."""
    ledger = asked.ledger(snapshot)
    rows: list[Row] = []
    for period in asked.periods():
        customers = paying(balances_held(ledger, period.end))
        for own in ledger.currencies():
            each = per_head(ledger.balance(period.end, own), customers.get(own, 0))
            rows.append(
                {
                    "period": period.start,
                    "currency": own,
                    "customers": customers.get(own, 0),
                    "arpa_minor": None if each is None else round(each),
                }
            )
    return answer("arpa", ledger, asked, rows)


def per_head(minor: int, customers: int) -> Fraction | None:
    """An amount by the head, exactly; None without heads."""
    return Fraction(minor, customers) if customers else None
