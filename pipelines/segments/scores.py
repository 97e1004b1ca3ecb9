"""RFM: how lately, how often and how much people paid, each scored from 1 to 5 among all who paid.

A score is one more than the fifths of the payers whom somebody is ahead of. So people who are equal have the
same score, the lowest that any of them could have: where most paid once, all of those have 1.
"""

from __future__ import annotations

from pipelines.conditions import Bindings
from pipelines.segments.counting import Span, sample_sql
from pipelines.segments.document import RfmRule

PAYMENTS = "marts.fct_payments"
_NOBODY = (
    "select null::varchar as person_id, null::bigint as recency, null::bigint as frequency, "
    "null::bigint as monetary where false"
)


def scores_sql(rule: RfmRule, span: Span, bindings: Bindings, *, is_there: bool, sampled: int | None) -> str:
    """SQL of `person_id, recency, frequency, monetary` of everybody who paid in the span; money of one currency.

    A refund or a dispute lowers the money, at its own time. Without money in the currency there is no score for it.
    """
    if not is_there:
        return _NOBODY
    tests = ["person_id is not null", f"paid_at < {bindings.add(span.end)}"]
    if span.begin is not None:
        tests.append(f"paid_at >= {bindings.add(span.begin)}")
    if sampled is not None:
        tests.append(sample_sql("person_id", sampled))
    money = "null::bigint"
    if rule.currency is not None:
        money = f"sum(amount_minor) filter (where currency = {bindings.add(rule.currency.upper())})"
    paid = f"""
        select
            person_id, max(paid_at) filter (where kind = 'charge') as latest,
            count(*) filter (where kind = 'charge') as payments, {money} as money
        from {PAYMENTS} where {" and ".join(tests)} group by person_id having payments > 0
    """
    return f"""
        select
            person_id, {_score("latest")} as recency, {_score("payments")} as frequency,
            case when money is not null then {_score("money", within="partition by money is null ")} end as monetary
        from ({paid})
    """


def _score(measure: str, *, within: str = "") -> str:
    ahead_of = f"(rank() over ({within}order by {measure}) - 1)"
    return f"1 + 5 * {ahead_of} // count(*) over ({within.strip()})"
