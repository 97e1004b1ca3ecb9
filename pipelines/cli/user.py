"""`millstream user`: accounts of people and scripts, and the tokens that they ask the API with."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import emit, note, table
from pipelines.errors import UsageError
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pipelines.accounts import User

group = typer.Typer(help="Who may sign in and ask, and with what.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The user's name; an e-mail address will do.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin, for scripts.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="user")


@group.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="reader (figures), marketer (people, too) or admin.")] = "reader",
    from_stdin: FromStdin = False,
    is_script: Annotated[bool, typer.Option("--no-password", help="For a script: only tokens open anything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a user; asks for the password, hidden."""
    from pipelines.accounts import add_user

    if is_script and from_stdin:
        raise UsageError("--no-password and --password-stdin: write one of them.")
    engine = _store()
    password = None if is_script else _password(from_stdin)
    add_user(engine, name, role, password, now=_now())
    _tell(engine, name, as_json, f"made, {role}")


@group.command("list")
def list_them(as_json: AsJson = False) -> None:
    """Every user with their tokens' endings; a token itself is shown only when it is made."""
    from pipelines.accounts import users

    found, now = users(_store()), _now()
    if as_json:
        emit({"users": [_document(user, now) for user in found]})
        return
    rows = [
        (
            user.name,
            user.role,
            "disabled" if user.disabled_at else "yes" if user.has_password else "no",
            ", ".join(f"{one.token_id} …{one.ending} {one.label}".strip() for one in user.tokens if one.is_valid(now)),
        )
        for user in found
    ]
    table(("user", "role", "password", "tokens"), rows)


@group.command("disable")
def disable_them(
    name: Name,
    is_undone: Annotated[bool, typer.Option("--undo", help="Let them in again; ended tokens stay ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a user do nothing any more, from this moment; all their tokens end."""
    from pipelines.accounts import disable, enable

    engine = _store()
    (enable if is_undone else disable)(engine, name, now=_now())
    _tell(engine, name, as_json, "may come in again" if is_undone else "is disabled; their tokens have ended")


@group.command("passwd")
def passwd(name: Name, from_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give a user another password; who is signed in with the old one is signed out."""
    from pipelines.accounts import set_password

    engine = _store()
    set_password(engine, name, _password(from_stdin), now=_now())
    _tell(engine, name, as_json, "has another password")


@group.command("role")
def role_of(
    name: Name,
    role: Annotated[str, typer.Argument(help="reader, marketer or admin.")],
    as_json: AsJson = False,
) -> None:
    """Give a user another role, at once."""
    from pipelines.accounts import set_role

    engine = _store()
    set_role(engine, name, role, now=_now())
    _tell(engine, name, as_json, f"is {role}")


@group.command("token")
def token(
    name: Name,
    days: Annotated[int, typer.Option(help="How long it opens the API; 366 at most.")] = 90,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    revoked: Annotated[
        str | None, typer.Option("--revoke", metavar="ID", help="End this one instead, at once.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for a user's script. It is shown this once."""
    from pipelines.accounts import make_token, revoke_token

    engine = _store()
    if revoked is not None:
        revoke_token(engine, name, revoked, now=_now())
        _tell(engine, name, as_json, f"token {revoked} has ended")
        return
    made, kept = make_token(engine, name, label=label, life=timedelta(days=min(days, 10**6)), now=_now())
    if as_json:
        emit({"user": name.strip().lower(), "token": made, "token_id": kept.token_id, "expires_at": kept.expires_at})
        return
    print(made)
    note(f"It is not kept and not shown again. It opens the API until {kept.expires_at:%Y-%m-%d %H:%M} UTC.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; write --password-stdin. Nothing was changed.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _tell(engine: Engine, name: str, as_json: bool, words: str) -> None:
    from pipelines.accounts import users

    (user,) = (one for one in users(engine) if one.name == name.strip().lower())
    if as_json:
        emit(_document(user, _now()))
    else:
        print(f"user {user.name}: {words}.")


def _document(user: User, now: datetime) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role,
        "has_password": user.has_password,
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
        "tokens": [{**vars(one), "is_valid": one.is_valid(now)} for one in user.tokens],
    }


def _store() -> Engine:
    from pipelines.state import open_state

    return open_state(load_settings())


def _now() -> datetime:
    """The real moment, also over a demo's folder: the gateway judges tokens by it."""
    return datetime.now(UTC)
