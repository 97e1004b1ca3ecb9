"""Sources of events and their write keys: who may send, and as whom.

A key is told once, when it is made; kept is its hash, with its last four characters so that people can tell keys
apart. A rotation makes a new key and lets the ones before it end after a while, so that what is deployed can follow.
Each call is one transaction: a crash before its commit leaves nothing, after it a key that nobody read, and the next
rotation replaces that.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, or_, select, update

from pipelines.errors import UsageError
from pipelines.state import reading, record, writing
from pipelines.state.tables import event_sources, write_keys

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


@dataclass(frozen=True)
class WriteKey:
    """A key as it is kept: by its hash."""

    key_hash: str
    source: str
    ending: str
    created_at: datetime
    expires_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it still opens its source."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True)
class EventSource:
    """A source and its keys, the newest first."""

    name: str
    created_at: datetime
    keys: tuple[WriteKey, ...]

    def document(self, now: datetime) -> dict[str, object]:
        """The source as `millstream source list --json` prints it."""
        keys = [
            {
                "ending": key.ending,
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "is_valid": key.is_valid(now),
            }
            for key in self.keys
        ]
        return {"name": self.name, "created_at": self.created_at, "keys": keys}


def key_hash(key: str) -> str:
    """What is kept of a key; it is long and random, so a plain hash tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def add_source(engine: Engine, name: str, *, now: datetime, actor: str = "cli") -> str:
    """Make a source; returns its write key, which is not kept.

    Raises:
        UsageError: the name can not be one, or is taken.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can not name a source: lower-case letters, digits, - and _. Nothing was made.")
    with writing(engine) as connection:
        if _exists(connection, name):
            raise UsageError(f"there is a source {name} already. `millstream source rotate {name}` makes it a new key.")
        connection.execute(insert(event_sources).values(name=name, created_at=now))
        key = _new_key(connection, name, now)
        record(connection, at=now, actor=actor, action="source.add", subject=name)
    return key


def rotate_key(engine: Engine, name: str, *, overlap: timedelta, now: datetime, actor: str = "cli") -> str:
    """Give a source a new key, which is returned and not kept; the ones before it end after `overlap`.

    Raises:
        UsageError: there is no such source.
    """
    ends = now + overlap
    with writing(engine) as connection:
        if not _exists(connection, name):
            raise UsageError(f"there is no source {name}; `millstream source list` shows them. Nothing was changed.")
        connection.execute(
            update(write_keys)
            .where(write_keys.c.source == name, or_(write_keys.c.expires_at.is_(None), write_keys.c.expires_at > ends))
            .values(expires_at=ends)
        )
        key = _new_key(connection, name, now)
        details: dict[str, object] = {"old_keys_end_at": ends.isoformat()}
        record(connection, at=now, actor=actor, action="source.rotate", subject=name, details=details)
    return key


def list_sources(engine: Engine) -> list[EventSource]:
    """Every source by name."""
    with reading(engine) as connection:
        rows = connection.execute(select(event_sources).order_by(event_sources.c.name)).all()
        keys = read_keys(connection)
    return [EventSource(row.name, row.created_at, tuple(key for key in keys if key.source == row.name)) for row in rows]


def read_keys(connection: Connection) -> list[WriteKey]:
    """Every key, the newest first."""
    newest_first = select(write_keys).order_by(write_keys.c.created_at.desc(), write_keys.c.key_hash)
    return [
        WriteKey(row.key_hash, row.source, row.ending, row.created_at, row.expires_at)
        for row in connection.execute(newest_first)
    ]


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(select(event_sources.c.name).where(event_sources.c.name == name)) is not None


def _new_key(connection: Connection, name: str, now: datetime) -> str:
    key = f"wk_{secrets.token_urlsafe(24)}"
    values = {"key_hash": key_hash(key), "source": name, "ending": key[-4:], "created_at": now}
    connection.execute(insert(write_keys).values(**values))
    return key
