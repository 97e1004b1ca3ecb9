"""Suppression: addresses that get no mail whatever they agreed to (bounces, complaints, unsubscribes)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from pipelines.state import record
from pipelines.state.tables import suppressions

ALL = "all"


def suppress(connection: Connection, key: str, *, reason: str, source: str, now: datetime, scope: str = ALL) -> bool:
    """Suppress the address with this key, in the caller's transaction; the first reason stays.

    Returns whether it is new. `scope` is `all`, or the one purpose that is refused.
    """
    known = select(suppressions.c.reason).where(suppressions.c.address_key == key, suppressions.c.scope == scope)
    if connection.execute(known).first() is not None:
        return False
    connection.execute(
        insert(suppressions).values(address_key=key, scope=scope, reason=reason, source=source, created_at=now)
    )
    record(connection, at=now, actor=source, action="suppression.add", subject=key, details={"reason": reason})
    return True
