"""Suppression: addresses that get no mail whatever they agreed to (bounces, complaints, unsubscribes).

A scope is `all`, one list (the purpose of a campaign), or `group:N`, an unsubscribe group of SendGrid's. Nobody
here knows which of our lists such a group stands for, so whoever left one is mailed by none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, or_, select

from pipelines.errors import UsageError
from pipelines.privacy.hiding import hidden_keys, hide_all
from pipelines.state import among, record
from pipelines.state.tables import suppressions

ALL = "all"
GROUP = "group:"
BATCH = 500
_THESE = select(suppressions.c.address_key, suppressions.c.scope).where(among(suppressions.c.address_key, "names"))
# Made once: a sender asks for every few mails.
_REFUSING = _THESE.where(
    or_(
        suppressions.c.scope == ALL,
        suppressions.c.scope == bindparam("purpose"),
        suppressions.c.scope.like(f"{GROUP}%"),
    )
)
SCOPE = re.compile(r"[a-z0-9_-]{1,40}|group:\d{1,18}")


def check_scope(scope: str) -> str:
    """The scope itself.

    Raises:
        UsageError: no list can have this name.
    """
    if not SCOPE.fullmatch(scope):
        raise UsageError(f"{scope[:60]!r} is no scope: write all, the name of a list, or group:N. Nothing was changed.")
    return scope


def suppress(connection: Connection, key: str, *, reason: str, source: str, now: datetime, scope: str = ALL) -> bool:
    """Suppress the address with this key, in the caller's transaction; the first reason stays.

    Returns whether it is new. `scope` is `all`, or the one list that is refused.
    """
    hide_all(connection)
    hidden = hidden_keys(connection, [key])[key]
    known = select(suppressions.c.reason).where(suppressions.c.address_key == hidden, suppressions.c.scope == scope)
    if connection.execute(known).first() is not None:
        return False
    connection.execute(
        insert(suppressions).values(
            address_key=hidden, scope=scope, reason=reason, source=source, created_at=now, is_hidden=True
        )
    )
    details: dict[str, object] = {"reason": reason, "scope": scope}
    record(connection, at=now, actor=source, action="suppression.add", subject=hidden, details=details)
    return True


def lift(
    connection: Connection,
    key: str,
    *,
    actor: str,
    now: datetime,
    scope: str | None = None,
    reason: str | None = None,
) -> int:
    """Take suppressions of this address back, in the caller's transaction; returns how many there were.

    Those of one `scope` or of every one; with `reason` only those that have it.
    """
    hide_all(connection)
    hidden = hidden_keys(connection, [key])[key]
    these = [suppressions.c.address_key == hidden]
    these += [suppressions.c.scope == scope] if scope is not None else []
    these += [suppressions.c.reason == reason] if reason is not None else []
    lifted = connection.execute(delete(suppressions).where(*these)).rowcount
    if lifted:
        details: dict[str, object] = {"scope": scope, "count": lifted}
        record(connection, at=now, actor=actor, action="suppression.remove", subject=hidden, details=details)
    return lifted


def suppressed(connection: Connection, keys: Iterable[str], purpose: str) -> set[str]:
    """Those of the address keys that a campaign of this purpose may not mail."""
    return {key for key, _ in _found(connection, keys, _REFUSING, purpose=purpose)}


def scopes_of(connection: Connection, keys: Iterable[str]) -> set[tuple[str, str]]:
    """Which scopes each of these address keys is suppressed for."""
    return set(_found(connection, keys, _THESE))


def _found(
    connection: Connection, keys: Iterable[str], wanted: Select[tuple[str, str]], **asked: str
) -> Iterator[tuple[str, str]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, BATCH)):
        # What an older version stored is bare until somebody writes.
        names = {hidden: key for key, hidden in hidden_keys(connection, batch).items()} | {key: key for key in batch}
        rows = connection.execute(wanted, {"names": list(names), **asked})
        yield from ((names[row.address_key], row.scope) for row in rows)


def listed(connection: Connection, *, scope: str | None = None, key: str | None = None) -> list[dict[str, Any]]:
    """Every suppression, the newest first: its hidden key, scope, reason, source and time. No address is known."""
    columns = suppressions.c
    chosen = select(
        columns.address_key.label("key"), columns.scope, columns.reason, columns.source, columns.created_at
    ).order_by(columns.created_at.desc(), columns.address_key, columns.scope)
    if scope is not None:
        chosen = chosen.where(columns.scope == scope)
    if key is not None:
        chosen = chosen.where(columns.address_key.in_((key, *hidden_keys(connection, [key]).values())))
    return [dict(row) for row in connection.execute(chosen).mappings()]


def has_hidden(connection: Connection) -> bool:
    """Whether there is a suppression that does not tell its address key."""
    return (
        connection.execute(select(suppressions.c.scope).where(suppressions.c.is_hidden.is_(True))).first() is not None
    )


def names_of(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """The address key behind each hidden key in the store, of the address keys that are given."""
    there: set[str] = set(
        connection.scalars(select(suppressions.c.address_key).where(suppressions.c.is_hidden.is_(True)))
    )
    return {hidden: key for key, hidden in hidden_keys(connection, keys).items() if hidden in there}
