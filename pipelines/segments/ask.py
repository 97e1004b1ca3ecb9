"""Ask a snapshot who fits a rule: the members, and a preview with what each rule costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pipelines.errors import MillstreamError
from pipelines.privacy import mask
from pipelines.segments.compile import Compiled, Lookup, Question, compile_rule
from pipelines.segments.document import SegmentDocument
from pipelines.segments.fields import MART, money, snapshot_fields
from pipelines.segments.sentence import phrases, sentence

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

SAMPLE = 10
_SAMPLE_FIELDS = ("person_id", "email", "country", "plan", "subscription_status")

_EVERYBODY = SegmentDocument.model_validate({"name": "everybody", "match": {"all": []}})


def no_segment(_name: str) -> SegmentDocument | None:
    """The lookup of a rule that stands alone."""
    return None


def question(
    snapshot: Snapshot, as_of: datetime | None = None, *, timezone: str = "UTC", lookup: Lookup = no_segment
) -> Question:
    """A question to this snapshot; `as_of` left out is the moment the snapshot stands for.

    Raises:
        MillstreamError: the snapshot has no people yet.
    """
    fields = snapshot_fields(snapshot)
    if not fields:
        raise MillstreamError(f"{MART} is not published yet. Load data and run `millstream run`.")
    moment = as_of or snapshot.as_of
    return Question(
        fields,
        moment,
        timezone,
        lookup,
        looks_back=moment < snapshot.as_of,
        has_events=snapshot.has("marts.fct_events"),
        has_emails=snapshot.has("marts.fct_email_events"),
    )


def members(
    snapshot: Snapshot,
    document: SegmentDocument,
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
) -> list[str]:
    """The `person_id` of everybody who fits, in order.

    Raises:
        UsageError: the rule can not be meant of this snapshot; the message names the path.
    """
    found = member_rows(snapshot, document, ("person_id",), as_of, timezone=timezone, lookup=lookup)
    return [row["person_id"] for row in found]


def member_rows(
    snapshot: Snapshot,
    document: SegmentDocument,
    traits: Sequence[str],
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """The members with these traits, ordered by `person_id`; a trait that the snapshot lacks is None."""
    asked = question(snapshot, as_of, timezone=timezone, lookup=lookup)
    return _rows(snapshot, compile_rule(document, asked), asked, traits, limit)


def preview(
    snapshot: Snapshot,
    document: SegmentDocument,
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
) -> dict[str, Any]:
    """How many fit, a few of them (addresses masked), and how many each rule leaves and loses in turn."""
    asked = question(snapshot, as_of, timezone=timezone, lookup=lookup)
    compiled = compile_rule(document, asked)
    sql, values = compiled.losses()
    everybody, *left = _fetch(snapshot, sql, values)[0]
    parts = zip(compiled.rules, phrases(document), [everybody, *left], left, strict=False)
    sample = _rows(snapshot, compiled, asked, _SAMPLE_FIELDS, SAMPLE)
    return {
        "size": left[-1] if left else everybody,
        "sample": [{**row, "email": mask(row["email"])} for row in sample],
        "sentence": sentence(document),
        "loss_by_rule": [
            {"rule": path, "words": words, "left": after, "lost": before - after}
            for (path, _), words, before, after in parts
        ],
        "as_of": asked.as_of,
        "snapshot": snapshot.number,
    }


def people_count(snapshot: Snapshot, as_of: datetime | None = None, *, timezone: str = "UTC") -> int:
    """How many people there are: those of whom a segment is a share."""
    asked = question(snapshot, as_of, timezone=timezone)
    sql, values = compile_rule(_EVERYBODY, asked).losses()
    return int(_fetch(snapshot, sql, values)[0][0])


def overlap(
    snapshot: Snapshot,
    documents: Sequence[SegmentDocument],
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
) -> dict[str, Any]:
    """The size of each segment, of what all of them share, and for each pair how many are in both or one only."""
    found = {one.name: set(members(snapshot, one, as_of, timezone=timezone, lookup=lookup)) for one in documents}
    return {
        "segments": [{"segment": name, "size": len(people)} for name, people in found.items()],
        "in_all": len(set.intersection(*found.values())),
        "in_any": len(set.union(*found.values())),
        "pairs": [
            {
                "first": first,
                "second": second,
                "both": len(found[first] & found[second]),
                "only_first": len(found[first] - found[second]),
                "only_second": len(found[second] - found[first]),
            }
            for first, second in combinations(found, 2)
        ],
        "as_of": as_of or snapshot.as_of,
        "snapshot": snapshot.number,
    }


def _rows(
    snapshot: Snapshot, compiled: Compiled, asked: Question, traits: Sequence[str], limit: int | None
) -> list[dict[str, Any]]:
    known = [name for name in traits if name in asked.fields and name not in money()]
    sql, values = compiled.members(", ".join(f'p."{name}"' for name in known))
    sql += ' order by p."person_id"' + (f" limit {limit:d}" if limit is not None else "")
    nothing = dict.fromkeys(traits)
    return [nothing | dict(zip(known, row, strict=True)) for row in _fetch(snapshot, sql, values)]


def _fetch(snapshot: Snapshot, sql: str, values: list[object]) -> list[tuple[Any, ...]]:
    cursor = snapshot.cursor()
    try:
        return cursor.execute(sql, values).fetchall()
    finally:
        cursor.close()
