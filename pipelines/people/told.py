"""Answers about people as documents: what `millstream customer ... --json` prints and the API answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from pipelines.people.profile import Profile, profile
from pipelines.people.search import search
from pipelines.people.timeline import KINDS, Timeline, timeline
from pipelines.privacy import Policy
from pipelines.warehouse import Snapshot


def told_people(snapshot: Snapshot, text: str, *, sort: str, page: int, size: int) -> dict[str, Any]:
    """People by name, address or id; addresses masked."""
    found = search(snapshot, text, sort=sort, page=page, size=size)
    return {
        "total": found.total,
        "page": page,
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
        "rows": found.rows,
    }


def person_and_story(
    snapshot: Snapshot, engine: Engine, person: str, policy: Policy, *, kinds: Sequence[str], page: int, size: int
) -> tuple[Profile, Timeline]:
    """One person, and what happened to them."""
    found = profile(snapshot, engine, person, policy=policy)
    wanted = tuple(kinds or KINDS)
    return found, timeline(snapshot, found.person_id, stays=found.stays, kinds=wanted, page=page, size=size)


def told_person(snapshot: Snapshot, found: Profile, story: Timeline, *, page: int) -> dict[str, Any]:
    """The document of both."""
    return {
        "person": found.traits,
        "may_be_mailed": found.refusal is None,
        "refusal": found.refusal,
        "segments": [stay._asdict() for stay in found.stays],
        "timeline": {"page": page, **story._asdict()},
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
    }
