"""Ask a snapshot who fits a rule: the members, and a preview with what each rule costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pipelines.errors import MillstreamError
from pipelines.privacy import mask
from pipelines.segments.compile import EVENTS, Compiled, Lookup, Question, compile_rules
from pipelines.segments.document import SegmentDocument
from pipelines.segments.fields import MART, money, snapshot_fields
from pipelines.segments.sentence import phrases, sentence

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

SAMPLE = 10
BATCH = 10_000
"""People that are read at once."""
ONE_IN = 64
"""An estimate looks at one in so many people."""
_SAMPLE_FIELDS = ("person_id", "email", "country", "plan", "subscription_status")

_EVERYBODY = SegmentDocument.model_validate({"name": "everybody", "match": {"all": []}})


def no_segment(_name: str) -> SegmentDocument | None:
    """The lookup of a rule that stands alone."""
    return None


def tables_of(snapshot: Snapshot) -> frozenset[str]:
    """What the snapshot has."""
    return frozenset([*snapshot.manifest.tables, *snapshot.manifest.views])


def question(
    snapshot: Snapshot,
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
    sampled: int | None = None,
) -> Question:
    """A question to this snapshot; `as_of` left out is the moment the snapshot stands for.

    Raises:
        MillstreamError: the snapshot has no people yet.
    """
    fields = snapshot_fields(snapshot)
    if not fields:
        raise MillstreamError(f"{MART} is not published yet. Load data and run `millstream run`.")
    moment = as_of or snapshot.as_of

    def facts(names: Sequence[str]) -> tuple[list[str], dict[str, object]]:
        from pipelines.behaviour import facts_sql

        with closing(snapshot.cursor()) as cursor:
            return facts_sql(cursor, EVENTS, names)

    return Question(
        fields,
        moment,
        timezone,
        lookup,
        tables_of(snapshot),
        facts,
        looks_back=moment < snapshot.as_of,
        sampled=sampled,
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
    compiled = compile_rules([document], asked)
    return _rows(snapshot, compiled, asked, traits, limit, where=compiled.truths[0])


def best_first(
    snapshot: Snapshot,
    document: SegmentDocument,
    traits: Sequence[str],
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
) -> Iterator[dict[str, Any]]:
    """The members with these traits as `member_rows` gives them, whoever paid most often first.

    They are read as they are asked for: a million of them are never in memory at once.
    """
    asked = question(snapshot, as_of, timezone=timezone, lookup=lookup)
    compiled = compile_rules([document], asked)
    known = _known(asked, traits)
    sql = compiled.select(_columns(known), where=compiled.truths[0])
    paid = 'coalesce(p."payments_count", 0) desc, ' if "payments_count" in asked.fields else ""
    sql += f' order by {paid}p."person_id"'
    lacking = dict.fromkeys(name for name in traits if name not in known)
    with closing(snapshot.cursor()) as cursor:
        cursor.execute(sql, _bound(sql, compiled.values))
        while batch := cursor.fetchmany(BATCH):
            people = (dict(zip(known, row, strict=True)) for row in batch)
            yield from (person | lacking for person in people) if lacking else people


def memberships(
    snapshot: Snapshot,
    documents: Sequence[SegmentDocument],
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
) -> dict[str, set[str]]:
    """The members of several segments by their names; what people did is read once for all of them."""
    if not documents:
        return {}
    compiled = compile_rules(documents, question(snapshot, as_of, timezone=timezone, lookup=lookup))
    numbers = range(len(documents))
    sql = compiled.of_truths("*", where=" or ".join(f"t{number}" for number in numbers))
    with closing(snapshot.cursor()) as cursor:
        found = cursor.execute(sql, _bound(sql, compiled.values)).pl()
    return {document.name: set(found.filter(found[f"t{n}"])["person_id"]) for n, document in enumerate(documents)}


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
    compiled = compile_rules([document], asked)
    # One look at everything: the sizes, and of those who are left the first few.
    steps = [" and ".join(f"r{n}" for n in range(count + 1)) for count in range(len(compiled.rules))]
    left_sql = "".join(f", count(*) filter (where {step})" for step in steps)
    few = f"min(person_id, {SAMPLE:d}) filter (where t0)"
    everybody, *left, some = _fetch(snapshot, compiled.of_truths(f"count(*){left_sql}, {few}"), compiled.values)[0]
    parts = zip(compiled.rules, phrases(document), [everybody, *left], left, strict=False)
    return {
        "size": left[-1] if left else everybody,
        "sample": _sample(snapshot, some or [], as_of, timezone),
        "sentence": sentence(document),
        "loss_by_rule": [
            {"rule": path, "words": words, "left": after, "lost": before - after}
            for (path, _), words, before, after in parts
        ],
        "as_of": asked.as_of,
        "snapshot": snapshot.number,
    }


def estimate(
    snapshot: Snapshot,
    document: SegmentDocument,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
    one_in: int = ONE_IN,
) -> int:
    """About how many fit, by a part of the people: those are always the same, so a rule's changes show."""
    asked = question(snapshot, timezone=timezone, lookup=lookup, sampled=one_in)
    compiled = compile_rules([document], asked)
    return one_in * int(_fetch(snapshot, compiled.of_truths("count(*)", where="t0"), compiled.values)[0][0])


