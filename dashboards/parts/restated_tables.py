"""The revenue page's two clocks: MRR as reported and as known now, and what became known in between."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboards.parts.download import csv_download
from dashboards.parts.money import money
from dashboards.parts.numbers import counted
from dashboards.parts.table import table
from dashboards.parts.times import long_day, period_name
from dashboards.parts.words import small
from dashboards.queries.restated import Told
from dashboards.view import View

SHOWN = 25


def clocks_table(rows: list[dict[str, Any]], by: Any, view: View) -> None:
    """A row per period: what was told then, what is known now."""
    names = ("mrr_minor", "known_minor", "difference_minor")
    headers = ("Period", "As reported", "Known now", "Difference")
    table(
        headers,
        [(period_name(row["period"], by), *(money(row[name], row["currency"]) for name in names)) for row in rows],
        numbers=headers[1:],
        whole=("Period",),
        caption="MRR as reported and as known now",
        colours=view.colours,
    )


def restatements_table(told: Told, view: View) -> None:
    """Who makes the difference, why, and since when it is known; amounts as they were billed."""
    found = told["restatements"]
    if not found:
        small("Nothing became known since about these days.", view.colours)
        return
    st.subheader("What became known since", anchor=False)
    table(
        ("Day", "Customer", "Difference", "Why", "Object", "Known since"),
        [
            (
                long_day(one["day"]),
                one["customer"],
                money(one["difference_minor"], one["currency"]),
                ", ".join(one["causes"]).replace("_", " "),
                ", ".join(one["objects"][:2]),
                long_day(one["known_at"].date()),
            )
            for one in found[:SHOWN]
        ],
        numbers=("Difference",),
        whole=("Day", "Known since"),
        caption="Customers whose past changed",
        colours=view.colours,
    )
    if len(found) > SHOWN:
        small(f"{counted(len(found) - SHOWN, 'further row')} in the file.", view.colours)
    listed = [one | {"causes": ", ".join(one["causes"]), "objects": ", ".join(one["objects"])} for one in found]
    csv_download(pl.DataFrame(listed), f"restated-mrr_{told['reported_on']:%Y-%m-%d}.csv", key="restated-csv")
