"""A segment of certain people: those of an answer, as they were when it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipelines.documents import problems
from pipelines.errors import UsageError
from pipelines.segments.document import SegmentDocument
from pipelines.segments.fields import MART

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

MOST = 10_000
"""More people are asked for by a rule: a document is read by people too."""


def known_people(snapshot: Snapshot, people: Sequence[str]) -> list[str]:
    """Those of these people who can be in a segment: visitors of whom nothing is known can not."""
    found = snapshot.query(f"select person_id from {MART} where person_id in (select unnest($people))", people=people)
    return sorted(found["person_id"])


def listed_segment(name: str, description: str, people: Sequence[str]) -> SegmentDocument:
    """The segment of these people.

    Raises:
        UsageError: they are none or too many, or the name is none.
    """
    if not 0 < len(people) <= MOST:
        raise UsageError(f"a segment of certain people lists 1 to {MOST:,}, and here are {len(people):,}")
    trait = {"field": "person_id", "op": "in", "value": list(people)}
    try:
        return SegmentDocument.model_validate(
            {"name": name, "description": description, "match": {"all": [{"trait": trait}]}}
        )
    except ValidationError as error:
        raise problems(error, "segment") from None
