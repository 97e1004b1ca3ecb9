"""Rows as CSV that is safe to open in a spreadsheet: what people download, on a page or by a command."""

from __future__ import annotations

import polars as pl

_RUNS = r"^[=+\-@\t\r]"


def csv_text(frame: pl.DataFrame) -> str:
    """The frame as CSV; a text that a spreadsheet would run as a formula gets an apostrophe, numbers stay numbers."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    plain = [
        pl.when(pl.col(name).str.contains(_RUNS)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    ]
    return frame.with_columns(plain).write_csv()
