"""The tables of the revenue page: kind by period, cash by period, the customers behind one cell."""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st

from dashboards.parts.download import csv_download
from dashboards.parts.links import here_with
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count, counted
from dashboards.parts.people import person_link
from dashboards.parts.revenue_filters import Filters
from dashboards.parts.table import Cell, Link, Row, table
from dashboards.parts.times import long_day, period_name
from dashboards.parts.words import small
from dashboards.queries.cash import PARTS, CashPeriod
from dashboards.queries.movements import KINDS, Mover, PeriodMoved
from dashboards.view import View

SHOWN = 25
CELL = "cell"


def movement_table(found: list[PeriodMoved], customers: list[dict[str, int]], view: View) -> None:
    """A row per period, a column per kind, amounts with customers; each such cell leads to them."""
    with_rates = any(one.fx_minor for one in found)
    kinds = [kind.capitalize() for kind in KINDS]
    headers = ("Period", "Opening", *kinds, *(("Rates",) if with_rates else ()), "Closing")
    rows: list[Row] = [
        (
            _heading(one),
            money(one.opening_minor, one.currency),
            *(_cell(kind, one, people) for kind in KINDS),
            *((money(one.fx_minor, one.currency),) if with_rates else ()),
            money(one.closing_minor, one.currency),
        )
        for one, people in zip(found, customers, strict=True)
    ]
    table(
        headers,
        rows,
        numbers=headers[1:],
        whole=("Period",),
        dense=True,
        caption="MRR movements by period and kind",
        colours=view.colours,
    )
    small("In brackets: customers, each counted once per kind and period. Choose a cell for their names.", view.colours)


def _heading(one: PeriodMoved | CashPeriod) -> str:
    return period_name(one.first_day, one.by) + ("" if one.is_over else " (so far)")


def _cell(kind: str, one: PeriodMoved, people: dict[str, int]) -> Cell:
    if not people.get(kind):
        return NONE
    words = f"{money(one.moved_minor[kind], one.currency)} ({count(people[kind])})"
    return Link(words, here_with("revenue", **{CELL: f"{kind}~{one.first_day.isoformat()}"}))


def chosen_cell(found: list[PeriodMoved]) -> tuple[str, PeriodMoved] | None:
    """The cell that the address names, where there is such a one in this view."""
    kind, _, day = st.query_params.get(CELL, "").partition("~")
    periods = {one.first_day.isoformat(): one for one in found}
    return (kind, periods[day]) if kind in KINDS and day in periods else None


def mover_table(kind: str, one: PeriodMoved, movers: list[Mover], view: View, filters: Filters) -> None:
    """The customers behind one cell, the largest movement first, and their sum."""
    total = sum(mover.amount_minor for mover in movers)
    people = len({mover.customer_id for mover in movers})
    st.subheader(f"{kind.capitalize()}, {period_name(one.first_day, one.by)}", anchor=False)
    small(f"{counted(people, 'customer')} · {money(total, filters.currency)} in all", view.colours)
    pages = max(1, -(-len(movers) // SHOWN))
    page = st.pagination(pages, key=f"movers-{kind}-{one.first_day}") if pages > 1 else 1
    table(
        ("Customer", "Day", "Movement", "Amount"),
        [mover_row(mover) for mover in movers[(page - 1) * SHOWN : page * SHOWN]],
        numbers=("Amount",),
        whole=("Day",),
        caption="Customers behind this number",
        colours=view.colours,
    )
    csv_download(
        pl.DataFrame(
            {
                "day": [mover.day for mover in movers],
                "person_id": [mover.person_id for mover in movers],
                "customer_id": [mover.customer_id for mover in movers],
                "movement": [mover.kind for mover in movers],
                "amount_minor": [mover.amount_minor for mover in movers],
                "currency": [mover.currency for mover in movers],
            },
            schema_overrides={"person_id": pl.String},
        ),
        f"mrr-{kind}-customers_{one.period.start}_{one.period.end}_{filters.currency}.csv",
        key="movers-csv",
    )


def mover_row(mover: Mover) -> Row:
    """One movement as a row; the customer leads to the customer's page."""
    who: Cell = mover.customer_id if mover.person_id is None else person_link(mover.person_id, mover.name)
    return (who, long_day(mover.day), mover.kind.capitalize(), money(mover.amount_minor, mover.currency))


def cash_table(found: list[CashPeriod], view: View) -> None:
    """One row per period, and their sum."""
    headers = ("Period", "Gross", "Refunds", "Disputes", "Fees", "Net", "Tax in gross")
    currency = found[-1].currency
    rows: list[Row] = [
        (_heading(one), *(money(one.minor[name], currency) for name in PARTS), money(one.tax_minor, currency))
        for one in found
    ]
    sums = (money(sum(one.minor[name] for one in found), currency) for name in PARTS)
    rows.append(("All", *sums, money(sum(one.tax_minor for one in found), currency)))
    table(
        headers,
        rows,
        numbers=headers[1:],
        whole=("Period",),
        has_total=True,
        caption="Cash by period",
        colours=view.colours,
    )


def movement_frame(found: list[PeriodMoved], customers: list[dict[str, int]]) -> pl.DataFrame:
    """The movements as `revenue movements` names them, for a file."""
    rows = [
        {
            "period": one.first_day,
            "currency": one.currency,
            "opening_minor": one.opening_minor,
            **{f"{kind}_minor": one.moved_minor[kind] for kind in KINDS},
            "fx_minor": one.fx_minor,
            "closing_minor": one.closing_minor,
            **{f"{kind}_customers": people.get(kind, 0) for kind in KINDS},
        }
        for one, people in zip(found, customers, strict=True)
    ]
    return pl.DataFrame(rows)


def cash_frame(found: list[CashPeriod]) -> pl.DataFrame:
    """Cash as `revenue cash` names it, for a file."""
    rows = [
        {
            "period": one.first_day,
            "currency": one.currency,
            **{f"{name}_minor": one.minor[name] for name in PARTS},
            "tax_minor": one.tax_minor,
        }
        for one in found
    ]
    return pl.DataFrame(rows)


def file_name(what: str, first: date, last: date, currency: str) -> str:
    """`mrr-movements_2025-11-24_2026-11-23_USD.csv`."""
    return f"{what}_{first}_{last}_{currency}.csv"
