from __future__ import annotations

import csv
import io

import polars as pl
import pytest

from pipelines.spreadsheet import csv_text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_plain_text_in_the_file(cell: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(pl.DataFrame({"note": [cell]})), newline="")))
    assert rows == [["note"], [f"'{cell}"]]


def test_numbers_and_harmless_text_stay_as_they_are() -> None:
    frame = pl.DataFrame({"minor": [-5, None], "name": ["Ann = Bob", None]})
    assert csv_text(frame) == "minor,name\n-5,Ann = Bob\n,\n"
