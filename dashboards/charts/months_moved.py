"""MRR movements by month as a picture, and its finding in a sentence."""

from __future__ import annotations

from dashboards.charts.movement_bars import Month, movement_bars
from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.parts.money import compact_money, major
from dashboards.queries.months import MonthMoved


def months_chart(months: list[MonthMoved], colours: Palette) -> Option:
    """Stacked bars over the months."""
    bars = [
        Month(
            label=f"{month.first_day:%b %y}",
            amounts={kind: float(major(minor, month.currency)) for kind, minor in month.moved_minor.items()},
            is_over=month.is_over,
        )
        for month in months
    ]
    return movement_bars(bars, currency=months[-1].currency, alt=finding(months), colours=colours)


def finding(months: list[MonthMoved]) -> str:
    """What the picture shows, as a sentence."""
    first, last = months[0], months[-1]
    gained = sum(max(minor, 0) for month in months for minor in month.moved_minor.values())
    lost = sum(min(minor, 0) for month in months for minor in month.moved_minor.values())
    return (
        f"MRR movements, {first.first_day:%b %Y} to {last.first_day:%b %Y}: gained "
        f"{compact_money(gained, last.currency)}, lost {compact_money(-lost, last.currency)}; "
        f"MRR went from {compact_money(first.opening_minor, last.currency)} to "
        f"{compact_money(last.closing_minor, last.currency)}."
    )
