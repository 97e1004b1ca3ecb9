"""`millstream version`: which product and which engines run here."""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Annotated

import typer

from pipelines.cli.output import emit, table

ENGINES = (
    "dagster",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "polars",
    "stripe",
    "sendgrid",
    "great-expectations",
    "streamlit",
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("version")(version)


def version(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Versions of Millstream and of its engines."""
    found = {name: installed(name) for name in ("millstream", *ENGINES)}
    if as_json:
        emit(found)
    else:
        table(("package", "version"), found.items())
