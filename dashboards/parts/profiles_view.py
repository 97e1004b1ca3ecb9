"""The profiles of the revenue page: each one's MRR, why one differs from the default, and at whose."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards.charts.profile_stages import CAUSE_NAMES, profile_chart
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.money import money
from dashboards.parts.numbers import count, counted
from dashboards.parts.people import person_link
from dashboards.parts.revenue_filters import Filters
from dashboards.parts.revenue_tables import file_name
from dashboards.parts.table import Cell, Row, table
from dashboards.parts.words import small
from dashboards.queries.profiles import Apart, Pair
from dashboards.view import View
from pipelines.revenue import DEFAULT_PROFILE

SHOWN = 25


def profiles_view(pairs: list[Pair], view: View, filters: Filters) -> None:
    """All totals in a table, then one profile against the default."""
    _totals(pairs, view)
    names = [pair.profile for pair in pairs]
    chosen = st.segmented_control(
        f"Against {DEFAULT_PROFILE}", names, default=names[0], required=True, key="profile", bind="query-params"
    )
    pair = next(pair for pair in pairs if pair.profile == chosen)
    charted(profile_chart(pair, view.colours), key="profiles", height=340)
    if not pair.customers:
        small(f"{chosen} has the same MRR of every customer.", view.colours)
        return
    _causes(pair, view)
    _customers(pair, view)
    csv_download(
        pl.DataFrame(
            {
                "customer_id": [one.customer_id for one in pair.customers],
                "person_id": [one.person_id for one in pair.customers],
                "cause": [one.cause for one in pair.customers],
                "difference_minor": [one.difference_minor for one in pair.customers],
                "currency": [pair.currency for _ in pair.customers],
            },
            schema_overrides={"person_id": pl.String},
        ),
        file_name(f"mrr-{DEFAULT_PROFILE}-{chosen}", filters.span.last, filters.span.last, filters.currency),
        key="profiles-csv",
    )


def _totals(pairs: list[Pair], view: View) -> None:
    first = pairs[0]
    rows: list[Row] = [(DEFAULT_PROFILE, money(first.from_minor, first.currency), "–")]
    rows += [
        (pair.profile, money(pair.to_minor, pair.currency), money(pair.to_minor - pair.from_minor, pair.currency))
        for pair in pairs
    ]
    headers = ("Profile", "MRR", f"Difference to {DEFAULT_PROFILE}")
    table(headers, rows, numbers=headers[1:], caption="MRR by profile", colours=view.colours)


def _causes(pair: Pair, view: View) -> None:
    headers = ("Cause", "Customers", "Difference")
    rows: list[Row] = [
        (
            CAUSE_NAMES[cause],
            count(len({one.customer_id for one in pair.customers if one.cause == cause})),
            money(minor, pair.currency),
        )
        for cause, minor in pair.causes.items()
    ]
    everybody = count(len({one.customer_id for one in pair.customers}))
    rows.append(("All", everybody, money(pair.to_minor - pair.from_minor, pair.currency)))
    table(headers, rows, numbers=headers[1:], has_total=True, caption="Causes of the difference", colours=view.colours)


def _customers(pair: Pair, view: View) -> None:
    found = pair.customers
    small(f"{counted(len(found), 'difference')} of customers, the largest first", view.colours)
    pages = max(1, -(-len(found) // SHOWN))
    page = st.pagination(pages, key=f"apart-{pair.profile}") if pages > 1 else 1
    table(
        ("Customer", "Cause", "Difference"),
        [_row(one, pair.currency) for one in found[(page - 1) * SHOWN : page * SHOWN]],
        numbers=("Difference",),
        caption="Customers of whom the profiles have another MRR",
        colours=view.colours,
    )


def _row(one: Apart, currency: str) -> Row:
    who: Cell = one.customer_id if one.person_id is None else person_link(one.person_id, one.name)
    return (who, CAUSE_NAMES[one.cause], money(one.difference_minor, currency))
