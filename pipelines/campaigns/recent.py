"""The newest events of each reader, for mails that speak of what somebody did. Asked only where a template does.

One pass over all events keeps the newest few of everybody; the people of the audience then look theirs
up, thousands at a time, so that an audience of any size is never held.
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
from {_MART} where event is not null and event_at < ? group by person_id
"""


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
        cursor.execute(_KEPT, [(until or snapshot.as_of).astimezone(UTC).replace(tzinfo=None)])
        while batch := list(islice(remaining, BATCH)):
            ids = [str(person["person_id"]) for person in batch]
            found = cursor.execute("select person_id, newest from recent where person_id in (select unnest(?))", [ids])
            known = {str(who): [_told(one) for one in newest] for who, newest in found.fetchall()}
            for person in batch:
                yield {**person, EVENTS: known.get(str(person["person_id"]), [])}
    finally:
        cursor.close()


def _told(event: dict[str, Any]) -> dict[str, Any]:
    properties = json.loads(event["properties"]) if event["properties"] else {}
    return {**event, "time": event["time"].isoformat(), "properties": properties}
