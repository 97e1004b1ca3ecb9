"""MRR and its movements taken apart: by plan, product, interval, currency, country, channel, segment or customer.

Balances are the shares that subscription items have in their customers' rounded balances, converted as
`explain mrr` lists them; a group's figure is their sum. Movements are those of customers, taken apart by
`transfers`. So the rows of a period add up to the row that is not taken apart, to the minor unit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

from pipelines.revenue.customers import booked_moves, spread
from pipelines.revenue.groupings import Group, Grouping, grouping
from pipelines.revenue.ledger import KINDS, NATIVE, Ledger, Period
from pipelines.revenue.question import Question
from pipelines.revenue.reports import Row, answer
from pipelines.revenue.shares import split
from pipelines.revenue.transfers import parts_of
from pipelines.warehouse import Snapshot

TRANSFER = "transfer"
_COUNTED = {"new": "new_customers", "churn": "churned_customers", "reactivation": "reactivated_customers"}
Customer = tuple[str, str]
"""Account and Stripe customer."""


class Key(NamedTuple):
    """What a row is about: a value of the group, of one account where the group is the customer, in one currency."""

    currency: str
    account: str | None
    value: str | None


@dataclass
class _Figures:
    """One group's period."""

    opening: int = 0
    closing: int = 0
    moved: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*KINDS, TRANSFER), 0))
    customers: dict[str, set[Customer]] = field(default_factory=lambda: defaultdict(set))


def mrr_by_group(snapshot: Snapshot, asked: Question, *, group: Group) -> Row:
    """`mrr` with a row per value of the group, the largest first; the value is null where nothing is known.

    A customer counts with each plan, product, interval and currency that they pay for.
    """
    apart = _Apart(asked.ledger(snapshot), grouping(snapshot, group))
    rows: list[Row] = []
    for period in asked.periods():
        held = apart.held(period.end)
        for key in sorted(held, key=lambda key: _largest_first(key, held[key].closing)):
            minor = held[key].closing
            counted = len(held[key].customers["paying"])
            rows.append(apart.head(period, key) | {"mrr_minor": minor, "arr_minor": 12 * minor, "customers": counted})
    return answer("mrr", apart.ledger, asked, rows)


def movements_by_group(snapshot: Snapshot, asked: Question, *, group: Group) -> Row:
    """`movements` with a row per value of the group that held or moved something in the period.

    `transfer_minor` is what switches of plan moved between the groups: nothing in total, and nothing
    between groups of customers.
    """
    apart = _Apart(asked.ledger(snapshot), grouping(snapshot, group))
    cut = asked.periods()
    figures: list[dict[Key, _Figures]] = [defaultdict(_Figures) for _ in cut]
    for period, own in zip(cut, figures, strict=True):
        for key, held in apart.held(period.start - timedelta(days=1)).items():
            own[key].opening = held.closing
        for key, held in apart.held(period.end).items():
            own[key].closing = held.closing
    starts = [period.start for period in cut]
    for part in apart.moved(Period(asked.date_from, asked.date_to)):
        found = figures[bisect_right(starts, part.day) - 1][part.key]
        found.moved[part.kind] += part.minor
        found.customers[part.kind].add(part.customer)
    rows = [
        apart.head(period, key) | _moved_row(own[key])
        for period, own in zip(cut, figures, strict=True)
        for key in sorted(own, key=lambda key: _largest_first(key, 0))
    ]
    return answer("movements", apart.ledger, asked, rows)


class _Part(NamedTuple):
    """What one customer did on one day in one group; `minor` as the answer has it."""

    day: date
    key: Key
    customer: Customer
    kind: str
    minor: int


