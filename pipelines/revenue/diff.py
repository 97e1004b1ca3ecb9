"""`diff`: what newer data, a rule or a model moved between two snapshots, customer by customer.

The differences of a period add up to the difference of its MRR in `mrr`.
"""

from __future__ import annotations

from datetime import date

from pipelines.revenue.apart import mrr_by_group
from pipelines.revenue.causes import SHOWN, Customer, Difference, differences, has_other_rates
from pipelines.revenue.ledger import Period
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row
from pipelines.warehouse import Snapshot

_Key = tuple[date, str, Customer]
"""Period, currency, customer."""


def diff(snapshot: Snapshot, asked: Question, against: Snapshot) -> Row:
    """A row per customer and period at whose end the MRR is another one than `against` says, with the causes.

    What the answer calls `before` is `against`; a customer whom one of them does not know has 0 there.
    """

    def held(one: Snapshot) -> tuple[Row, dict[_Key, int]]:
        told = mrr_by_group(one, asked, group="customer")
        rows = told["rows"]
        assert isinstance(rows, list)
        return told, {
            (row["period"], row["currency"], (row["account"], row["customer"])): row["mrr_minor"] for row in rows
        }

    _, before = held(against)
    answer, after = held(snapshot)
    moved = {key for key in before.keys() | after.keys() if before.get(key, 0) != after.get(key, 0)}
    found = differences(against, snapshot, {customer for _, _, customer in moved}, profile=asked.profile)
    silent = "exchange_rate" if has_other_rates(against, snapshot) else "rounding"
    ends = {period.start: period for period in asked.periods()}
    rows = [
        _row(ends[key[0]], key, before.get(key, 0), after.get(key, 0), found.get(key[2], []), silent)
        for key in sorted(moved)
    ]
    return answer | {
        "report": "diff",
        "against": against.number,
        "against_as_of": against.as_of,
        "has_other_rules": against.manifest.rules != snapshot.manifest.rules,
        "rows": rows,
    }


def _row(period: Period, key: _Key, before: int, after: int, found: list[Difference], silent: str) -> Row:
    own = [one for one in found if one.day <= period.end]
    account, customer = key[2]
    return {
        "period": period.start,
        "account": account,
        "customer": customer,
        "currency": key[1],
        "before_minor": before,
        "after_minor": after,
        "difference_minor": after - before,
        "causes": list(dict.fromkeys(one.cause for one in own)) or [silent],
        "objects": list(dict.fromkeys(one.object_id for one in own if one.object_id))[:SHOWN],
    }
