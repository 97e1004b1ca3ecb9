"""`millstream build`, `rebuild` and `prune`: make derived data and free it, without fetching anything."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipelines.cli.output import emit, note
from pipelines.settings import load_settings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


class Part(StrEnum):
    """Whose marts to rebuild."""

    all = "all"
    stripe = "stripe"
    events = "events"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("build")(build)
    app.command("rebuild")(rebuild)
    app.command("prune")(prune)


def build(
    select: Annotated[Part, typer.Option(help="Only this source's marts.")] = Part.all,
    as_json: AsJson = False,
) -> None:
    """Build the models over what is in the warehouse, check them, publish a snapshot."""
    from pipelines.operations import build as build_snapshot

    settings = load_settings()
    number = build_snapshot(settings, select=select.value, now=settings.now(), progress=note)
    emit({"snapshot": number}) if as_json else print(f"Snapshot {number} is published.")


def rebuild(as_json: AsJson = False) -> None:
    """Make warehouse, lake and a snapshot anew from the landing zone and the state store."""
    from pipelines.operations import rebuild as rebuild_all

    settings = load_settings()
    number = rebuild_all(settings, now=settings.now(), progress=note)
    emit({"snapshot": number}) if as_json else print(f"Everything was rebuilt; snapshot {number} is published.")


def prune(as_json: AsJson = False) -> None:
    """Free what no kept snapshot and no listed event file needs."""
    from pipelines.warehouse import Warehouse
    from pipelines.warehouse import prune as prune_files
    from pipelines.warehouse.lake import lake_files

    settings = load_settings()
    with Warehouse(settings).write("millstream prune") as connection:
        deleted = prune_files(settings, lake_in_use=set(lake_files(connection)))
    emit({"deleted_files": deleted}) if as_json else print(f"{deleted:,} file(s) were deleted.")
