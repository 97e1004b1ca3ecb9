"""The revenue trend as a picture, and its finding in a sentence."""

from __future__ import annotations

from dashboards.charts.line_compare import Point, line_compare
from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.parts.money import compact_money, major
from dashboards.parts.numbers import change
from dashboards.parts.times import short_day
from dashboards.queries.trend import Span, Trend


def revenue_line(trend: Trend, *, compare: bool, colours: Palette) -> Option:
    """The trend's line, with its comparison where `compare` is on."""
    points = [
        Point(
            label=_label(trend, span),
            value=float(major(span.minor, trend.currency)),
            before=float(major(span.before_minor, trend.currency))
            if compare and span.before_minor is not None
            else None,
            is_over=span.is_over,
        )
        for span in trend.spans
    ]
    before = f"Same weekdays, {trend.shift.days} days earlier"
    return line_compare(points, currency=trend.currency, before=before, alt=finding(trend), colours=colours)


def finding(trend: Trend) -> str:
    """What the picture shows, as a sentence."""
    total = compact_money(trend.total_minor, trend.currency)
    moved = change(trend.total_minor, trend.before_minor)
    against = "" if moved.direction == "none" else f", {moved.text} against the {trend.shift.days} days before"
    return f"Net revenue by {trend.by}: {total} in all{against}."


def _label(trend: Trend, span: Span) -> str:
    return short_day(span.period.start) if trend.by == "day" else f"Week of {short_day(span.period.start)}"
