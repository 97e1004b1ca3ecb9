"""`millstream doctor`: what is wrong here, and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.output import emit, note, table
from pipelines.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("doctor")(doctor)


def doctor(
    is_offline: Annotated[bool, typer.Option("--offline", help="Ask neither Stripe nor the mailer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """What is wrong with settings, keys, disk or data, or stuck, and how to mend it. Changes nothing, exit 0."""
    from pipelines.operations.doctor import examine

    found = examine(load_settings(), is_offline=is_offline)
    if as_json:
        emit(found)
        return
    for problem in found["problems"]:
        print(f"! {problem['what']}\n  {problem['mend']}")
    if not found["problems"]:
        print("Nothing is wrong.")
    if found["sources"]:
        names = ("source", "row_count", "newest_row_at", "last_loaded_at", "quarantined")
        cells = [[row[name] for name in names] for row in found["sources"]]
        table(("source", "rows", "newest row", "last load", "set aside"), cells, numbers=(1, 4))
    used = sum(found["disk"]["used_bytes"].values())
    note(f"data folder {used / 1024**2:,.0f} MB, {found['disk']['free_bytes'] / 1024**3:,.0f} GB free")
    if found["stripe"] is not None and found["stripe"]["key"] is not None:
        note(f"Stripe: {found['stripe']['key']} key, {found['stripe']['mode']} mode")
    if found["snapshot"] is not None:
        passed = sum(check["is_passed"] for check in found["checks"])
        note(f"as of {found['as_of']}, snapshot {found['snapshot']}, {passed} of {len(found['checks'])} checks passed")
