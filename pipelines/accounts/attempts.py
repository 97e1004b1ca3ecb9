"""Wrong passwords: from the fifth on each makes its name wait, twice as long every time, a quarter of an hour at most.

An attempt is counted before the password is looked at and taken back when it fits, in transactions of one writer: many
at once count as many. A crash between the two leaves one attempt too many. Names that nobody has are counted like
others, by a hash, so that waiting does not tell who is known.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select, update

from pipelines.errors import MillstreamError
from pipelines.state import writing
from pipelines.state.tables import sign_in_attempts as attempts

FREE = 5
"""So many wrong passwords cost nothing."""
LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(days=1)
"""After so long without an attempt a name begins anew."""
KEPT = 10_000
"""Names at most; of more the oldest are forgotten, so that made-up names do not fill the store."""


class WaitError(MillstreamError):
    """Too many wrong passwords for this name."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong passwords for this name; wait {seconds} seconds. Nothing was changed.")
        self.seconds = seconds


def count_attempt(engine: Engine, name: str, now: datetime) -> None:
    """Count one attempt of a name.

    Raises:
        WaitError: it has to wait; then this attempt is not counted.
    """
    key = _key(name)
    with writing(engine) as connection:
        connection.execute(delete(attempts).where(attempts.c.last_at < now - FORGOTTEN))
        row = connection.execute(select(attempts).where(attempts.c.name_key == key)).first()
        if row is None:
            newest = select(attempts.c.name_key).order_by(attempts.c.last_at.desc(), attempts.c.name_key)
            surplus: list[str] = list(connection.scalars(newest.offset(KEPT - 1)))
            if surplus:
                connection.execute(delete(attempts).where(attempts.c.name_key.in_(surplus)))
            connection.execute(insert(attempts).values(name_key=key, times=1, last_at=now))
            return
        left = row.last_at + wait_after(row.times) - now
        if left > timedelta():
            raise WaitError(-(-left // timedelta(seconds=1)))
        values = {"times": row.times + 1, "last_at": now}
        connection.execute(update(attempts).where(attempts.c.name_key == key).values(**values))


def forget_attempts(engine: Engine, name: str) -> None:
    """The password fitted: the name begins anew."""
    with writing(engine) as connection:
        connection.execute(delete(attempts).where(attempts.c.name_key == _key(name)))


def wait_after(count: int) -> timedelta:
    """How long a name waits after so many attempts in a row."""
    return timedelta() if count < FREE else min(LONGEST, timedelta(seconds=2 ** min(count - FREE, 20)))


def _key(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
