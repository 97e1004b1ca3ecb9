"""The tables of the data health page."""

from __future__ import annotations

import json

import polars as pl
import streamlit as st

from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count
from dashboards.parts.table import Badge, Tone, table
from dashboards.parts.times import ago, aware, stamp
from dashboards.queries.health import Build
from dashboards.view import View

_OUTCOMES: dict[str, Tone] = {"published": "good", "failed": "bad", "running": "accent"}
_RIGHT = ("Read", "Loaded", "Duplicates", "Unchanged", "Quarantined")


def build_table(builds: list[Build], view: View) -> None:
    """Builds, the newest first, each with its outcome and reason."""
    rows = [
        (
            stamp(build.started_at, view.zone),
            Badge(build.outcome, _OUTCOMES.get(build.outcome, "muted")),
            NONE if build.snapshot is None else str(build.snapshot),
            build.reason or NONE,
        )
        for build in builds
    ]
    headers = ("Started", "Outcome", "Snapshot", "Reason")
    table(
        headers,
        rows,
        numbers=("Snapshot",),
        whole=("Started",),
        prose=("Reason",),
        caption="Builds, newest first",
        colours=view.colours,
    )


def source_table(sources: pl.DataFrame, view: View) -> None:
    """Sources with their newest row, their last load and how long ago that was."""
    rows = [
        (
            row["source"],
            count(row["row_count"]),
            stamp(row["newest_row_at"], view.zone),
            stamp(row["last_loaded_at"], view.zone),
            ago(row["last_loaded_at"], view.now),
            count(row["quarantined"]),
        )
        for row in sources.iter_rows(named=True)
    ]
    headers = ("Source", "Rows", "Newest row", "Last load", "Lag", "Quarantined")
    table(
        headers,
        rows,
        numbers=("Rows", "Quarantined"),
        whole=("Newest row", "Last load", "Lag"),
        caption="Sources",
        colours=view.colours,
    )


def plan_table(broken: pl.DataFrame, view: View) -> None:
    """What breaks the tracking plan, most frequent first."""
    rows = [
        (
            row["event"],
            row["property"] or NONE,
            row["problem"],
            count(row["event_count"]),
            stamp(row["last_at"], view.zone),
            row["last_event_id"],
        )
        for row in broken.iter_rows(named=True)
    ]
    table(
        ("Event", "Property", "Problem", "Events", "Last", "Last event's id"),
        rows,
        numbers=("Events",),
        whole=("Last",),
        caption="What breaks the tracking plan",
        colours=view.colours,
    )


def check_frame(checks: pl.DataFrame) -> None:
    """Every check, failing ones first; long, so it can be searched and downloaded."""
    shown = checks.select(
        pl.when("is_passed").then(pl.lit("passed")).otherwise(pl.lit("failed")).alias("Result"),
        pl.Series("Check", [_short(row["name"], row["table_name"]) for row in checks.iter_rows(named=True)]),
        pl.col("table_name").alias("Table"),
        pl.col("failing_rows").alias("Failing rows"),
        pl.col("severity").alias("Severity"),
        pl.col("message").fill_null("").alias("Message"),
        pl.col("engine").alias("Engine"),
    )
    if not shown.select((pl.col("Message") != "").any()).item():
        shown = shown.drop("Message")
    st.dataframe(
        shown,
        hide_index=True,
        placeholder=NONE,
        height=min(420, 38 + 35 * max(shown.height, 1)),
        column_config={
            "Check": st.column_config.TextColumn(width=250),
            "Table": st.column_config.TextColumn(width=310),
            "Failing rows": st.column_config.NumberColumn(format="localized", width=100),
        },
        alt="Checks, failing ones first",
    )


def _short(name: str, table_name: str | None) -> str:
    """A test's name as words, without the table that stands beside it."""
    stem = (table_name or "").rsplit(".", 1)[-1]
    return " ".join(name.replace(stem, "", 1).replace("_", " ").split()) if stem else name


def failing_frame(rows: pl.DataFrame) -> None:
    """Rows that failed a check: which, and the values that the check looks at."""
    found = list(rows.iter_rows(named=True))
    shown = pl.DataFrame(
        {
            "Check": [_short(row["name"], row["table_name"]) for row in found],
            "Table": [row["table_name"] for row in found],
            "Row": [row["row_key"] or NONE for row in found],
            "Values": [_in_words(row["row_values"]) for row in found],
        }
    )
    st.dataframe(shown, hide_index=True, placeholder=NONE, alt="Rows that failed a check")


def _in_words(values: str) -> str:
    """`{"currency": "usd"}` as `currency: usd`; nothing for an empty value is said so."""
    told: dict[str, str | None] = json.loads(values)
    return ", ".join(f"{name}: {'empty' if value is None else value}" for name, value in told.items()) or NONE


def balance_table(balance: pl.DataFrame, view: View) -> None:
    """One row per settlement currency: what moved, what was paid out, and what nothing explains."""
    rows = [
        (
            row["currency"],
            count(row["balance_transactions"]),
            count(row["payouts"]),
            count(row["payouts_listed"]),
            Badge(
                money(row["unexplained_minor"], row["currency"]),
                "bad" if row["unexplained_minor"] else "good",
            ),
        )
        for row in balance.iter_rows(named=True)
    ]
    headers = ("Currency", "Balance transactions", "Payouts", "Payouts with entries", "Unexplained")
    table(headers, rows, numbers=headers[1:], caption="Stripe's balance", colours=view.colours)


def unexplained_frame(rows: pl.DataFrame) -> None:
    """Movements of the balance and payouts that nothing explains, newest first."""
    found = list(rows.iter_rows(named=True))
    shown = pl.DataFrame(
        {
            "Object": [row["object"].replace("_", " ") for row in found],
            "Id": [row["id"] for row in found],
            "Of": [row["source_id"] or NONE for row in found],
            **{
                name: [money(row[f"{name.lower()}_minor"], row["currency"]) for row in found]
                for name in ("Booked", "Explained", "Unexplained")
            },
            "Why": [row["reason"] for row in found],
        }
    )
    st.dataframe(shown, hide_index=True, placeholder=NONE, alt="Movements that nothing explains, newest first")


def unknown_frame(values: pl.DataFrame) -> None:
    """Values that we keep and do not know, the most frequent first."""
    shown = values.select(
        pl.col("value").alias("Value"),
        pl.col("field").alias("Field"),
        pl.col("table_name").alias("Table"),
        pl.col("row_count").alias("Rows"),
    )
    st.dataframe(shown, hide_index=True, placeholder=NONE, alt="Unknown values, the most frequent first")


def load_frame(loads: pl.DataFrame, view: View) -> None:
    """The newest loads with their counts; read = loaded + duplicates + unchanged + quarantined."""
    moments = [stamp(aware(moment), view.zone) for moment in loads["loaded_at"]]
    shown = loads.select(
        pl.Series("Loaded at", moments, dtype=pl.String),
        pl.col("source").alias("Source"),
        pl.col("input_name").alias("Input"),
        *(pl.col(name.lower()).alias(name) for name in _RIGHT),
    )
    st.dataframe(
        shown,
        hide_index=True,
        placeholder=NONE,
        height=min(420, 38 + 35 * max(shown.height, 1)),
        column_config={name: st.column_config.NumberColumn(format="localized") for name in _RIGHT},
        alt="Loads, newest first",
    )
