"""The newest events of each reader, for mails that speak of what somebody did. Asked only where a template does.

One pass over the events keeps the newest few of everybody (of the people asked for, where these are few);
the people of the audience then look theirs up, thousands at a time, so that none of any size is held.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipelines.campaigns.content import EVENTS

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

NEWEST = 5
BATCH = 5000
_MART = "marts.fct_events"
_KEPT = f"""
create or replace temp table recent as
select
    person_id,
    arg_max({{'name': event, 'time': event_at, 'properties': properties}}, event_at, {NEWEST}) as newest
from {_MART} where event is not null and event_at < $until and ($ids is null or person_id in (select unnest($ids)))
group by person_id
"""
_OF = "select person_id, newest from recent where person_id in (select unnest(?))"


def with_recent_events(
    snapshot: Snapshot, people: Iterable[dict[str, Any]], until: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """The same people, each with a list of `name`, `time` and `properties`, the newest event first."""
    remaining = iter(people)
    if not snapshot.has(_MART):
        yield from ({**person, EVENTS: []} for person in remaining)
        return
    cursor = snapshot.cursor()
    try:
        batch = list(islice(remaining, BATCH))
        until = (until or snapshot.as_of).astimezone(UTC).replace(tzinfo=None)
        cursor.execute(_KEPT, {"until": until, "ids": _ids(batch) if len(batch) < BATCH else None})
        while batch:
            found = cursor.execute(_OF, [_ids(batch)])
            known = {str(who): [_told(one) for one in newest] for who, newest in found.fetchall()}
            for person in batch:
                yield {**person, EVENTS: known.get(str(person["person_id"]), [])}
            batch = list(islice(remaining, BATCH))
    finally:
        cursor.close()


def _ids(people: Iterable[dict[str, Any]]) -> list[str]:
    return [str(person["person_id"]) for person in people]


def _told(event: dict[str, Any]) -> dict[str, Any]:
    properties = json.loads(event["properties"]) if event["properties"] else {}
    return {**event, "time": event["time"].isoformat(), "properties": properties}
