"""Write down who is in each segment: entries and exits, with the moment at which they were seen.

All segments change in one transaction, so the history never mixes two snapshots. Running again on
the same data changes nothing; somebody who leaves and comes back at the same moment never left.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from pipelines.faults import fault_point
from pipelines.segments.ask import memberships as inside
from pipelines.segments.store import listing, load, lookup_of
from pipelines.state import writing
from pipelines.state.tables import segment_memberships as memberships

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


class Change(NamedTuple):
    """What one run changed in one segment."""

    segment: str
    members: int
    entered: int
    left: int


def materialise(engine: Engine, snapshot: Snapshot, now: datetime, *, timezone: str = "UTC") -> list[Change]:
    """Bring the membership history of every segment up to this snapshot, seen at `now`.

    Raises:
        UsageError: a saved rule can not be meant of this snapshot; nothing was changed.
    """
    lookup = lookup_of(engine)
    names = [row["name"] for row in listing(engine)]
    documents = [load(engine, name) for name in names]
    found = inside(snapshot, documents, timezone=timezone, lookup=lookup)
    with writing(engine) as connection:
        changes = [_bring_up(connection, name, people, now) for name, people in found.items()]
        fault_point("segments.before_commit")
    return changes


def _bring_up(connection: Connection, name: str, people: set[str], now: datetime) -> Change:
    own = memberships.c.segment == name
    open_rows = connection.execute(
        select(memberships.c.person_id, memberships.c.entered_at).where(own, memberships.c.left_at.is_(None))
    ).all()
    entered_at: dict[str, datetime] = {row.person_id: row.entered_at for row in open_rows}
    gone = sorted(entered_at.keys() - people)
    new = sorted(people - entered_at.keys())
    one = (own, memberships.c.person_id == bindparam("person"), memberships.c.left_at.is_(None))
    # A stay of no length is no stay: it is taken out instead of being closed.
    stayed = [{"person": person} for person in gone if entered_at[person] < now]
    passed = [{"person": person} for person in gone if entered_at[person] >= now]
    if stayed:
        connection.execute(update(memberships).where(*one).values(left_at=now), stayed)
    if passed:
        connection.execute(delete(memberships).where(*one), passed)
    back: set[str] = set(connection.scalars(select(memberships.c.person_id).where(own, memberships.c.left_at == now)))
    returned = [{"person": person} for person in new if person in back]
    if returned:
        same = (own, memberships.c.person_id == bindparam("person"), memberships.c.left_at == now)
        connection.execute(update(memberships).where(*same).values(left_at=None), returned)
    fresh = [{"segment": name, "person_id": person, "entered_at": now} for person in new if person not in back]
    if fresh:
        connection.execute(insert(memberships), fresh)
    return Change(name, len(people), len(new), len(gone))
