"""Tokens: long random words, told once and kept as hashes.

Three kinds: `access` opens the API for an hour, `refresh` renews that pair once, `api` is a script's own and lasts for
days. Tokens of one sign-in are a family; a refresh token that comes a second time was stolen or its answer was lost, so
the whole family ends. A crash between a commit and the answer leaves tokens that nobody knows; they end by themselves.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, select, update

from pipelines.errors import UsageError
from pipelines.state import reading, record, writing
from pipelines.state.tables import tokens, users

ACCESS = timedelta(hours=1)
REFRESH = timedelta(days=30)
API_DAYS = 366
"""The longest life of a script's token."""
_KEPT = timedelta(days=30)
"""An ended token is kept so long, so that a list can show it."""
_PREFIX = {"access": "ma_", "refresh": "mr_", "api": "mt_"}


@dataclass(frozen=True)
class Token:
    """A script's token as it is kept."""

    token_id: str
    label: str
    ending: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True)
class Holder:
    """Whose token it is."""

    name: str
    role: str


@dataclass(frozen=True)
class Pair:
    """What a sign-in gives."""

    access: str
    refresh: str


def folded(name: str) -> str:
    """A user's name as it is kept: in lower case."""
    return name.strip().lower()


def token_hash(token: str) -> str:
    """What is kept of a token; it is long and random, so a plain hash tells nothing of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def holder_of(engine: Engine, token: str, *, now: datetime) -> Holder | None:
    """Who may ask with this token, by what the state store says now; None where nobody may.

    It is found by its hash: how long that takes tells nothing of a token that exists.
    """
    asked = (
        select(users.c.name, users.c.role)
        .join_from(tokens, users, tokens.c.user == users.c.name)
        .where(
            tokens.c.token_hash == token_hash(token),
            tokens.c.kind.in_(("access", "api")),
            tokens.c.ended_at.is_(None),
            tokens.c.expires_at > now,
            users.c.disabled_at.is_(None),
        )
    )
    with reading(engine) as connection:
        row = connection.execute(asked).first()
    return None if row is None else Holder(row.name, row.role)


def make_token(
    engine: Engine, name: str, *, label: str, life: timedelta, now: datetime, actor: str = "cli"
) -> tuple[str, Token]:
    """A token for a user's script; the first part is told once and not kept.

    Raises:
        UsageError: no such user, a disabled one, or a life that is too long.
    """
    if not timedelta() < life <= timedelta(days=API_DAYS):
        raise UsageError(f"a token lives for 1 to {API_DAYS} days. Nothing was made.")
    name = folded(name)
    with writing(engine) as connection:
        user = connection.execute(select(users).where(users.c.name == name)).first()
        if user is None or user.disabled_at is not None:
            what = "there is no user" if user is None else "disabled is the user"
            raise UsageError(f"{what} {name!r}; `millstream user list` shows them. Nothing was made.")
        family = secrets.token_hex(8)
        token = new_token(connection, name, "api", family, now + life, now=now, label=label[:100])
        details: dict[str, object] = {"token_id": family, "expires_at": (now + life).isoformat()}
        record(connection, at=now, actor=actor, action="user.token", subject=name, details=details)
        (kept,) = (one for one in tokens_of(connection, name) if one.token_id == family)
    return token, kept


def revoke_token(engine: Engine, name: str, token_id: str, *, now: datetime, actor: str = "cli") -> None:
    """End one of a user's tokens, at once.

    Raises:
        UsageError: they have none of this id.
    """
    name = folded(name)
    with writing(engine) as connection:
        if token_id not in {one.token_id for one in tokens_of(connection, name)}:
            raise UsageError(
                f"{name} has no token {token_id!r}; `millstream user list` shows them. Nothing was changed."
            )
        end_family(connection, token_id, now)
        details: dict[str, object] = {"token_id": token_id}
        record(connection, at=now, actor=actor, action="user.token.revoke", subject=name, details=details)


def new_pair(connection: Connection, name: str, family: str | None, *, now: datetime) -> Pair:
    """An access and a refresh token; `family` left out begins a new one."""
    family = family or secrets.token_hex(8)
    return Pair(
        new_token(connection, name, "access", family, now + ACCESS, now=now),
        new_token(connection, name, "refresh", family, now + REFRESH, now=now),
    )


def new_token(
    connection: Connection, name: str, kind: str, family: str, expires_at: datetime, *, now: datetime, label: str = ""
) -> str:
    """Make a token in the caller's transaction; those that ended long ago are dropped on the way."""
    connection.execute(delete(tokens).where(tokens.c.expires_at < now - _KEPT))
    token = _PREFIX[kind] + secrets.token_urlsafe(32)
    values = {
        "token_hash": token_hash(token),
        "user": name,
        "kind": kind,
        "family": family,
        "label": label,
        "ending": token[-4:],
        "created_at": now,
        "expires_at": expires_at,
    }
    connection.execute(insert(tokens).values(**values))
    return token


def tokens_of(connection: Connection, name: str) -> tuple[Token, ...]:
    """The tokens of a user's scripts, the newest first."""
    mine = select(tokens).where(tokens.c.user == name, tokens.c.kind == "api")
    rows = connection.execute(mine.order_by(tokens.c.created_at.desc(), tokens.c.family)).all()
    return tuple(Token(row.family, row.label, row.ending, row.created_at, row.expires_at, row.ended_at) for row in rows)


def end_family(connection: Connection, family: str, now: datetime) -> None:
    """End every token of one sign-in."""
    mine = (tokens.c.family == family, tokens.c.ended_at.is_(None))
    connection.execute(update(tokens).where(*mine).values(ended_at=now))


def end_tokens(connection: Connection, name: str, kinds: tuple[str, ...], now: datetime) -> None:
    """End a user's tokens of these kinds."""
    mine = (tokens.c.user == name, tokens.c.kind.in_(kinds), tokens.c.ended_at.is_(None))
    connection.execute(update(tokens).where(*mine).values(ended_at=now))
