"""Cash by period: what came in above zero, what left below it, and the net as a line."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.charts.option import (
    Option,
    category_axis,
    grid,
    legend,
    money_axis,
    room_for_two_lines_of_legend,
    ticks,
    tooltip_format,
)
from dashboards.charts.palette import Palette
from dashboards.parts.money import compact_money, major
from dashboards.parts.times import period_name
from dashboards.queries.cash import CashPeriod

_LEAVING = ("refunds", "disputes", "fees")
_NAMES = {"gross": "Gross", "refunds": "Refunds", "disputes": "Disputes", "fees": "Fees", "net": "Net"}


def cash_bars(found: list[CashPeriod], colours: Palette) -> Option:
    """Bars over the periods; what leaves is drawn below zero."""
    currency = found[-1].currency
    columns: dict[str, list[float]] = {
        _NAMES[name]: [
            float(major(one.minor[name], currency)) * (-1 if name in _LEAVING else 1) for one in found
        ]
        for name in _NAMES
    }  # fmt: skip
    labels = [period_name(one.first_day, one.by) + ("" if one.is_over else "\n(so far)") for one in found]
    low = min(sum(columns[_NAMES[name]][n] for name in _LEAVING) for n in range(len(found)))
    axis, grid_lines = money_axis(ticks(min(low, *columns["Net"]), max(columns["Gross"])), currency, colours)
    tints = (colours.movements["new"], colours.movements["contraction"], colours.movements["churn"], colours.muted)
    bars = [
        _bar(name, tint, colours) for name, tint in zip(("Gross", "Refunds", "Disputes", "Fees"), tints, strict=True)
    ]
    bars[0]["markLine"] = grid_lines
    line = {
        "type": "line",
        "name": "Net",
        "encode": {"x": "period", "y": "Net"},
        "symbolSize": 7,
        "lineStyle": {"color": colours.text, "width": 2},
        "itemStyle": {"color": colours.text},
        "emphasis": {"disabled": True},
    }
    spec = {
        "animation": False,
        "grid": grid(bottom=40),
        "legend": legend(colours, list(columns), itemWidth=12, itemHeight=12, itemStyle={"borderWidth": 0}),
        "tooltip": {"confine": True, "trigger": "axis", "valueFormatter": tooltip_format(currency)},
        "dataset": {"source": pl.DataFrame({"period": labels, **columns})},
        # A period that is not over has a second line.
        "xAxis": category_axis(colours, lineHeight=15),
        "yAxis": axis,
        "media": room_for_two_lines_of_legend(),
        "series": [*bars, line],
    }
    return Option(spec, finding(found))


def _bar(name: str, tint: str, colours: Palette) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "stack": "cash",
        "barMaxWidth": 34,
        "encode": {"x": "period", "y": name},
        "itemStyle": {"color": tint, "borderColor": colours.background, "borderWidth": 1},
        "emphasis": {"disabled": True},
    }


def finding(found: list[CashPeriod]) -> str:
    """What the picture shows, as a sentence."""
    currency = found[-1].currency
    total = {name: sum(one.minor[name] for one in found) for name in _NAMES}
    left = ", ".join(f"{name} {compact_money(total[name], currency)}" for name in _LEAVING)
    return (
        f"Gross {compact_money(total['gross'], currency)}, less {left}: net {compact_money(total['net'], currency)}, "
        f"{period_name(found[0].first_day, found[0].by)} to {period_name(found[-1].first_day, found[-1].by)}."
    )
