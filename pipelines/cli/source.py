"""`millstream source`: who may send events, and the keys they send with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pipelines.cli.output import emit, note, table
from pipelines.settings import Settings, load_settings

group = typer.Typer(help="Who may send events, and with which write key.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The source: a site, an app, a server.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="source")


@group.command("list")
def list_them(as_json: AsJson = False) -> None:
    """Every source with the endings of its keys; a key itself is shown only when it is made."""
    from pipelines.events.sources import list_sources
    from pipelines.state import open_state

    found = list_sources(open_state(load_settings()))
    now = _now()
    if as_json:
        emit({"sources": [source.document(now) for source in found]})
        return
    rows = [
        (source.name, f"…{key.ending}", _when(key.created_at), _when(key.expires_at) if key.expires_at else "no end")
        for source in found
        for key in source.keys
        if key.is_valid(now)
    ]
    table(("source", "key", "made", "valid until"), rows)


@group.command("add")
def add(name: Name, as_json: AsJson = False) -> None:
    """Make a source and its write key, with what to paste. The key is shown this once."""
    from pipelines.events.sources import add_source
    from pipelines.state import open_state

    settings = load_settings()
    _tell(settings, name, add_source(open_state(settings), name, now=_now()), as_json)


@group.command("rotate")
def rotate(
    name: Name,
    hours: Annotated[float, typer.Option(min=0, max=24 * 366, help="How long the old key stays valid.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Give a source a new write key; the old one stays valid for a while."""
    from pipelines.events.sources import rotate_key
    from pipelines.state import open_state

    settings = load_settings()
    overlap = timedelta(hours=hours)
    _tell(settings, name, rotate_key(open_state(settings), name, overlap=overlap, now=_now()), as_json)
    note(f"The key before it stays valid for {hours:g} hours.")


def _tell(settings: Settings, name: str, key: str, as_json: bool) -> None:
    from pipelines.events.snippets import snippets

    url = settings.public_url.rstrip("/")
    pasted = snippets(url, key)
    if as_json:
        emit({"source": name, "write_key": key, "url": url, "snippets": pasted})
        return
    print(f"Write key of {name}: {key}\nIt is not kept and not shown again; a lost one is replaced by a rotation.")
    for language, text in pasted.items():
        print(f"\n{language}:\n\n{text}")


def _when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _now() -> datetime:
    """The real moment, also over a demo's folder: the gateway judges keys by it."""
    return datetime.now(UTC)
