"""Funnels over the published events, answered by `pipelines.behaviour`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.funnel_question import Step
from pipelines.behaviour import FunnelAnswer, TrendsAnswer, funnel, funnel_trends, parse_funnel, people_at_step
from pipelines.warehouse import Snapshot

EVENTS = "marts.fct_events"
COUNTS = "marts.agg_events_daily"
# The way most sellers ask about first; taken where these events exist.
USUAL = ("Pricing", "Signed Up", "Trial Started", "Subscription Started")


@dataclass(frozen=True)
class Catalogue:
    """The events there are: names by volume, and the days they span (UTC)."""

    names: list[str]
    first_day: date | None
    last_day: date | None


@per_snapshot
def catalogue(snapshot: Snapshot) -> Catalogue:
    """Names that can be a step: tracked events and visited pages."""
    if not snapshot.has(COUNTS):
        return Catalogue([], None, None)
    rows = snapshot.query(
        """
        select event, sum(event_count) as volume, min(day) as first_day, max(day) as last_day
        from marts.agg_events_daily
        where type in ('track', 'page', 'screen')
        group by event
        order by volume desc, event
        """
    )
    return Catalogue(rows["event"].to_list(), _day(rows["first_day"].min()), _day(rows["last_day"].max()))


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


@per_snapshot
def property_names(snapshot: Snapshot, event: str | None) -> list[str]:
    """Properties that events of this name have, as far as a few thousand of them show."""
    rows = snapshot.query(
        """
        select distinct unnest(json_keys(properties)) as name
        from (select properties from marts.fct_events where $event is null or event = $event limit 2000)
        order by name
        """,
        event=event,
    )
    return [str(name) for name in rows["name"]]


def usual_steps(names: Sequence[str]) -> list[Step]:
    """A funnel to begin with: the usual way as far as its events exist, else the two most common events."""
    found = [name for name in USUAL if name in names]
    return [Step(name) for name in (found if len(found) >= 2 else (list(names[:2]) * 2)[:2])]


def usual_days(known: Catalogue, last_day: date) -> tuple[date, date]:
    """The last 30 whole days, or what there is of them."""
    last = min(last_day, known.last_day) if known.last_day else last_day
    first = last - timedelta(days=29)
    return (max(first, known.first_day) if known.first_day and known.first_day <= last else first), last


@per_snapshot
def answer(snapshot: Snapshot, document: dict[str, Any]) -> FunnelAnswer:
    """People per step of a query document.

    Raises:
        UsageError: the question can not be meant.
    """
    with closing(snapshot.cursor()) as cursor:
        return funnel(cursor, EVENTS, parse_funnel(document))


@per_snapshot
def trend(snapshot: Snapshot, document: dict[str, Any], interval: str) -> TrendsAnswer:
    """The same funnel by the period in which people entered it."""
    with closing(snapshot.cursor()) as cursor:
        question = parse_funnel(document | {"kind": "funnel_trends", "interval": interval})
        return funnel_trends(cursor, EVENTS, question)


@per_snapshot
def people(snapshot: Snapshot, document: dict[str, Any], step: int, *, dropped: bool) -> list[str]:
    """Ids of the people who reached a step, or who came as far as the one before it and no further.

    Those of whom more is known than visits come first.
    """
    with closing(snapshot.cursor()) as cursor:
        found = people_at_step(cursor, EVENTS, parse_funnel(document), step, dropped=dropped)
    if not snapshot.has("marts.dim_customers"):
        return found
    rows = snapshot.query(
        "select person_id from marts.dim_customers where person_id in (select unnest($found))", found=found
    )
    known = set(rows["person_id"])
    return sorted(found, key=lambda person: (person not in known, person))
