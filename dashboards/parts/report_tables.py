"""Reports by period as tables: a column per figure, the running period marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count, factor, percent
from dashboards.parts.table import table
from dashboards.parts.times import period_name
from dashboards.queries.movements import Grain, is_over
from dashboards.view import View

Row = dict[str, Any]
SHOWN_DAYS = (30, 60, 90, 180, 365)
"""The days of a life at which the survival curve is told in words."""


@dataclass(frozen=True)
class Column:
    """One figure: its heading, its field in the report, and how it is written."""

    heading: str
    field: str
    text: Callable[[Any, str], str]


def _money(value: Any, currency: str) -> str:
    return money(value, currency)


def _share(value: Any, _currency: str) -> str:
    return percent(value)


def _count(value: Any, _currency: str) -> str:
    return count(value)


def _factor(value: Any, _currency: str) -> str:
    return factor(value)


def _days(value: Any, _currency: str) -> str:
    return NONE if value is None else f"{value:,.1f} d"


KEPT = (
    Column("Opening", "opening_minor", _money),
    Column("Retained", "retained_minor", _money),
    Column("NRR", "nrr", _share),
    Column("GRR", "grr", _share),
    Column("Gained", "gained_minor", _money),
    Column("Lost", "lost_minor", _money),
    Column("Quick ratio", "quick_ratio", _factor),
)
WORTH = (
    Column("Customers", "customers", _count),
    Column("ARPA", "arpa_minor", _money),
    Column("Churn rate", "churn_rate_used", _share),
    Column("LTV", "ltv_minor", _money),
    Column("Observed LTV", "observed_ltv_minor", _money),
)
TRIALS = (
    Column("Ended", "ended", _count),
    Column("Converted", "converted", _count),
    Column("Conversion", "conversion_rate", _share),
)
RECOVERY = (
    Column("Failed", "failed_minor", _money),
    Column("Recovered", "recovered_minor", _money),
    Column("Recovery rate", "recovery_rate", _share),
    Column("Median", "median_days", _days),
)
OUTLOOK = (
    Column("Contracted MRR", "contracted_minor", _money),
    Column("Scheduled churn", "scheduled_churn_minor", _money),
    Column("Deferred revenue", "deferred_minor", _money),
)


def joined(*reports: Sequence[Row]) -> list[Row]:
    """Rows of the same periods side by side."""
    return [
        {name: value for row in rows for name, value in row.items()} for rows in zip(*reports, strict=True)
    ]  # fmt: skip


def heading(row: Row, by: Grain, last: date) -> str:
    """A period's name, and whether it still runs."""
    return period_name(row["period"], by) + ("" if is_over(row["period"], by, last) else " (so far)")


def report_table(rows: list[Row], columns: Sequence[Column], by: Grain, last: date, caption: str, view: View) -> None:
    """A row per period, the oldest first."""
    headers = ("Period", *(column.heading for column in columns))
    table(
        headers,
        [
            (heading(row, by, last), *(column.text(row[column.field], row["currency"]) for column in columns))
            for row in rows
        ],
        numbers=headers[1:],
        whole=("Period",),
        caption=caption,
        colours=view.colours,
    )


def survival_table(steps: list[Row], view: View) -> None:
    """What is left after so many days, as far as anything is known of them."""
    table(
        ("After", "Still subscribed", "At least", "At most"),
        [
            (f"{day} days", percent(step["survival"]), percent(step["lower"]), percent(step["upper"]))
            for day, step in at_shown_days(steps)
        ],
        numbers=("Still subscribed", "At least", "At most"),
        whole=("After",),
        caption="Share of subscriptions that live on, with the bounds of its band",
        colours=view.colours,
    )


def at_shown_days(steps: list[Row]) -> list[tuple[int, Row]]:
    """The curve at the days that are told, as far as it goes."""
    last = steps[-1]["day"]
    return [
        (day, next(step for step in reversed(steps) if step["day"] <= day)) for day in SHOWN_DAYS if day <= last
    ]  # fmt: skip


def report_frame(rows: list[Row]) -> pl.DataFrame:
    """The rows as the command names them, for a file."""
    return pl.DataFrame(rows, infer_schema_length=None)
