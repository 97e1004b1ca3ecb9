"""Campaigns as they are kept: save, list, show, approve.

An approval stands for one content: a campaign that is saved with another content becomes a draft
again, and one that has begun to send is not changed any more.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select, update

from pipelines.campaigns.content import Templates
from pipelines.campaigns.document import Content, stored
from pipelines.campaigns.states import find, move
from pipelines.errors import MillstreamError, UsageError
from pipelines.segments import lookup_of
from pipelines.settings import Settings
from pipelines.state import reading, record, writing
from pipelines.state.tables import campaigns


def save(engine: Engine, content: Content, now: datetime, *, actor: str = "cli") -> bool:
    """Keep a campaign and its body under its name; returns whether anything changed.

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
        values = {
            "document": content.canonical(),
            "html": content.html,
            "text": content.text,
            "content_hash": hash_,
            "state": "draft",
            "approved_by": None,
            "approved_at": None,
            "updated_at": now,
        }
        if kept is None:
            connection.execute(insert(campaigns).values(name=name, created_at=now, **values))
        else:
            connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))
        details: dict[str, object] = {"content_hash": hash_}
        record(connection, at=now, actor=actor, action="campaign.save", subject=name, details=details)
    return True


def load(engine: Engine, name: str) -> Content:
    """One campaign with its body.

    Raises:
        UsageError: there is none of this name.
    """
    with reading(engine) as connection:
        row = find(connection, name)
    return stored(row.document, row.html, row.text)


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
    }


def listing(engine: Engine) -> list[dict[str, Any]]:
    """Every campaign with its state, by name."""
    columns = (campaigns.c.name, campaigns.c.state, campaigns.c.reason, campaigns.c.updated_at)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(campaigns.c.name)).mappings().all()
    return [dict(row) for row in rows]


def approve(engine: Engine, settings: Settings, name: str, now: datetime, *, user: str) -> str:
    """Freeze a campaign's content and let it be sent; returns the frozen hash.

    Raises:
        UsageError: unknown name or segment, or the content must not go out as it is.
        MillstreamError: no postal address is set, or the campaign is no draft.
    """
    content = load(engine, name)
    Templates(content).check()
    if lookup_of(engine)(content.document.segment) is None:
        raise UsageError(f"segment: there is no segment {content.document.segment!r}. Nothing was approved.")
    if not settings.postal_address.strip():
        raise MillstreamError(
            "every mail has to carry a postal address and none is set. Nothing was approved. "
            "Set MILLSTREAM_POSTAL_ADDRESS."
        )
    with writing(engine) as connection:
        row = find(connection, name)
        if row.content_hash != content.content_hash():
            raise MillstreamError(f"campaign {name} changed meanwhile. Nothing was approved; look at it again.")
        move(connection, name, "approved", now=now, actor=user)
        frozen = update(campaigns).where(campaigns.c.name == name)
        connection.execute(frozen.values(approved_by=user, approved_at=now))
    return content.content_hash()
