"""Signing in with a password, and renewing what that gave.

Both answer the same for a name that nobody has, a disabled user and a wrong password, after the same time.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select, update

from pipelines.accounts.attempts import count_attempt, forget_attempts
from pipelines.accounts.passwords import fits, hash_password, is_current
from pipelines.accounts.tokens import Pair, end_family, folded, new_pair, token_hash
from pipelines.errors import MillstreamError
from pipelines.state import reading, record, writing
from pipelines.state.tables import tokens, users

_RENEWS_NOTHING = "this token renews nothing; sign in again."


class WrongPasswordError(MillstreamError):
    """Nobody can be let in with this."""


def sign_in(engine: Engine, name: str, password: str, *, now: datetime) -> Pair:
    """An access and a refresh token for a name and its password.

    Raises:
        WaitError: after too many wrong passwords.
        WrongPasswordError: unknown, disabled, without a password, or another one.
    """
    name = folded(name)
    count_attempt(engine, name, now)
    with reading(engine) as connection:
        found = connection.execute(select(users).where(users.c.name == name)).first()
    kept = found.password_hash if found is not None and found.disabled_at is None else None
    if not fits(password, kept) or kept is None:
        raise WrongPasswordError("the name or the password is wrong.")
    # Before the transaction: a quarter of a second that no other writer should wait for.
    better = None if is_current(kept) else hash_password(password)
    with writing(engine) as connection:
        # Whoever was disabled, or got another password, while this one was looked at stays out.
        same = (users.c.name == name, users.c.password_hash == kept, users.c.disabled_at.is_(None))
        if connection.execute(select(users.c.name).where(*same)).first() is None:
            raise WrongPasswordError("the name or the password is wrong.")
        if better:
            connection.execute(update(users).where(*same).values(password_hash=better))
        pair = new_pair(connection, name, None, now=now)
        record(connection, at=now, actor=name, action="user.sign_in", subject=name)
    forget_attempts(engine, name)
    return pair


def renew(engine: Engine, refresh: str, *, now: datetime) -> Pair:
    """Another pair for a refresh token, which is used up; its access token ends with it.

    Raises:
        WrongPasswordError: unknown, over, ended, of a disabled user, or used before: then all of its sign-in ends.
    """
    asked = (
        select(tokens.c.user, tokens.c.family, tokens.c.ended_at, tokens.c.expires_at, users.c.disabled_at)
        .join_from(tokens, users, tokens.c.user == users.c.name)
        .where(tokens.c.token_hash == token_hash(refresh), tokens.c.kind == "refresh")
    )
    with reading(engine) as connection:
        # Whoever guesses does not make the writers wait.
        if connection.execute(asked).first() is None:
            raise WrongPasswordError(_RENEWS_NOTHING)
    with writing(engine) as connection:
        row = connection.execute(asked).first()
        pair = None
        if row is not None:
            end_family(connection, row.family, now)
            if row.ended_at is None and row.expires_at > now and row.disabled_at is None:
                pair = new_pair(connection, row.user, row.family, now=now)
    if pair is None:
        raise WrongPasswordError(_RENEWS_NOTHING)
    return pair
