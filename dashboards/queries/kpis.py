"""The six figures of the overview, each with its change over 30 days and a short history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.revenue_days import NetRevenue, net_revenue
from pipelines.revenue import Question, churn, movements, mrr, summary
from pipelines.revenue.ledger import KINDS
from pipelines.revenue.ratios import gained_and_lost
from pipelines.warehouse import Snapshot

DAYS = timedelta(days=30)
ONE = timedelta(days=1)
WEEKS = timedelta(weeks=13)


@dataclass(frozen=True)
class Figure:
    """One figure now and 30 days before, with its history (oldest first)."""

    now: float | None
    before: float | None
    history: list[float | None]


@dataclass(frozen=True)
class Kpis:
    """Figures at the end of `day`; money in minor units of `currency`."""

    day: date
    currency: str
    unconverted: list[str]
    mrr: Figure
    net_revenue: Figure
    net_revenue_currency: str
    customers: Figure
    new_customers: Figure
    churn_rate: Figure
    quick_ratio: Figure


@per_snapshot
def kpis(snapshot: Snapshot, *, currency: str, timezone: str) -> Kpis:
    """The figures of one snapshot."""
    figures = summary(snapshot, currency=currency, timezone=timezone)
    day, before = figures.day, figures.day - DAYS
    asked: dict[str, Any] = {"currency": currency, "timezone": timezone}
    weeks: dict[str, Any] = {"date_from": day - WEEKS + ONE, "date_to": day, "by": "week", **asked}
    levels = _rows(mrr(snapshot, Question(**weeks)))
    then = _rows(mrr(snapshot, Question(date_from=before, date_to=before, by="day", **asked)))[0]
    rates = _rows(churn(snapshot, Question(**weeks)))
    rate_then = _rows(churn(snapshot, Question(date_from=before, date_to=before, by="day", **asked)))[0]
    # Weeks begin on Monday; one that is not over would look like a drop.
    sunday = day - timedelta(days=(day.weekday() + 1) % 7)
    over = {"date_from": sunday - WEEKS + ONE, "date_to": sunday, "by": "week", **asked}
    weekly = _rows(movements(snapshot, Question(**over)))
    recent = _sums(_rows(movements(snapshot, Question(date_from=before + ONE, date_to=day, by="month", **asked))))
    earlier = _sums(
        _rows(movements(snapshot, Question(date_from=before - DAYS + ONE, date_to=before, by="month", **asked)))
    )
    has_past = then["mrr_minor"] > 0
    return Kpis(
        day=day,
        currency=currency,
        unconverted=figures.unconverted,
        mrr=Figure(figures.mrr_minor, figures.mrr_before_minor, [row["mrr_minor"] for row in levels]),
        net_revenue=_net_figure(net := net_revenue(snapshot, currency=currency, timezone=timezone), day),
        net_revenue_currency=net.currency,
        customers=Figure(figures.customers, then["customers"], [row["customers"] for row in levels]),
        new_customers=Figure(
            recent["new_customers"],
            earlier["new_customers"] if has_past else None,
            [row["new_customers"] for row in weekly],
        ),
        churn_rate=Figure(
            figures.customer_churn_rate_30d,
            rate_then["customer_churn_rate_rolling_30d"],
            [row["customer_churn_rate_rolling_30d"] for row in rates],
        ),
        quick_ratio=Figure(
            _quick_ratio(recent), _quick_ratio(earlier) if has_past else None, _rolling_quick_ratio(weekly)
        ),
    )


def _rows(answer: dict[str, object]) -> list[dict[str, Any]]:
    rows = answer["rows"]
    assert isinstance(rows, list)
    return rows


def _sums(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    names = [*(f"{kind}_minor" for kind in KINDS), "new_customers"]
    return {name: sum(row[name] for row in rows) for name in names}


def _quick_ratio(sums: dict[str, int]) -> float | None:
    """(new + expansion + reactivation) / (contraction + churn); None where nothing was lost."""
    gained, lost = gained_and_lost({kind: sums[f"{kind}_minor"] for kind in KINDS})
    return gained / lost if lost else None


def _rolling_quick_ratio(weeks: Sequence[dict[str, Any]]) -> list[float | None]:
    return [_quick_ratio(_sums(weeks[end - 4 : end])) for end in range(4, len(weeks) + 1)]


def _net_figure(revenue: NetRevenue, day: date) -> Figure:
    before = day - DAYS
    known = [entry for entry, _ in revenue.days]
    has_past = bool(known) and min(known) <= before - DAYS + ONE
    starts = [day - WEEKS + ONE + timedelta(weeks=week) for week in range(WEEKS.days // 7)]
    return Figure(
        revenue.total(before + ONE, day),
        revenue.total(before - DAYS + ONE, before) if has_past else None,
        [revenue.total(start, start + timedelta(days=6)) for start in starts],
    )
