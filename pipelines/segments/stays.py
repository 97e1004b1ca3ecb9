"""Who was in a segment when: the stays that runs wrote down, and how many came and went at each of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, select

from pipelines.segments.store import load
from pipelines.state import reading
from pipelines.state.tables import segment_memberships as memberships


def history(engine: Engine, name: str) -> list[dict[str, Any]]:
    """Every moment at which somebody entered or left, the first one first, with the members after it.

    Raises:
        UsageError: no such segment.
    """
    load(engine, name)
    entered, left = _counted(engine, name, memberships.c.entered_at), _counted(engine, name, memberships.c.left_at)
    found: list[dict[str, Any]] = []
    size = 0
    for moment in sorted(entered.keys() | left.keys()):
        size += entered[moment] - left[moment]
        found.append({"at": moment, "entered": entered[moment], "left": left[moment], "members": size})
    return found


def stays(engine: Engine, name: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Each stay of a person, the newest first; `left_at` is None while it lasts."""
    columns = (memberships.c.person_id, memberships.c.entered_at, memberships.c.left_at)
    rows = select(*columns).where(memberships.c.segment == name)
    rows = rows.order_by(memberships.c.entered_at.desc(), memberships.c.person_id).limit(limit)
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(rows).mappings()]


def _counted(engine: Engine, name: str, moment: ColumnElement[Any]) -> Counter[datetime]:
    counted = (
        select(moment.label("at"), func.count().label("times"))
        .where(memberships.c.segment == name, moment.is_not(None))
        .group_by(moment)
    )
    with reading(engine) as connection:
        return Counter({row.at: row.times for row in connection.execute(counted)})
