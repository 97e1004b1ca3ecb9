"""Journeys: one person's way through a campaign that follows a segment, from the entry to the last step.

`begin` lets an approved campaign follow its segment from that moment on; whoever is inside then gets nothing.
`advance` takes every journey as far as it has come by `now`: new entries begin one, whoever fits the exit
condition leaves, everybody else whose step is due gets a row in the ledger. Where a journey stands and the row
that it planned are one transaction, and the row's key names campaign, entry, step and address: run late, twice,
or by two at once it plans nothing again. A crash leaves each journey before a step or after it.

The snapshot is asked before the transaction, so that no other writer waits for it; a journey that another one
moved meanwhile is left to that one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, exists, func, insert, select

from pipelines.campaigns.approval import check_size
from pipelines.campaigns.document import CampaignDocument, Content
from pipelines.campaigns.states import OPEN, find, frozen, move
from pipelines.campaigns.stepping import ENTRY, RUNNING, Moved, Step, due_journeys, steps_of, take_further
from pipelines.errors import UsageError
from pipelines.segments import materialise
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import campaigns, journeys, occurrences, recipients
from pipelines.state.tables import segment_memberships as memberships

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

FOLLOWING = "following"
"""The state of the occurrence that says since when entries count: unlike a date it is never over."""


def begin(engine: Engine, snapshot: Snapshot, settings: Settings, name: str, now: datetime, *, actor: str) -> None:
    """Let an approved campaign follow its segment: from now on, whoever enters it begins a journey.

    The membership history is brought up to this snapshot first, so that nobody who is inside counts as an entry
    later. Begun again it goes on from its first beginning.

    Raises:
        UsageError: there is no such campaign, it has no trigger, or a segment can not be meant of this snapshot.
        MillstreamError: it is not approved.
    """
    with reading(engine) as connection:
        _followed(frozen(connection, name))
    materialise(engine, snapshot, now, timezone=settings.reporting_timezone)
    with writing(engine) as connection:
        move(connection, name, "scheduled", now=now, actor=actor)
        if _since(connection, name) is None:
            values = {"campaign": name, "occurrence": ENTRY, "due_at": now, "state": FOLLOWING}
            connection.execute(insert(occurrences).values(**values, snapshot=snapshot.number, planned_at=now))


def advance(engine: Engine, snapshot: Snapshot, settings: Settings, name: str, now: datetime) -> Moved:
    """Take every journey of a campaign as far as it has come; nothing where it is paused or over.

    Raises:
        UsageError: there is no such campaign, it has no trigger, or its segment or exit can not be meant.
        HeldBackError: more people are due than one person alone may let out; nobody was planned.
    """
    moved = Moved()
    with writing(engine) as connection:
        row, content = find(connection, name), frozen(connection, name)
        steps = steps_of(_followed(content))
        if row.state not in RUNNING:
            return moved
        moved.entered = _enter(connection, content.document, steps[0], now)
        check_size(row, _due_count(connection, name, now), limit=settings.approval_above)
    for _ in range(len(steps)):
        # A wait of nothing makes the next step due at once; each round takes every journey one step further.
        if not take_further(engine, snapshot, settings, content, steps, now, moved):
            break
    return moved


def follow(engine: Engine, settings: Settings, name: str, now: datetime, newest: Callable[[], Snapshot]) -> int:
    """What a sender does first with a campaign that has a trigger: begin it, take it on; returns the rows planned.

    `newest` opens the snapshot, where one is needed.
    """
    with reading(engine) as connection:
        state = find(connection, name).state
    if state == "approved":
        begin(engine, newest(), settings, name, now, actor="sender")
    with reading(engine) as connection:
        moves = find(connection, name).state in RUNNING and _moves(connection, name, now) is not None
    return sum(advance(engine, newest(), settings, name, now).planned.values()) if moves else 0


class Follows(NamedTuple):
    """A campaign that follows its segment and has something to do, and since when."""

    campaign: str
    due_at: datetime


def following(engine: Engine, now: datetime) -> list[Follows]:
    """The campaigns of which somebody entered, somebody's step is due, or a sender would find work; changes nothing."""
    joined = select(campaigns.c.name, campaigns.c.state, campaigns.c.updated_at).join(
        occurrences, campaigns.c.name == occurrences.c.campaign
    )
    mine = joined.where(occurrences.c.state == FOLLOWING, campaigns.c.state.in_(RUNNING)).order_by(campaigns.c.name)
    found: list[Follows] = []
    with reading(engine) as connection:
        for row in connection.execute(mine).all():
            left = _left(connection, row.name, row.updated_at, now) if row.state == "sending" else None
            moments = [one for one in (_moves(connection, row.name, now), left) if one is not None]
            found += [Follows(row.name, min(moments))] if moments else []
    return found


