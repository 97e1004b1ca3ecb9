"""A connection prints nothing: stdout belongs to the answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.warehouse import connect

ROOT = Path(__file__).parents[2]


# A bar is drawn after two seconds, and written when the process ends.
LONG = """
import time
from pipelines.warehouse import connect
rows, taken = 100_000_000, 0.0
with connect() as connection:
    while taken < 2.2:
        began = time.monotonic()
        connection.execute("select count(*) from range($rows) as numbers (i) where i % 7 = 3", {"rows": rows})
        taken = time.monotonic() - began
        rows = int(rows * max(1.5, 2.4 / taken))
"""


def test_a_query_that_takes_seconds_draws_no_bar() -> None:
    done = subprocess.run([sys.executable, "-c", LONG], capture_output=True, check=True)
    assert done.stdout == b""


def test_moments_are_read_in_utc() -> None:
    with connect() as connection:
        assert connection.execute("select timestamptz '2026-03-29 01:30:00'::varchar").fetchone() == (
            "2026-03-29 01:30:00+00",
        )


def test_nobody_else_opens_a_connection() -> None:
    files = [*ROOT.glob("pipelines/**/*.py"), *ROOT.glob("dashboards/**/*.py")]
    assert [path.name for path in files if "duckdb.connect(" in path.read_text()] == ["engine.py"]
