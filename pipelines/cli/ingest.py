"""`millstream ingest stripe|events|rates`: bring data in; nothing is published by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import emit, note, table
from pipelines.errors import UsageError
from pipelines.moments import end_of_day
from pipelines.settings import is_zone, load_settings

if TYPE_CHECKING:
    from pipelines.landing.summary import LoadSummary

group = typer.Typer(help="Bring payments and events in. Publishes nothing.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="ingest")


@group.command("stripe")
def stripe(
    source: Annotated[
        list[str] | None,
        typer.Option("--from", help="Files of Stripe objects or events instead of the API; more paths may follow."),
    ] = None,
    paths: Annotated[list[str] | None, typer.Argument(help="More files for --from.", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="List everything again instead of what changed.")] = False,
    account: Annotated[
        str | None,
        typer.Option(help="One account; acct_... asks for a connected one. Otherwise MILLSTREAM_STRIPE_ACCOUNTS."),
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The time that bare objects in files stand for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Stripe objects, from the API (incremental) or from files (--from)."""
    from pipelines.stripe import ingest_files, sync_accounts

    settings = load_settings()
    if paths and not source:
        raise UsageError("files need --from: millstream ingest stripe --from FILE...")
    if source:
        if full:
            raise UsageError("--full lists everything at Stripe; it can not be joined with --from.")
        files = [*source, *(paths or [])]
        moment = end_of_day(as_of, settings.reporting_timezone)
        _report(ingest_files(settings, files, account=account or "default", as_of=moment, now=settings.now()), as_json)
        return
    accounts = settings.stripe_accounts if account is None else (account,)
    _report(sync_accounts(settings, accounts, full=full, now=settings.now(), progress=note), as_json)


@group.command("events")
def events(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or globs: JSON lines, CSV, Parquet (.gz, .zst).")],
    maps: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN: the column that carries our field.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Zone of times that carry none.")] = "UTC",
    as_json: AsJson = False,
) -> None:
    """Event logs from files; each file and each event once."""
    from pipelines.events import ingest_files

    settings = load_settings()
    _check_zone(timezone)
    summary = ingest_files(settings, paths, mapping=parse_maps(maps), timezone=timezone, now=settings.now())
    _report(summary, as_json)


@group.command("rates")
def rates(
    source: Annotated[
        str | None,
        typer.Argument(help="A CSV or zip, or its address; left out: MILLSTREAM_RATES.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Exchange rates (units for one euro): date,currency,rate, or the European Central Bank's own files."""
    from pipelines.rates import ingest_rates

    settings = load_settings()
    wanted = source or settings.rates
    if wanted is None:
        raise UsageError("which rates? Write millstream ingest rates FILE_OR_ADDRESS, or set MILLSTREAM_RATES.")
    if not wanted.startswith(("http://", "https://")) and not Path(wanted).expanduser().is_file():
        raise UsageError(f"there is no file {wanted}; nothing was changed.")
    _report(ingest_rates(settings, wanted, now=settings.now()), as_json)


def parse_maps(maps: list[str] | None) -> dict[str, str]:
    """`--map FIELD=COLUMN` options as a mapping.

    Raises:
        UsageError: an option without `=`.
    """
    pairs = [given.partition("=") for given in maps or []]
    for given, (field, sign, column) in zip(maps or [], pairs, strict=True):
        if not (field and sign and column):
            raise UsageError(f"--map {given}: write FIELD=COLUMN, for example --map anonymous_id=visitor_id.")
    return {field: column for field, _, column in pairs}


def _check_zone(name: str) -> None:
    if not is_zone(name):
        raise UsageError(f"--timezone {name}: there is no such time zone; write one like Europe/Berlin.")


def _report(summary: LoadSummary, as_json: bool) -> None:
    if as_json:
        emit(summary.document())
        return
    fields = ("files", "read", "loaded", "duplicates", "unchanged", "unknown", "quarantined")
    table(fields, [[f"{getattr(summary, name):,}" for name in fields]], numbers=range(len(fields)))
    if summary.quarantined:
        note(f"{summary.quarantined:,} line(s) were set aside with file, line and reason in the folder quarantine/.")
