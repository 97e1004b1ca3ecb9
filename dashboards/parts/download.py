"""A button that downloads what stands in a table."""

from __future__ import annotations

import polars as pl
import streamlit as st

from pipelines.spreadsheet import csv_text


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