def people_count(snapshot: Snapshot, as_of: datetime | None = None, *, timezone: str = "UTC") -> int:
    """How many people there are: those of whom a segment is a share."""
    compiled = compile_rules([_EVERYBODY], question(snapshot, as_of, timezone=timezone))
    return int(_fetch(snapshot, compiled.select("count(*)"), compiled.values)[0][0])


def overlap(
    snapshot: Snapshot,
    documents: Sequence[SegmentDocument],
    as_of: datetime | None = None,
    *,
    timezone: str = "UTC",
    lookup: Lookup = no_segment,
) -> dict[str, Any]:
    """The size of each segment, of what all of them share, and for each pair how many are in both or one only."""
    asked = question(snapshot, as_of, timezone=timezone, lookup=lookup)
    documents = list({one.name: one for one in documents}.values())
    compiled = compile_rules(documents, asked)
    names = [one.name for one in documents]
    truths = [f"t{number}" for number in range(len(names))]
    pairs = list(combinations(range(len(names)), 2))
    wanted = [*truths, " and ".join(truths), " or ".join(truths), *(f"t{one} and t{two}" for one, two in pairs)]
    counted = ", ".join(f"count(*) filter (where {truth})" for truth in wanted)
    row = _fetch(snapshot, compiled.of_truths(counted), compiled.values)[0]
    sizes, (in_all, in_any), both = row[: len(names)], row[len(names) : len(names) + 2], row[len(names) + 2 :]
    return {
        "segments": [{"segment": name, "size": size} for name, size in zip(names, sizes, strict=True)],
        "in_all": in_all,
        "in_any": in_any,
        "pairs": [
            {
                "first": names[one],
                "second": names[two],
                "both": shared,
                "only_first": sizes[one] - shared,
                "only_second": sizes[two] - shared,
            }
            for (one, two), shared in zip(pairs, both, strict=True)
        ],
        "as_of": asked.as_of,
        "snapshot": snapshot.number,
    }


def _sample(snapshot: Snapshot, people: list[str], as_of: datetime | None, timezone: str) -> list[dict[str, Any]]:
    trait = {"trait": {"field": "person_id", "op": "in", "value": people}}
    document = SegmentDocument.model_validate({"name": "sample", "match": trait})
    found = member_rows(snapshot, document, _SAMPLE_FIELDS, as_of, timezone=timezone)
    return [{**row, "email": mask(row["email"])} for row in found]


def _rows(
    snapshot: Snapshot,
    compiled: Compiled,
    asked: Question,
    traits: Sequence[str],
    limit: int | None,
    *,
    where: str,
) -> list[dict[str, Any]]:
    known = _known(asked, traits)
    sql = compiled.select(_columns(known), where=where)
    sql += ' order by p."person_id"' + (f" limit {limit:d}" if limit is not None else "")
    lacking = dict.fromkeys(name for name in traits if name not in known)
    return [dict(zip(known, row, strict=True)) | lacking for row in _fetch(snapshot, sql, compiled.values)]


def _known(asked: Question, traits: Sequence[str]) -> list[str]:
    return [name for name in traits if name in asked.fields and name not in money()]


def _columns(known: Sequence[str]) -> str:
    return ", ".join(f'p."{name}"' for name in known)


def _fetch(snapshot: Snapshot, sql: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
    with closing(snapshot.cursor()) as cursor:
        return cursor.execute(sql, _bound(sql, values)).fetchall()


def _bound(sql: str, values: dict[str, object]) -> dict[str, object] | None:
    # The engine refuses values that nothing asks for: those of a rule that says what another says, too.
    used = set(re.findall(r"\$(\w+)", sql))
    return {name: value for name, value in values.items() if name in used} or None
