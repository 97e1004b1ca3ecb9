"""Segments as their room tells them. Never cached but for the choices: a rule is asked as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.queries.cache import per_snapshot
from dashboards.queries.health import state_engine
from pipelines.segments import (
    NEEDED,
    Field,
    SegmentDocument,
    estimate,
    export_members,
    gallery,
    history,
    listing,
    load,
    lookup_of,
    member_rows,
    overlap,
    people_count,
    preview,
    reach,
    save,
    snapshot_fields,
    stays,
)
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot

MANY = 50_000
"""People: of fewer the exact number comes as fast as an estimate."""
EMAILS = "marts.fct_email_events"


@dataclass(frozen=True)
class Look:
    """What a rule finds now: the command line's preview, and who the people are."""

    answer: dict[str, Any]
    people: list[str]


def all_segments(settings: Settings) -> list[dict[str, Any]]:
    """Every saved segment, by name."""
    return listing(state_engine(settings))


def saved_segment(settings: Settings, name: str) -> SegmentDocument:
    """One saved segment."""
    return load(state_engine(settings), name)


def look(settings: Settings, snapshot: Snapshot, document: SegmentDocument) -> Look:
    """Ask a rule of the snapshot, saved or not.

    Raises:
        UsageError: it can not be meant; the message names the path.
    """
    engine, zone = state_engine(settings), settings.reporting_timezone
    lookup = lookup_of(engine)
    answer = preview(snapshot, document, timezone=zone, lookup=lookup)
    rows = member_rows(snapshot, document, NEEDED, timezone=zone, lookup=lookup)
    answer |= reach(engine, snapshot, document, settings.consent, timezone=zone, rows=rows)
    return Look(answer, [row["person_id"] for row in rows])


def guess(settings: Settings, snapshot: Snapshot, document: SegmentDocument) -> int | None:
    """About how many a rule finds, told before the exact number; None where that takes no time anyway.

    Raises:
        UsageError: it can not be meant; the message names the path.
    """
    zone = settings.reporting_timezone
    if everybody(snapshot) < MANY:
        return None
    return estimate(snapshot, document, timezone=zone, lookup=lookup_of(state_engine(settings)))


@per_snapshot
def everybody(snapshot: Snapshot) -> int:
    """How many people there are."""
    return people_count(snapshot)


def shared(settings: Settings, snapshot: Snapshot, names: Sequence[str]) -> dict[str, Any]:
    """How many people segments share, as `millstream segment overlap` tells it."""
    engine = state_engine(settings)
    documents = [load(engine, name) for name in names]
    return overlap(snapshot, documents, timezone=settings.reporting_timezone, lookup=lookup_of(engine))


def past(settings: Settings, name: str) -> list[dict[str, Any]]:
    """Every moment at which a run saw somebody enter or leave, the first one first, with the members after it."""
    return history(state_engine(settings), name)


def newest_stays(settings: Settings, name: str, limit: int) -> list[dict[str, Any]]:
    """Who entered last, and when they left."""
    return stays(state_engine(settings), name, limit)


def ready(settings: Settings) -> list[SegmentDocument]:
    """Segments to begin with."""
    return gallery(settings.reporting_currency)


def keep(settings: Settings, snapshot: Snapshot | None, document: SegmentDocument, *, actor: str) -> bool:
    """Save a segment, as `millstream segment save` does; whether anything changed."""
    return save(
        state_engine(settings),
        document,
        settings.now(),
        snapshot=snapshot,
        timezone=settings.reporting_timezone,
        actor=actor,
    )


def members_csv(settings: Settings, snapshot: Snapshot, name: str, *, actor: str, sees_addresses: bool) -> bytes:
    """The members as `millstream segment export --members` prints them; the export is audited."""
    text, _ = export_members(
        state_engine(settings),
        snapshot,
        name,
        settings.now(),
        timezone=settings.reporting_timezone,
        actor=actor,
        sees_addresses=sees_addresses,
    )
    return text.encode()


@per_snapshot
def fields(snapshot: Snapshot) -> dict[str, Field]:
    """What a rule may ask about a person."""
    return snapshot_fields(snapshot)


@per_snapshot
def mailed_campaigns(snapshot: Snapshot) -> list[str]:
    """The campaigns that the mailer told something of."""
    if not snapshot.has(EMAILS):
        return []
    rows = snapshot.query(f"select distinct campaign from {EMAILS} where campaign is not null order by campaign")
    return [str(name) for name in rows["campaign"]]


@per_snapshot
def common_values(snapshot: Snapshot, *, field: str, limit: int = 40) -> Sequence[str]:
    """The values of a text trait, most people first; to choose from, others may be typed."""
    if field not in snapshot_fields(snapshot):
        return []
    counted = pl.DataFrame(
        snapshot.query(
            f'select "{field}" as value, count(*) as people from marts.dim_customers'
            f' where "{field}" is not null group by 1 having count(*) > 1 order by people desc, value limit $limit',
            limit=limit,
        )
    )
    return [str(value) for value in counted["value"]]
