"""Opening DuckDB: the one place that does it, so that every connection behaves the same."""

from __future__ import annotations

import duckdb

MEMORY = ":memory:"


def connect(path: str = MEMORY) -> duckdb.DuckDBPyConnection:
    """A connection in UTC that prints nothing; `path` is a database file, left out it lives in memory."""
    connection = duckdb.connect(path)
    connection.execute("set TimeZone = 'UTC'")
    # Unless told so, the Python client draws a bar on stdout when a query takes two seconds.
    connection.execute("set enable_progress_bar = false")
    return connection
