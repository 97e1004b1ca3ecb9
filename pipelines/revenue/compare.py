"""Why profiles differ: MRR by one profile against the others, customer by customer and cause by cause.

The models switch the rules of two profiles one cause after the other, so the causes of a customer add up to
the exact difference. What is left between them and the difference of rounded balances is the cause
`rounding`; where the profiles convert at different rates, that is the cause `fx`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from pipelines.revenue.ledger import NATIVE, Ledger
from pipelines.revenue.profiles import profiles
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, answer
from pipelines.revenue.shares import split
from pipelines.warehouse import Snapshot

FX, ROUNDING = "fx", "rounding"
CAUSES = ("coupon", "trial", "past_due", "pause", "timing", FX, ROUNDING)


class Key(NamedTuple):
    """Whose difference it is, and why."""

    account: str
    customer: str
    cause: str


Parts = dict[Key, int]


def compare(snapshot: Snapshot, asked: Question) -> Row:
    """What `profile` and each other profile differ by at the end of each period, and what each says (`totals`).

    The rows of a pair add up to the difference of their totals: MRR by `profile_b` less that by `profile_a`.
    """
    names = [asked.profile, *(name for name in profiles(snapshot) if name != asked.profile)]
    ledgers = {name: replace(asked, profile=name).ledger(snapshot) for name in names}
    first = ledgers[asked.profile]
    rows: list[Row] = []
    totals: list[Row] = []
    for period in asked.periods():
        for own in _currencies(ledgers):
            totals += [
                {
                    "period": period.start,
                    "profile": name,
                    "currency": own,
                    "mrr_minor": ledger.balance(period.end, own),
                }
                for name, ledger in ledgers.items()
            ]
        for name in names[1:]:
            for own, parts in _differences(first, ledgers[name], period.end).items():
                rows += [
                    {
                        "period": period.start,
                        "profile_a": asked.profile,
                        "profile_b": name,
                        "cause": key.cause,
                        "account": key.account,
                        "customer": key.customer,
                        "currency": own,
                        "difference_minor": minor,
                    }
                    for key, minor in sorted(parts.items(), key=_order)
                    if minor
                ]
    return answer("compare", first, asked, rows) | {"totals": totals}


def _order(one: tuple[Key, int]) -> tuple[int, int, Key]:
    return (CAUSES.index(one[0].cause), -abs(one[1]), one[0])


def _currencies(ledgers: dict[str, Ledger]) -> list[str]:
    return sorted({own for ledger in ledgers.values() for own in ledger.currencies()})


def _differences(a: Ledger, b: Ledger, day: date) -> dict[str, Parts]:
    """By the currency of the answer: what sets the two apart at the end of `day`."""
    native = _native(a, b, day)
    if a.currency == NATIVE:
        return native
    total: Parts = defaultdict(int)
    for own in sorted({*a.native_currencies(), *b.native_currencies()}):
        for key, minor in _converted(a, b, own, native.get(own, {}), day):
            total[key] += minor
    return {a.currency: total}


def _native(a: Ledger, b: Ledger, day: date) -> dict[str, Parts]:
    """The causes of each customer, each rounded; what they lack of the rounded difference is `rounding`."""
    exact: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    asked = {"day": day, "account": a.account, "a": a.profile, "b": b.profile}
    for own, account, customer, cause, minor in a.snapshot.query(_CAUSES, **asked).iter_rows():
        exact[own, account, customer][cause] = minor
    apart: dict[tuple[str, str, str], int] = {
        (own, account, customer): minor
        for own, account, customer, minor in a.snapshot.query(_APART, **asked).iter_rows()
    }
    found: dict[str, Parts] = defaultdict(dict)
    for own, account, customer in sorted(exact.keys() | apart.keys()):
        causes = {
            cause: int(minor.to_integral_value(ROUND_HALF_EVEN))
            for cause, minor in exact[own, account, customer].items()
        }
        causes[ROUNDING] = apart.get((own, account, customer), 0) - sum(causes.values())
        for cause, minor in causes.items():
            found[own][Key(account, customer, cause)] = minor
    return found


def _converted(a: Ledger, b: Ledger, own: str, parts: Parts, day: date) -> Iterator[tuple[Key, int]]:
    """Shares of the converted difference: the causes at the first profile's rate, `fx` what the other's rate adds."""
    factors = a.factor(own, day), b.factor(own, day)
    if factors[0] is None or factors[1] is None or own in a.unconverted:
        return
    target = b.converted(own, day) - a.converted(own, day)
    exact = {key: minor * factors[0] for key, minor in parts.items()}
    if factors[0] != factors[1]:
        for account, customer, minor in b.customers(own, day):
            exact[Key(account, customer, FX)] = minor * (factors[1] - factors[0])
    yield from zip(exact, split(target, list(exact.values())), strict=True)


# Of a pair the models know one way; the other way has the same causes with the other sign.
_CAUSES = """
select currency, account, customer_id, cause,
    sum(case when profile_a = $a then delta_minor else -delta_minor end)::decimal(38, 9) as difference_minor
from marts.fct_mrr_differences
where changed_date <= $day and ($account is null or account = $account)
    and ((profile_a = $a and profile_b = $b) or (profile_a = $b and profile_b = $a))
group by all having difference_minor <> 0
order by all
"""

_APART = """
with balances as (
    select profile, account, customer_id, currency, closing_minor
    from marts.fct_mrr_movements_daily
    where profile in ($a, $b) and changed_date <= $day and ($account is null or account = $account)
    qualify row_number() over (
        partition by profile, account, customer_id, currency order by changed_date desc
    ) = 1
)
select currency, account, customer_id,
    sum(case when profile = $b then closing_minor else -closing_minor end)::bigint as difference_minor
from balances group by all having difference_minor <> 0
order by all
"""
