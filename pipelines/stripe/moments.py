"""Which of an object's versions of one second came last.

Stripe's times are whole seconds, and an object often changes twice in one. An event says what its
change replaced (`previous_attributes`): it comes after the version that it turned back leads to. Where
nothing is said, a deletion is last, then the end of a subscription, then the greater payload hash: the
order of loading never matters. The order stands in `object_versions.moment_order`, for moments that
events share; elsewhere it is NULL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson

from pipelines.warehouse.writer import Connection

Json = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A version of an object: its payload, and of an event what the change replaced."""

    payload: Json
    payload_hash: str
    is_deleted: bool = False
    replaced: Json = field(default_factory=dict)

    @property
    def turn(self) -> tuple[bool, bool, str]:
        """Where it stands if no event says otherwise."""
        return self.is_deleted, self.payload.get("status") == "canceled", self.payload_hash


def order_moments(connection: Connection) -> None:
    """Number the versions that share a moment, of each object in the temp table `new_versions`."""
    connection.execute(_SHARED)
    rows = connection.execute(_SHARED_VERSIONS).fetchall()
    numbers: list[int] = []
    places: list[int] = []
    for _, shared in groupby(rows, key=lambda row: row[0]):
        found = list(shared)
        before = orjson.loads(found[0][5]) if found[0][5] else None
        versions = [
            Version(orjson.loads(payload), payload_hash, bool(is_deleted), orjson.loads(replaced) if replaced else {})
            for _, _, payload, payload_hash, is_deleted, _, replaced in found
        ]
        for place, index in enumerate(in_order(versions, before)):
            numbers.append(found[index][1])
            places.append(place)
    if numbers:
        connection.execute(
            "update raw_stripe.object_versions as stored set moment_order = numbered.place "
            "from (select unnest($numbers) as sequence, unnest($places) as place) as numbered "
            "where stored.sequence = numbered.sequence",
            {"numbers": numbers, "places": places},
        )


def in_order(versions: Sequence[Version], before: Json | None = None) -> list[int]:
    """The positions of versions of one second, earliest first; `before` is what held until then."""
    earlier = {
        after: {first for first in range(len(versions)) if first != after and _follows(versions, after, first, before)}
        for after in range(len(versions))
    }
    ordered: list[int] = []
    while earlier:
        # Events that go round in a circle say nothing; then the fixed order takes the next one.
        free = [index for index, waits_for in earlier.items() if not waits_for & earlier.keys()] or list(earlier)
        ordered.append(min(free, key=lambda index: versions[index].turn))
        del earlier[ordered[-1]]
    return ordered


def _follows(versions: Sequence[Version], after: int, first: int, before: Json | None) -> bool:
    """Whether `after` is the change of `first`; there and back in one second, what held before decides."""
    later, sooner = versions[after], versions[first]
    for is_change_of in (_is_change_of, _may_be_change_of):
        if is_change_of(later, sooner.payload):
            if not is_change_of(sooner, later.payload):
                return not sooner.is_deleted
            return before is not None and is_change_of(sooner, before) and not is_change_of(later, before)
        if is_change_of(sooner, later.payload):
            return False
    return False


def _is_change_of(version: Version, state: Json) -> bool:
    """The version with its change taken back is this state, to the last field."""
    return bool(version.replaced) and _is_same(_laid_over(version.payload, version.replaced), state)


def _may_be_change_of(version: Version, state: Json) -> bool:
    """What the change replaced stands in this state, which differs elsewhere as well."""
    return bool(version.replaced) and _is_same(_laid_over(state, version.replaced), state)


def _laid_over(state: Any, replaced: Any) -> Any:
    """Only the changed keys of a nested object are told, but a list is told whole."""
    if not (isinstance(state, dict) and isinstance(replaced, dict)):
        return replaced
    return state | {name: _laid_over(state.get(name), value) for name, value in replaced.items()}


def _is_same(one: Any, other: Any) -> bool:
    """Equal, where a key that is missing and one that is null are the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_is_same(one.get(name), other.get(name)) for name in one.keys() | other.keys())
    return bool(one == other)


_SHARED = """
create or replace temp table shared_moments as
with touched as (
    select distinct account, object, id from new_versions where object <> 'event'
)
select account, object, id, version_at from raw_stripe.object_versions
semi join touched using (account, object, id)
group by all having count(*) > 1 and bool_or(source = 'event')
"""

_SHARED_VERSIONS = """
with versions as (
    select account, object, id, stored.* exclude (account, object, id) from raw_stripe.object_versions as stored
    semi join shared_moments using (account, object, id)
),
events as (
    select account, id as event_id, any_value(json_extract(payload, '/data/previous_attributes')) as replaced
    from raw_stripe.object_versions
    where object = 'event' and id in (select event_id from versions)
    group by all
),
held as (
    select account, object, id, shared.version_at,
        arg_max(versions.payload, (versions.version_at, coalesce(moment_order, 0), payload_hash)) as payload
    from shared_moments as shared join versions using (account, object, id)
    where versions.version_at < shared.version_at group by all
)
select hash(account, object, id, version_at), sequence, versions.payload::varchar, payload_hash, is_deleted,
    held.payload::varchar, replaced::varchar
from versions
semi join shared_moments using (account, object, id, version_at)
left join events using (account, event_id)
left join held using (account, object, id, version_at)
order by account, object, id, version_at, sequence
"""
