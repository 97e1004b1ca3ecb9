"""`millstream suppression`: addresses that get no mail, whatever they agreed to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import emit, note, table
from pipelines.settings import load_settings

group = typer.Typer(help="Addresses that get no mail, whatever they agreed to.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The address.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="suppression")


@group.command("list")
def list_them(
    scope: Annotated[str | None, typer.Option(help="Only those of this scope: all, a list, or group:N.")] = None,
    email: Annotated[str | None, typer.Option(help="Only those of this address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every suppression, the newest first. The store does not know whose they are: each has a hidden key."""
    from pipelines.privacy import address_key
    from pipelines.privacy.suppression import check_scope, listed
    from pipelines.state import open_state, reading

    settings = load_settings()
    key = address_key(email) if email is not None else None
    with reading(open_state(settings)) as connection:
        found = listed(connection, scope=check_scope(scope) if scope is not None else None, key=key)
    if as_json:
        emit({"total": len(found), "suppressions": found})
        return
    rows = [
        (row["key"][:12], row["scope"], row["reason"], row["source"], f"{row['created_at']:%Y-%m-%d %H:%M} UTC")
        for row in found
    ]
    table(("key", "scope", "reason", "source", "since"), rows)


@group.command("add")
def add(
    email: Email,
    scope: Annotated[str, typer.Option(help="all, or the list that is refused.")] = "all",
    reason: Annotated[str, typer.Option(help="Why; the first reason stays.")] = "manual",
    as_json: AsJson = False,
) -> None:
    """Mail this address no more; again it changes nothing."""
    from pipelines.privacy import address_key, suppress
    from pipelines.privacy.suppression import check_scope
    from pipelines.state import open_state, writing

    settings = load_settings()
    key, scope = address_key(email), check_scope(scope)
    with writing(open_state(settings)) as connection:
        is_new = suppress(connection, key, reason=reason[:40], source="command line", now=settings.now(), scope=scope)
    if as_json:
        emit({"added": is_new, "scope": scope})
    else:
        print(f"Suppressed ({scope})." if is_new else f"It was suppressed before ({scope}); nothing changed.")


@group.command("remove")
def remove(
    email: Email,
    scope: Annotated[str | None, typer.Option(help="Only this scope; left out, every one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take suppressions of this address back. Consent is not given by it; SendGrid keeps lists of its own."""
    from pipelines.privacy import address_key, lift
    from pipelines.privacy.suppression import check_scope
    from pipelines.state import open_state, writing

    settings = load_settings()
    key = address_key(email)
    wanted = check_scope(scope) if scope is not None else None
    with writing(open_state(settings)) as connection:
        count = lift(connection, key, actor="command line", now=settings.now(), scope=wanted)
    if as_json:
        emit({"removed": count, "scope": wanted})
    else:
        print(f"{count} suppression(s) taken back." if count else "There was none; nothing changed.")


@group.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV: email, and perhaps scope, reason, source.")],
    as_json: AsJson = False,
) -> None:
    """Suppress every address of a file; importing it twice changes nothing."""
    from pipelines.privacy import import_suppressions, read_suppression_file
    from pipelines.state import open_state

    settings = load_settings()
    result = import_suppressions(open_state(settings), read_suppression_file(file), settings.now())
    if as_json:
        emit(result.document())
    else:
        print(f"{result.added:,} suppressed, {result.unchanged:,} known before, {len(result.bad):,} bad lines.")
    for line, problem in result.bad[:20]:
        note(f"{file.name}, line {line}: {problem}")


@group.command("reconcile")
def reconcile(as_json: AsJson = False) -> None:
    """Read SendGrid's own lists, add what is missing here, and tell the differences. Scheduled nightly."""
    from pipelines.delivery.sendgrid_lists import reconcile_lists
    from pipelines.state import open_state

    settings = load_settings()
    found = reconcile_lists(settings, open_state(settings), now=settings.now(), progress=note)
    if as_json:
        emit(found.document())
        return
    rows = [(one.name, f"{one.theirs:,}", f"{one.added:,}", f"{one.bad:,}") for one in found.lists]
    table(("list", "at SendGrid", "added here", "no address"), rows, numbers=(1, 2, 3))
    if found.only_here is not None:
        print(f"{found.only_here:,} suppressions came from SendGrid and are in none of its lists any more; they stay.")
