"""`millstream consent import FILE`: who agreed to be mailed, or was asked whether they do."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import emit, note
from pipelines.errors import UsageError
from pipelines.settings import load_settings

group = typer.Typer(help="Who agreed to be mailed.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="consent")


@group.callback()
def _group() -> None:
    """Who agreed to be mailed."""


@group.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV: email, source, at, and perhaps proof, purpose.")],
    double_opt_in: Annotated[
        bool, typer.Option("--double-opt-in", help="They only asked: each counts once its person confirms by a link.")
    ] = False,
    links: Annotated[
        Path | None,
        typer.Option(help="With --double-opt-in: a CSV file to write each address with its confirm link into."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Store consents with their source, time and proof; importing a file twice changes nothing."""
    from pipelines.privacy import confirm_links, import_consents, read_consent_file, secret_key
    from pipelines.state import open_state

    if links is not None and not double_opt_in:
        raise UsageError("--links goes with --double-opt-in. Nothing was imported.")
    settings = load_settings()
    engine = open_state(settings)
    rows = read_consent_file(file, settings.reporting_timezone)
    result = import_consents(engine, rows, settings.now(), double_opt_in=double_opt_in)
    if links is not None:
        again = read_consent_file(file, settings.reporting_timezone)
        made = confirm_links(engine, again, secret=secret_key(settings), public_url=settings.public_url)
        note(f"{_write(links, made):,} confirm links written to {links}; each lets its holder answer for the person.")
    if as_json:
        emit(result.document())
    elif double_opt_in:
        known = f"{result.unchanged:,} known before, {len(result.bad):,} bad lines"
        print(f"{result.requested:,} consents asked for, {known}. None counts until it is confirmed.")
    else:
        known = f"{result.unchanged:,} known before, {len(result.bad):,} bad lines"
        print(f"{result.granted:,} consents stored, {known}.")
    for line, reason in result.bad[:20]:
        note(f"{file.name}, line {line}: {reason}")


def _write(path: Path, links: Iterable[tuple[str, str]]) -> int:
    """Write the links into a file that only its owner may read; how many there were."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    count = 0
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "confirm_url"))
        for count, row in enumerate(links, start=1):  # noqa: B007 (the last one is the answer)
            writer.writerow(row)
    return count
