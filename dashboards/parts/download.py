"""A CSV of what stands in a table, safe to open in a spreadsheet.

A text cell that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers.
"""

from __future__ import annotations

import polars as pl
import streamlit as st

_RUNS = r"^[=+\-@\t\r]"


def csv_download(frame: pl.DataFrame, name: str, *, label: str = "Download CSV", key: str) -> None:
    """A button that saves `frame` as `name`, such as `mrr-movements_2025-11-24_2026-11-23_USD.csv`."""
    st.download_button(
        label,
        csv_text(frame).encode(),
        file_name=name,
        mime="text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def csv_text(frame: pl.DataFrame) -> str:
    """The frame as CSV; text that begins like a formula is made plain text."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    plain = [
        pl.when(pl.col(name).str.contains(_RUNS)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    ]
    return frame.with_columns(plain).write_csv()
