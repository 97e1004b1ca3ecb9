"""MRR movements by period as a picture, and its finding in a sentence."""

from __future__ import annotations

from dashboards.charts.movement_bars import Month, movement_bars
from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.parts.money import compact_money, major
from dashboards.parts.times import period_name
from dashboards.queries.movements import PeriodMoved


def moved_chart(found: list[PeriodMoved], colours: Palette) -> Option:
    """Stacked bars over the periods."""
    bars = [
        Month(
            label=period_name(one.first_day, one.by),
            amounts={kind: float(major(minor, one.currency)) for kind, minor in one.moved_minor.items()},
            is_over=one.is_over,
        )
        for one in found
    ]
    return movement_bars(bars, currency=found[-1].currency, alt=finding(found), colours=colours)


def finding(found: list[PeriodMoved]) -> str:
    """What the picture shows, as a sentence."""
    first, last = found[0], found[-1]
    gained = sum(max(minor, 0) for one in found for minor in one.moved_minor.values())
    lost = sum(min(minor, 0) for one in found for minor in one.moved_minor.values())
    return (
        f"MRR movements, {period_name(first.first_day, first.by)} to {period_name(last.first_day, last.by)}: gained "
        f"{compact_money(gained, last.currency)}, lost {compact_money(-lost, last.currency)}; "
        f"MRR went from {compact_money(first.opening_minor, last.currency)} to "
        f"{compact_money(last.closing_minor, last.currency)}."
    )
