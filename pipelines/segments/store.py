"""Segments as they are kept: the documents in the state store, saved only when they can be meant."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, true, update

from pipelines.errors import UsageError
from pipelines.segments.ask import question
from pipelines.segments.compile import Lookup, compile_rules
from pipelines.segments.document import Condition, SegmentDocument
from pipelines.state import reading, record, writing
from pipelines.state.tables import campaigns, segments
from pipelines.state.tables import segment_memberships as memberships

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


def save(
    engine: Engine,
    document: SegmentDocument,
    now: datetime,
    *,
    snapshot: Snapshot | None = None,
    timezone: str = "UTC",
    actor: str = "cli",
) -> bool:
    """Keep a segment under its name; returns whether anything changed.

    With a snapshot its traits and values are checked too; without one (nothing published yet) only
    the references are.

    Raises:
        UsageError: the rule can not be meant, or refers to itself or to a segment that is not there.
    """
    with writing(engine) as connection:
        lookup = _with(document, lookup_in(connection))
        _check_references(document, lookup)
        if snapshot is not None:
            compile_rules([document], question(snapshot, timezone=timezone, lookup=lookup))
        kept = connection.execute(select(segments.c.document_hash).where(segments.c.name == document.name)).scalar()
        if kept == document.content_hash():
            return False
        values = {
            "document": document.canonical(),
            "document_hash": document.content_hash(),
            "updated_at": now,
        }
        if kept is None:
            connection.execute(insert(segments).values(name=document.name, created_at=now, **values))
        else:
            connection.execute(update(segments).where(segments.c.name == document.name).values(**values))
        record(connection, at=now, actor=actor, action="segment.save", subject=document.name)
    return True


def lookup_in(connection: Connection) -> Lookup:
    """Find segments by name over this connection."""

    def find(name: str) -> SegmentDocument | None:
        text = connection.execute(select(segments.c.document).where(segments.c.name == name)).scalar()
        return None if text is None else SegmentDocument.model_validate(json.loads(text))

    return find


def lookup_of(engine: Engine) -> Lookup:
    """Find segments by name, each as it is now."""

    def find(name: str) -> SegmentDocument | None:
        with reading(engine) as connection:
            return lookup_in(connection)(name)

    return find


def load(engine: Engine, name: str) -> SegmentDocument:
    """One segment.

    Raises:
        UsageError: there is none of this name.
    """
    found = lookup_of(engine)(name)
    if found is None:
        raise UsageError(f"there is no segment {name!r}; `millstream segment list` shows those that are saved.")
    return found


def listing(engine: Engine) -> list[dict[str, Any]]:
    """Every segment with description, members when they were last written down, who uses it, and times, by name.

    `campaigns` mail it, the rules of `segments` refer to it. `members` is None for one that no run has looked at yet.
    """
    columns = (segments.c.name, segments.c.document, segments.c.created_at, segments.c.updated_at)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(segments.c.name)).mappings().all()
        inside = _counted(connection, memberships.c.left_at.is_(None))
        seen = _counted(connection, true())
        mailing = connection.execute(select(campaigns.c.name, campaigns.c.document).order_by(campaigns.c.name)).all()
    documents = {row["name"]: SegmentDocument.model_validate(json.loads(row["document"])) for row in rows}
    referring = {name: references(document.match) for name, document in documents.items()}
    users: dict[str, list[str]] = {}
    for row in mailing:
        users.setdefault(str(json.loads(row.document).get("segment")), []).append(row.name)
    return [
        {
            "name": row["name"],
            "description": documents[row["name"]].description,
            "members": inside.get(row["name"], 0 if row["name"] in seen else None),
            "campaigns": users.get(row["name"], []),
            "segments": [name for name, named in referring.items() if row["name"] in named],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
        }
        for row in rows
    ]


def _counted(connection: Connection, which: ColumnElement[bool]) -> dict[str, int]:
    counted = select(memberships.c.segment, func.count().label("times")).where(which).group_by(memberships.c.segment)
    return {row.segment: row.times for row in connection.execute(counted)}


def entries(engine: Engine, name: str) -> dict[str, datetime]:
    """When each present member was first seen in the segment without having left since."""
    here = select(memberships.c.person_id, memberships.c.entered_at).where(
        memberships.c.segment == name, memberships.c.left_at.is_(None)
    )
    with reading(engine) as connection:
        return {row.person_id: row.entered_at for row in connection.execute(here)}


def _with(document: SegmentDocument, lookup: Lookup) -> Lookup:
    return lambda name: document if name == document.name else lookup(name)


def _check_references(document: SegmentDocument, lookup: Lookup) -> None:
    """Refuse circles and names that nobody has, without any data."""
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            circle = " -> ".join([*trail[trail.index(name) :], name])
            raise UsageError(f"a segment can not refer to itself ({circle}). Nothing was saved.")
        if name in done:
            return
        found = lookup(name)
        if found is None:
            raise UsageError(f"{trail[-1]} refers to the segment {name!r}, which is not there. Nothing was saved.")
        for reference in sorted(references(found.match)):
            visit(reference, (*trail, name))
        done.add(name)

    visit(document.name, ())


def references(condition: Condition) -> set[str]:
    """The segments that a condition names."""
    parts = [*(condition.all or []), *(condition.any or []), *([condition.not_] if condition.not_ else [])]
    own = {condition.segment} if condition.segment else set()
    return own.union(*(references(part) for part in parts))
