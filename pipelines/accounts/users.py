"""Users: a name, a role, and a password where they have one. Each call is one transaction, with its audit entry.

Whoever only runs a script needs no password: a token is made for them. Disabling ends every token, and what was ended
stays so when the user is enabled again. A crash before a commit leaves nothing, after it all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from pipelines.accounts.passwords import check_password, hash_password
from pipelines.accounts.roles import ROLES
from pipelines.accounts.tokens import Token, end_tokens, folded, tokens_of
from pipelines.errors import UsageError
from pipelines.state import reading, record, writing
from pipelines.state.tables import users as table

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")


@dataclass(frozen=True)
class User:
    """Somebody who may ask, with the tokens that were made for their scripts."""

    name: str
    role: str
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None
    tokens: tuple[Token, ...]


def add_user(engine: Engine, name: str, role: str, password: str | None, *, now: datetime, actor: str = "cli") -> None:
    """Make a user; without a password only tokens open anything.

    Raises:
        UsageError: a name, a role or a password that can not be one, or the name is taken.
    """
    name = folded(name)
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can not name a user: letters, digits and . _ @ + - only. Nothing was made.")
    _check_role(role)
    hashed = None if password is None else _hashed(password)
    with writing(engine) as connection:
        if _exists(connection, name):
            raise UsageError(f"there is a user {name} already. Nothing was made.")
        values = {"name": name, "role": role, "password_hash": hashed, "created_at": now}
        connection.execute(insert(table).values(**values))
        record(connection, at=now, actor=actor, action="user.add", subject=name, details={"role": role})


def users(engine: Engine) -> list[User]:
    """Every user by name."""
    with reading(engine) as connection:
        rows = connection.execute(select(table).order_by(table.c.name)).all()
        return [
            User(
                row.name,
                row.role,
                row.password_hash is not None,
                row.created_at,
                row.disabled_at,
                tokens_of(connection, row.name),
            )
            for row in rows
        ]


def role_of(connection: Connection, name: str) -> str | None:
    """The role of the user of this name; None where nobody has it. One that is disabled is a `reader`'s at most."""
    row = connection.execute(select(table.c.role, table.c.disabled_at).where(table.c.name == folded(name))).first()
    if row is None:
        return None
    return str(row.role) if row.disabled_at is None else ROLES[0]


def set_password(engine: Engine, name: str, password: str, *, now: datetime, actor: str = "cli") -> None:
    """Give a user another password; who is signed in with the old one is signed out. Scripts' tokens stay.

    Raises:
        UsageError: no such user, or a password that can not be one.
    """
    hashed = _hashed(password)
    _change(engine, name, {"password_hash": hashed}, "user.passwd", now=now, actor=actor, ends=("access", "refresh"))


def set_role(engine: Engine, name: str, role: str, *, now: datetime, actor: str = "cli") -> None:
    """Give a user another role, at once and for the tokens that they have.

    Raises:
        UsageError: no such user or role.
    """
    _check_role(role)
    _change(engine, name, {"role": role}, "user.role", now=now, actor=actor, details={"role": role})


def disable(engine: Engine, name: str, *, now: datetime, actor: str = "cli") -> None:
    """Let a user do nothing any more, from this moment; all their tokens end.

    Raises:
        UsageError: there is no such user.
    """
    ends = ("access", "refresh", "api")
    _change(engine, name, {"disabled_at": now}, "user.disable", now=now, actor=actor, ends=ends)


def enable(engine: Engine, name: str, *, now: datetime, actor: str = "cli") -> None:
    """Let a disabled user in again; tokens that ended stay ended.

    Raises:
        UsageError: there is no such user.
    """
    _change(engine, name, {"disabled_at": None}, "user.enable", now=now, actor=actor)


def _change(
    engine: Engine,
    name: str,
    values: Mapping[str, object],
    action: str,
    *,
    now: datetime,
    actor: str,
    ends: tuple[str, ...] = (),
    details: dict[str, object] | None = None,
) -> None:
    name = folded(name)
    with writing(engine) as connection:
        if not _exists(connection, name):
            raise UsageError(f"there is no user {name!r}; `millstream user list` shows them. Nothing was changed.")
        connection.execute(update(table).where(table.c.name == name).values(**values))
        end_tokens(connection, name, ends, now)
        record(connection, at=now, actor=actor, action=action, subject=name, details=details)


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(select(table.c.name).where(table.c.name == name)) is not None


def _hashed(password: str) -> str:
    check_password(password)
    return hash_password(password)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"{role!r} is no role; write one of {', '.join(ROLES)}. Nothing was changed.")
