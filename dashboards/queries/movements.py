"""MRR movements by period, the customers behind them, and the largest of late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from dashboards.queries.cache import per_snapshot
from pipelines.people import people, persons_of
from pipelines.revenue import NATIVE, Period, Question, movements, movers, periods
from pipelines.revenue.counts import moved_customers
from pipelines.warehouse import Snapshot

Grain = Literal["day", "week", "month"]
KINDS = ("new", "expansion", "reactivation", "contraction", "churn")
LARGEST = 5
_AHEAD = {"day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True)
class PeriodMoved:
    """One period, minor units of `currency`, losses negative; opening + moved + fx = closing."""

    period: Period
    by: Grain
    currency: str
    opening_minor: int
    moved_minor: dict[str, int]
    fx_minor: int
    closing_minor: int
    is_over: bool

    @property
    def first_day(self) -> date:
        """The day by which the period is called."""
        return self.period.start


@dataclass(frozen=True)
class Moved:
    """Periods in order, with what was left out."""

    periods: list[PeriodMoved]
    unconverted: list[str]


@dataclass(frozen=True)
class Mover:
    """One customer's movement of one kind; `person_id` is None where only Stripe's id is known."""

    day: date
    customer_id: str
    person_id: str | None
    name: str | None
    kind: str
    amount_minor: int
    currency: str


@per_snapshot
def periods_moved(snapshot: Snapshot, *, first: date, last: date, by: Grain, currency: str, timezone: str) -> Moved:
    """The answer of `revenue movements` for these days."""
    answer = movements(snapshot, Question(date_from=first, date_to=last, by=by, currency=currency, timezone=timezone))
    cut = periods(first, last, by)
    return Moved(
        [_period(row, period, by, last) for row, period in zip(_rows(answer), cut, strict=True)],
        _names(answer["unconverted"]),
    )


@per_snapshot
def months_moved(snapshot: Snapshot, *, last_day: date, currency: str, timezone: str) -> list[PeriodMoved]:
    """The last twelve full months and the current one; those before the first movement are left out."""
    first = date(last_day.year - 1, last_day.month, 1)
    found = periods_moved(snapshot, first=first, last=last_day, by="month", currency=currency, timezone=timezone)
    return from_the_first(found.periods)


def from_the_first(found: list[PeriodMoved]) -> list[PeriodMoved]:
    """The periods without the empty ones before the first movement."""
    for position, one in enumerate(found):
        if one.closing_minor or any(one.moved_minor.values()):
            return found[position:]
    return []


@per_snapshot
def first_movement(snapshot: Snapshot) -> date | None:
    """The day of the first movement there is."""
    day = snapshot.query("select min(changed_date) from marts.fct_mrr_movements_daily").item()
    return day if isinstance(day, date) else None


@per_snapshot
def customers_moved(snapshot: Snapshot, *, cut: list[tuple[date, date]]) -> list[dict[str, int]]:
    """Customers per kind of movement of each of these periods, each counted once per kind."""
    return [moved_customers(snapshot, Period(first, last)) for first, last in cut]


@per_snapshot
def unclosed(snapshot: Snapshot, *, first: date, last: date, timezone: str) -> list[tuple[str, int]]:
    """What lacks between opening + movements and closing in each currency as it was billed.

    No rate is at work there, so anything but nothing means that the ledger does not add up.
    """
    answer = movements(
        snapshot, Question(date_from=first, date_to=last, by="month", currency=NATIVE, timezone=timezone)
    )
    lacking: dict[str, int] = {}
    for row in _rows(answer):
        lacking[row["currency"]] = lacking.get(row["currency"], 0) + abs(row["fx_minor"])
    return [(currency, minor) for currency, minor in sorted(lacking.items()) if minor]


@per_snapshot
def movers_of(snapshot: Snapshot, *, kind: str, first: date, last: date, currency: str) -> list[Mover]:
    """The movements of one kind in these days, the largest first; they add up to the cell they stand behind."""
    found = [move for move in movers(snapshot, date_from=first, date_to=last, currency=currency) if move.kind == kind]
    return _named(snapshot, sorted(found, key=lambda move: (-abs(move.amount_minor), move.day, move.customer_id)))


@per_snapshot
def largest_movers(snapshot: Snapshot, *, last_day: date, currency: str) -> list[Mover]:
    """The largest movements of the last 30 days, up or down."""
    first = last_day - timedelta(days=29)
    found = movers(snapshot, date_from=first, date_to=last_day, currency=currency)
    found.sort(key=lambda move: (-abs(move.amount_minor), move.day, move.customer_id))
    return _named(snapshot, found[:LARGEST])


def _named(snapshot: Snapshot, moves: list[Any]) -> list[Mover]:
    persons = persons_of(snapshot, (move.customer_id for move in moves))
    names = {row["person_id"]: row["name"] for row in people(snapshot, sorted(set(persons.values())))}
    return [
        Mover(
            day=move.day,
            customer_id=move.customer_id,
            person_id=(person := persons.get(move.customer_id)),
            name=names.get(person) if person else None,
            kind=move.kind,
            amount_minor=move.amount_minor,
            currency=move.currency,
        )
        for move in moves
    ]


def _period(row: dict[str, Any], period: Period, by: Grain, last: date) -> PeriodMoved:
    return PeriodMoved(
        period=period,
        by=by,
        currency=row["currency"],
        opening_minor=row["opening_minor"],
        moved_minor={kind: row[f"{kind}_minor"] for kind in KINDS},
        fx_minor=row["fx_minor"],
        closing_minor=row["closing_minor"],
        is_over=is_over(period.start, by, last),
    )


def is_over(start: date, by: Grain, last: date) -> bool:
    """Whether the whole period that `start` lies in has passed by the end of the day `last`."""
    if by == "month":
        return (last + timedelta(days=1)).replace(day=1) > start
    begun = start - timedelta(days=start.weekday()) if by == "week" else start
    return begun + _AHEAD[by] <= last + timedelta(days=1)


def _rows(answer: dict[str, object]) -> list[dict[str, Any]]:
    rows = answer["rows"]
    assert isinstance(rows, list)
    return rows


def _names(found: object) -> list[str]:
    assert isinstance(found, list)
    return [str(name) for name in found]
