"""`millstream consent import FILE`: who agreed to be mailed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import emit, note
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
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV: email, source, at, proof.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Store consents with their source, time and proof; importing a file twice changes nothing."""
    from pipelines.privacy import import_consents, read_consent_file
    from pipelines.state import open_state

    settings = load_settings()
    rows = read_consent_file(file, settings.reporting_timezone)
    result = import_consents(open_state(settings), rows, settings.now())
    if as_json:
        emit(result.document())
    else:
        known = f"{result.unchanged:,} known before, {len(result.bad):,} bad lines"
        print(f"{result.granted:,} consents stored, {known}.")
    for line, reason in result.bad[:20]:
        note(f"{file.name}, line {line}: {reason}")
