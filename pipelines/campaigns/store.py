"""Campaigns as they are kept: save, list, show, approve.

An approval stands for one content: a campaign that is saved with another content becomes a draft
again, and one that has begun to send is not changed any more.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from pipelines.campaigns.approval import check_approver, is_second, saved_it
from pipelines.campaigns.audience import audience
from pipelines.campaigns.document import Content, stored
from pipelines.campaigns.lint import SETUP, Finding, lint, lint_setup
from pipelines.campaigns.states import find, move
from pipelines.errors import MillstreamError, UsageError
from pipelines.segments import lookup_of
from pipelines.settings import Settings
from pipelines.state import reading, record, writing
from pipelines.state.tables import campaigns


def save(engine: Engine, content: Content, now: datetime, *, actor: str = "cli") -> bool:
    """Keep a campaign and its bodies under its name; returns whether anything changed.

    Raises:
        MillstreamError: it has begun to send or is over.
    """
    name, hash_ = content.document.name, content.content_hash()
    with writing(engine) as connection:
        kept = connection.execute(select(campaigns).where(campaigns.c.name == name)).first()
        if kept is not None and kept.content_hash == hash_:
            return False
        if kept is not None and kept.state not in ("draft", "approved"):
            raise MillstreamError(
                f"campaign {name} is {kept.state}, so its content stays. Nothing was saved. Save it under another name."
            )
        if kept is None:
            _insert(connection, content, now, actor)
        else:
            values = _values(content, now, actor)
            connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))
        details: dict[str, object] = {"content_hash": hash_}
        record(connection, at=now, actor=actor, action="campaign.save", subject=name, details=details)
    return True


def keep_new(engine: Engine, content: Content, now: datetime, *, actor: str, copied_from: str) -> bool:
    """Keep a copy under its name; False where there is a campaign of this name."""
    name = content.document.name
    with writing(engine) as connection:
        if connection.execute(select(campaigns.c.name).where(campaigns.c.name == name)).first() is not None:
            return False
        _insert(connection, content, now, actor)
        details: dict[str, object] = {"from": copied_from, "content_hash": content.content_hash()}
        record(connection, at=now, actor=actor, action="campaign.copy", subject=name, details=details)
    return True


def _insert(connection: Connection, content: Content, now: datetime, actor: str) -> None:
    values = _values(content, now, actor)
    connection.execute(insert(campaigns).values(name=content.document.name, created_at=now, **values))


def _values(content: Content, now: datetime, actor: str) -> dict[str, object]:
    return {
        "document": content.canonical(),
        "html": content.html,
        "text": content.text,
        "bodies": content.stored_bodies(),
        "content_hash": content.content_hash(),
        "state": "draft",
        "saved_by": actor,
        "approved_by": None,
        "approved_at": None,
        "updated_at": now,
    }


def load(engine: Engine, name: str) -> Content:
    """One campaign with its body.

    Raises:
        UsageError: there is none of this name.
    """
    with reading(engine) as connection:
        row = find(connection, name)
    return stored(row.document, row.html, row.text, row.bodies)


def show(engine: Engine, name: str) -> dict[str, Any]:
    """One campaign as a document for people and scripts."""
    with reading(engine) as connection:
        row = find(connection, name)
    return {
        "name": row.name,
        "state": row.state,
        "reason": row.reason,
        "content_hash": row.content_hash,
        "approved_by": row.approved_by,
        "approved_at": row.approved_at,
        "snapshot": row.snapshot,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "document": json.loads(row.document),
        "html": row.html,
        "text": row.text,
        "bodies": json.loads(row.bodies),
    }


def listing(engine: Engine) -> list[dict[str, Any]]:
    """Every campaign with its state, by name."""
    columns = (campaigns.c.name, campaigns.c.state, campaigns.c.reason, campaigns.c.updated_at)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(campaigns.c.name)).mappings().all()
    return [dict(row) for row in rows]


def findings(engine: Engine, settings: Settings, content: Content) -> list[Finding]:
    """Everything that is wrong with a campaign, what blocks its approval first."""
    found = [*lint(content), *lint_setup(content, settings)]
    segment = content.document.segment
    if lookup_of(engine)(segment) is None:
        found.append(Finding("blocks", "unknown_segment", "segment", f"there is no segment {segment!r}"))
    return sorted(found, key=lambda finding: finding.level != "blocks")


def approve(engine: Engine, settings: Settings, name: str, now: datetime, *, user: str) -> str:
    """Freeze a campaign's content and let it be sent; returns the frozen hash.

    Of one that is approved by who saved it, another's approval is the second person's: nothing else changes.

    Raises:
        UsageError: unknown name or segment, or the content must not go out as it is: everything that blocks.
        MillstreamError: the installation lacks something, the campaign is no draft, or somebody else has to do it.
    """
    content = load(engine, name)
    _refuse(findings(engine, settings, content))
    with reading(engine) as connection:
        alone = saved_it(find(connection, name), user)
    # Before the transaction: no writer should wait for a count over the snapshot.
    people = _size(engine, settings, content) if alone else None
    with writing(engine) as connection:
        row = find(connection, name)
        if row.content_hash != content.content_hash():
            raise MillstreamError(f"campaign {name} changed meanwhile. Nothing was approved; look at it again.")
        check_approver(connection, row, user, limit=settings.approval_above, people=people)
        if is_second(row, user):
            record(connection, at=now, actor=user, action="campaign.second_approval", subject=name)
        else:
            move(connection, name, "approved", now=now, actor=user)
        frozen = update(campaigns).where(campaigns.c.name == name)
        connection.execute(frozen.values(approved_by=user, approved_at=now))
    return content.content_hash()


def _size(engine: Engine, settings: Settings, content: Content) -> int | None:
    """How many people it would be mailed to now; None where nothing is published."""
    from pipelines.warehouse import SnapshotReader  # Late: sending needs no snapshot.

    snapshot = SnapshotReader(settings.published_dir).current()
    if snapshot is None:
        return None
    with reading(engine) as connection:
        return sum(one.state == "planned" for one in audience(connection, engine, snapshot, settings, content))


def _refuse(found: list[Finding]) -> None:
    blocking = [finding for finding in found if finding.level == "blocks"]
    if blocking:
        told = "; ".join(f"{finding.place}: {finding.message}" for finding in blocking)
        is_content = any(finding.code not in SETUP for finding in blocking)
        raise (UsageError if is_content else MillstreamError)(f"{told}. Nothing was approved.")
