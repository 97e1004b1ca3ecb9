"""Answers about segments as documents: what `millstream segment ... --json` prints and the API answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.errors import UsageError
from pipelines.moments import end_of_day
from pipelines.segments.ask import members, overlap, preview, tables_of
from pipelines.segments.comparison import OPS
from pipelines.segments.document import SegmentDocument
from pipelines.segments.earlier import has_history
from pipelines.segments.fields import snapshot_fields
from pipelines.segments.reach import reach
from pipelines.segments.stays import history, stays
from pipelines.segments.store import lookup_of
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


def told_fields(snapshot: Snapshot) -> dict[str, Any]:
    """What a rule may ask about a person."""
    found = snapshot_fields(snapshot)
    return {
        "fields": [
            {
                "field": name,
                "kind": one.kind,
                "ops": sorted(OPS[one.kind]),
                "has_history": has_history(name, tables_of(snapshot)),
                "meaning": one.meaning,
            }
            for name, one in found.items()
        ]
    }


def told_preview(
    engine: Engine, snapshot: Snapshot, settings: Settings, document: SegmentDocument, as_of: str | None = None
) -> dict[str, Any]:
    """How many fit, a few of them, how many each rule loses, and how many may be mailed."""
    zone = settings.reporting_timezone
    moment = end_of_day(as_of, zone)
    answer = preview(snapshot, document, moment, timezone=zone, lookup=lookup_of(engine))
    return answer | reach(engine, snapshot, document, settings.consent, moment, timezone=zone)


def told_members(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    document: SegmentDocument,
    as_of: str | None = None,
    *,
    with_history: bool = False,
) -> dict[str, Any]:
    """Everybody in a segment, by person id; with its history also who entered and left, as the runs wrote it down."""
    zone = settings.reporting_timezone
    moment = end_of_day(as_of, zone)
    found = members(snapshot, document, moment, timezone=zone, lookup=lookup_of(engine))
    answer = {
        "segment": document.name,
        "size": len(found),
        "members": found,
        "as_of": moment or snapshot.as_of,
        "snapshot": snapshot.number,
    }
    if with_history:
        answer |= {"history": history(engine, document.name), "stays": stays(engine, document.name)}
    return answer


def told_overlap(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    documents: Sequence[SegmentDocument],
    as_of: str | None = None,
) -> dict[str, Any]:
    """How many people segments share.

    Raises:
        UsageError: fewer than two of them.
    """
    check_several(documents)
    zone = settings.reporting_timezone
    return overlap(snapshot, documents, end_of_day(as_of, zone), timezone=zone, lookup=lookup_of(engine))


def check_several(documents: Sequence[SegmentDocument]) -> None:
    """Refuse to compare a segment with itself.

    Raises:
        UsageError: fewer than two of them.
    """
    if len({document.name for document in documents}) < 2:
        raise UsageError("name two or more segments: `millstream segment overlap FIRST SECOND`.")
