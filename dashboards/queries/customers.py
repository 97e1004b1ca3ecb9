"""People as the room of that name answers: a page of them, one of them, and that one's story."""

from __future__ import annotations

from dashboards.queries.cache import per_snapshot
from dashboards.queries.health import state_engine
from pipelines.people import Found, Profile, Stay, Timeline, profile, search, timeline
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot

PAGE = 25
MOMENTS = 50


@per_snapshot
def found_people(snapshot: Snapshot, *, text: str, sort: str, page: int, sees_addresses: bool) -> Found:
    """A page of the people that fit."""
    return search(snapshot, text, sort=sort, page=page, size=PAGE, sees_addresses=sees_addresses)


def one_person(settings: Settings, snapshot: Snapshot, person: str, *, sees_addresses: bool) -> Profile:
    """One person. Not cached: segments and permission may change at any moment.

    Raises:
        UsageError: the snapshot knows nobody like that.
    """
    return profile(snapshot, state_engine(settings), person, policy=settings.consent, sees_addresses=sees_addresses)


@per_snapshot
def story(
    snapshot: Snapshot, *, person_id: str, stays: list[Stay], kinds: list[str], page: int, sees_addresses: bool
) -> Timeline:
    """A page of what happened to one person."""
    return timeline(
        snapshot, person_id, stays=stays, kinds=kinds, page=page, size=MOMENTS, sees_addresses=sees_addresses
    )
