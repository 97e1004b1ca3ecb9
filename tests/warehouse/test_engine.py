"""A connection prints nothing: stdout belongs to the answer."""

from __future__ import annotations

from pathlib import Path

from pipelines.warehouse import connect

ROOT = Path(__file__).parents[2]


def test_a_long_query_draws_no_bar() -> None:
    with connect() as connection:
        assert connection.execute("select current_setting('enable_progress_bar')").fetchone() == (False,)


def test_moments_are_read_in_utc() -> None:
    with connect() as connection:
        assert connection.execute("select timestamptz '2026-03-29 01:30:00'::varchar").fetchone() == (
            "2026-03-29 01:30:00+00",
        )


def test_nobody_else_opens_a_connection() -> None:
    files = [*ROOT.glob("pipelines/**/*.py"), *ROOT.glob("dashboards/**/*.py")]
    assert [path.name for path in files if "duckdb.connect(" in path.read_text()] == ["engine.py"]