def _moves(connection: Connection, name: str, now: datetime) -> datetime | None:
    """Since when a journey is to begin or to go on; None where none is."""
    since, told = _since(connection, name), json.loads(find(connection, name).document)
    if since is None:
        return None
    entries = _entries(name, told["segment"], bool(told["trigger"].get("again")), since)
    entry = connection.execute(entries.limit(1)).first()
    step: datetime | None = connection.scalar(
        select(func.min(journeys.c.due_at)).where(
            journeys.c.campaign == name, journeys.c.state == "active", journeys.c.due_at <= now
        )
    )
    return min((one for one in (step, entry.entered_at if entry else None) if one is not None), default=None)


def _left(connection: Connection, name: str, changed_at: datetime, now: datetime) -> datetime | None:
    """Since when a sender would find a mail that may leave, or that nobody waits any more; None where all wait."""
    may_leave = func.coalesce(recipients.c.not_before, recipients.c.planned_at, type_=recipients.c.planned_at.type)
    waits = (recipients.c.campaign == name, recipients.c.state.in_(OPEN))
    first: datetime | None = connection.scalar(select(func.min(may_leave)).where(*waits))
    if first is None:
        return changed_at
    return first if first <= now else None


def told_journeys(engine: Engine, name: str) -> dict[str, Any]:
    """How many journeys are where, why those that left did, and when the next step is due."""
    table = journeys.c
    mine = table.campaign == name
    counted = select(table.state, table.step, table.reason, func.count().label("times")).where(mine)
    with reading(engine) as connection:
        since = _since(connection, name)
        rows = connection.execute(counted.group_by(table.state, table.step, table.reason)).all()
        due = connection.execute(select(func.min(table.due_at)).where(mine, table.state == "active")).scalar()
    states, waiting, reasons = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        states[row.state] += row.times
        if row.state == "active":
            waiting[row.step] += row.times
        if row.reason:
            reasons[row.reason] += row.times
    return {
        "since": since,
        "next_due_at": due,
        **{state: states[state] for state in ("active", "finished", "exited")},
        "waiting_for": dict(sorted(waiting.items())),
        "reasons": dict(sorted(reasons.items())),
    }


def _followed(content: Content) -> CampaignDocument:
    document = content.document
    if document.trigger is None:
        raise UsageError(f"campaign {document.name} has no 'trigger', so there is no segment for it to follow.")
    return document


def _since(connection: Connection, name: str) -> datetime | None:
    mine = (occurrences.c.campaign == name, occurrences.c.occurrence == ENTRY)
    found: datetime | None = connection.execute(select(occurrences.c.due_at).where(*mine)).scalar()
    return found


def _entries(name: str, segment: str, again: bool, since: datetime) -> Select[Any]:
    """Who is in the segment, entered after the campaign began to follow it, and has no journey for that yet."""
    known: tuple[Any, ...] = (journeys.c.campaign == name, journeys.c.person_id == memberships.c.person_id)
    if again:
        known += (journeys.c.entered_at == memberships.c.entered_at,)
    return (
        select(memberships.c.person_id, memberships.c.entered_at)
        .where(memberships.c.segment == segment, memberships.c.left_at.is_(None))
        .where(memberships.c.entered_at > since, ~exists().where(*known))
        .order_by(memberships.c.entered_at, memberships.c.person_id)
    )


def _due_count(connection: Connection, name: str, now: datetime) -> int:
    found = connection.execute(select(func.count()).select_from(due_journeys(name, now).subquery())).scalar()
    return int(found or 0)


def _enter(connection: Connection, document: CampaignDocument, first: Step, now: datetime) -> int:
    """Begin a journey for every entry; one that comes while the person's last is under way begins none."""
    since = _since(connection, document.name)
    if since is None:
        return 0
    again = document.trigger is not None and document.trigger.again
    under_way = select(journeys.c.person_id).where(journeys.c.campaign == document.name, journeys.c.state == "active")
    busy: set[str] = set(connection.scalars(under_way))
    new = [
        {
            "campaign": document.name,
            "person_id": row.person_id,
            "entered_at": row.entered_at,
            "step": first.name,
            "state": "exited" if row.person_id in busy else "active",
            "reason": "under_way" if row.person_id in busy else None,
            "due_at": None if row.person_id in busy else row.entered_at + first.wait,
            "ended_at": now if row.person_id in busy else None,
        }
        for row in connection.execute(_entries(document.name, document.segment, again, since)).all()
    ]
    if new:
        connection.execute(insert(journeys), new)
    return sum(one["state"] == "active" for one in new)
