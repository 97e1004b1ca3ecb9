"""How far the feed of one account has come: a few rows of the state store, written together or not at all.

A checkpoint is written only after everything it speaks of is in the landing zone. So a crash before
it repeats requests, and a crash after it finds them done; neither loses anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, get_args

from sqlalchemy import Engine, delete, insert, select

from pipelines.faults import fault_point
from pipelines.state import reading, writing
from pipelines.state.tables import cursors

Name = Literal["events", "seen", "webhooks", "listing", "daily", "moment"]
"""events: seconds up to which every event was read; seen: ids of the last minutes' events that were
followed; webhooks: the last landed segment that was followed; listing: what an unfinished listing has
left to do; daily: seconds of the last daily listing; moment: the newest version time that was given."""


class Checkpoints:
    """The checkpoints of one account in one mode."""

    def __init__(self, state: Engine, account: str, mode: str) -> None:
        self._state = state
        self._prefix = f"stripe/{account}/{mode}/"
        # Read once: who holds the warehouse's lock is the only one that writes them.
        names = [self._prefix + name for name in get_args(Name)]
        with reading(state) as connection:
            rows = connection.execute(select(cursors.c.name, cursors.c.value).where(cursors.c.name.in_(names)))
            self._values: dict[str, str] = {str(name): str(value) for name, value in rows}

    def read(self, name: Name) -> str | None:
        """The value, or None where there is none yet."""
        return self._values.get(self._prefix + name)

    def moment(self, name: Name) -> datetime | None:
        """A value that is a number of seconds (since 1970) as a moment."""
        value = self.read(name)
        return None if value is None else datetime.fromtimestamp(float(value), UTC)

    def write(self, values: dict[Name, str | None], *, now: datetime) -> None:
        """Set these values, and drop those that are None, in one transaction."""
        fault_point("stripe.before_checkpoint")
        names = [self._prefix + name for name in values]
        rows = [
            {"name": self._prefix + name, "value": value, "updated_at": now}
            for name, value in values.items()
            if value is not None
        ]
        with writing(self._state) as connection:
            connection.execute(delete(cursors).where(cursors.c.name.in_(names)))
            if rows:
                connection.execute(insert(cursors), rows)
        self._values = {name: value for name, value in self._values.items() if name not in names}
        self._values |= {str(row["name"]): str(row["value"]) for row in rows}
        fault_point("stripe.after_checkpoint")