class _Apart:
    """The ledger in the answer's currency and the groups of its lines."""

    def __init__(self, ledger: Ledger, groups: Grouping) -> None:
        self.ledger = ledger
        self._grouping = groups

    def head(self, period: Period, key: Key) -> Row:
        """The fields that say what a row is about; a group of currencies has the amounts' own beside it."""
        of_account = {} if key.account is None else {"account": key.account}
        if self._grouping.name == "currency":
            return {"period": period.start, "currency": key.value, "reporting_currency": key.currency}
        return {"period": period.start, **of_account, str(self._grouping.name): key.value, "currency": key.currency}

    def held(self, day: date) -> dict[Key, _Figures]:
        """What each group holds at the end of a day, and who pays for it."""
        found = self.ledger.snapshot.query(_HELD, day=day, **self.ledger.scope)
        held: dict[Key, _Figures] = defaultdict(_Figures)
        for own, group in groupby(found.iter_rows(named=True), key=lambda line: str(line["currency"])):
            lines = list(group)
            shares = spread(self.ledger, [line["minor"] for line in lines], own, day)
            for line, share in zip(lines, shares or [], strict=shares is not None):
                figures = held[self._key(line)]
                figures.closing += share
                figures.customers["paying"].add((line["account"], line["customer_id"]))
        return held

    def moved(self, period: Period) -> Iterator[_Part]:
        """Movements and transfers of the period's days."""
        changes = self._changes(period)
        for move, native, own in booked_moves(self.ledger, period):
            customer = (move.account, move.customer_id)
            parts = parts_of(native, changes.get((move.day, own, customer), {}))
            values = list(parts.moved)
            shares = [Fraction(move.amount_minor * parts.moved[value], native) for value in values]
            for value, minor in zip(values, split(move.amount_minor, shares), strict=True):
                yield _Part(move.day, self._key_of(own, customer, value), customer, move.kind, minor)
            changes[move.day, own, customer] = parts.transferred
        yield from self._transfers(changes)

    def _transfers(self, changes: dict[tuple[date, str, Customer], dict[str | None, int]]) -> Iterator[_Part]:
        """What is left when the movements are taken out: it adds up to nothing for each customer and day."""
        for (day, own, customer), transferred in changes.items():
            minors = spread(self.ledger, list(transferred.values()), own, day) or []
            for value, minor in zip(transferred, minors, strict=False):
                yield _Part(day, self._key_of(own, customer, value), customer, TRANSFER, minor)

    def _changes(self, period: Period) -> dict[tuple[date, str, Customer], dict[str | None, int]]:
        """By how much the groups of each customer changed on each day, in the currency that they are billed in."""
        found = self.ledger.snapshot.query(_CHANGES, start=period.start, end=period.end, **self.ledger.scope)
        changes: dict[tuple[date, str, Customer], dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
        for line in found.iter_rows(named=True):
            customer = (str(line["account"]), str(line["customer_id"]))
            changes[line["changed_date"], str(line["currency"]), customer][self._grouping.value(line)] += line["minor"]
        return changes

    def _key(self, line: dict[str, Any]) -> Key:
        customer = (str(line["account"]), str(line["customer_id"]))
        return self._key_of(str(line["currency"]), customer, self._grouping.value(line))

    def _key_of(self, own: str, customer: Customer, value: str | None) -> Key:
        currency = own if self.ledger.currency == NATIVE else self.ledger.currency
        return Key(currency, customer[0] if self._grouping.name == "customer" else None, value)


def _moved_row(figures: _Figures) -> Row:
    return {
        "opening_minor": figures.opening,
        **{f"{kind}_minor": figures.moved[kind] for kind in (*KINDS, TRANSFER)},
        "fx_minor": figures.closing - figures.opening - sum(figures.moved.values()),
        "closing_minor": figures.closing,
        **{name: len(figures.customers[kind]) for kind, name in _COUNTED.items()},
    }


def _largest_first(key: Key, minor: int) -> tuple[str, int, str, bool, str]:
    return key.currency, -minor, key.account or "", key.value is None, key.value or ""


_HELD = """
select account, customer_id, currency, subscription_id, subscription_item_id, price_id, product_id,
    sum(amount_minor)::bigint as minor
from marts.fct_mrr_item_movements_daily
where profile = $profile and changed_date <= $day and ($account is null or account = $account)
group by all having sum(amount_minor) <> 0
order by currency, account, customer_id, subscription_item_id, subscription_id, price_id, product_id
"""

_CHANGES = """
select changed_date, account, customer_id, currency, price_id, product_id, sum(amount_minor)::bigint as minor
from marts.fct_mrr_item_movements_daily
where profile = $profile and changed_date between $start and $end and ($account is null or account = $account)
group by all having sum(amount_minor) <> 0
order by changed_date, currency, account, customer_id, price_id, product_id
"""
