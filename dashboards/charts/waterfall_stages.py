"""MRR from opening to closing as a picture, and its finding in a sentence."""

from __future__ import annotations

from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.charts.waterfall import Stage, waterfall
from dashboards.parts.money import compact_money, major, money, short_money
from dashboards.queries.movements import KINDS, PeriodMoved


def waterfall_chart(found: list[PeriodMoved], colours: Palette) -> Option:
    """The whole range as one waterfall; what exchange rates did has its own bar where they did anything."""
    currency = found[-1].currency

    def stage(name: str, minor: int, colour: str, *, is_balance: bool = False) -> Stage:
        whole, short = money(minor, currency), short_money(minor, currency)
        return Stage(name, float(major(minor, currency)), whole, short, colour, is_balance)

    rates = sum(one.fx_minor for one in found)
    stages = [stage("Opening", found[0].opening_minor, colours.muted, is_balance=True)]
    stages += [
        stage(kind.capitalize(), sum(one.moved_minor[kind] for one in found), colours.movements[kind]) for kind in KINDS
    ]
    if rates:
        stages.append(stage("Exchange rates", rates, colours.muted))
    stages.append(stage("Closing", found[-1].closing_minor, colours.accent, is_balance=True))
    return waterfall(stages, currency=currency, alt=finding(found), colours=colours)


def finding(found: list[PeriodMoved]) -> str:
    """What the picture shows, as a sentence."""
    currency = found[-1].currency
    parts = ", ".join(
        f"{kind} {compact_money(sum(one.moved_minor[kind] for one in found), currency)}" for kind in KINDS
    )
    return (
        f"MRR went from {compact_money(found[0].opening_minor, currency)} to "
        f"{compact_money(found[-1].closing_minor, currency)}: {parts}."
    )
