"""Funnels over the published events, answered by `pipelines.behaviour`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.funnel_question import Step
from dashboards.queries.segments import keep
from pipelines.behaviour import (
    EMAIL,
    FACT_PROPERTIES,
    STRIPE,
    ConversionAnswer,
    FunnelAnswer,
    TrendsAnswer,
    funnel,
    funnel_trends,
    parse_funnel,
    people_at_step,
    time_to_convert,
)
from pipelines.segments import known_people, listed_segment
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot

EVENTS = "marts.fct_events"
COUNTS = "marts.agg_events_daily"
# The way most sellers ask about first; taken where these events exist.
USUAL = ("Pricing", "Signed Up", "Trial Started", "Subscription Started")


@dataclass(frozen=True)
class Catalogue:
    """The events there are: names by volume, and the days they span (UTC); and what Stripe and mails tell."""

    names: list[str]
    first_day: date | None
    last_day: date | None
    facts: list[str]
    has_accounts: bool = False
    """Whether any event says which account somebody belongs to."""

    @property
    def steps(self) -> list[str]:
        """What a step can stand on."""
        return [*self.names, *self.facts]


@per_snapshot
def catalogue(snapshot: Snapshot) -> Catalogue:
    """Names that can be a step: tracked events and visited pages."""
    if not snapshot.has(COUNTS):
        return Catalogue([], None, None, [])
    rows = snapshot.query(
        """
        select event, sum(event_count) as volume, min(day) as first_day, max(day) as last_day
        from marts.agg_events_daily
        where type in ('track', 'page', 'screen')
        group by event
        order by volume desc, event
        """
    )
    days = _day(rows["first_day"].min()), _day(rows["last_day"].max())
    told = {"marts.fct_stripe_facts": STRIPE, "marts.fct_email_events": EMAIL}
    facts = [name for mart, names in told.items() if snapshot.has(mart) for name in names]
    groups = snapshot.query("select 1 as found from marts.agg_events_daily where type = 'group' limit 1")
    return Catalogue(rows["event"].to_list(), *days, facts, not groups.is_empty())


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


@per_snapshot
def property_names(snapshot: Snapshot, event: str | None) -> list[str]:
    """Properties that events of this name have, as far as a few thousand of them show; of facts all."""
    if event in FACT_PROPERTIES:
        return list(FACT_PROPERTIES[event])
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
def times(snapshot: Snapshot, document: dict[str, Any]) -> ConversionAnswer:
    """How long people take from the first step to the last."""
    with closing(snapshot.cursor()) as cursor:
        return time_to_convert(cursor, EVENTS, parse_funnel(document | {"kind": "funnel_time_to_convert"}))


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


def save_people(
    settings: Settings, snapshot: Snapshot, name: str, what: str, found: Sequence[str], *, actor: str
) -> str:
    """Keep these people as a segment, as `millstream funnel --save-segment` does; says what became of it.

    Raises:
        UsageError: the name is none, or they are none or too many.
    """
    known = known_people(snapshot, found)
    document = listed_segment(name, f"{what} of a funnel, as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC", known)
    changed = keep(settings, snapshot, document, actor=actor)
    done = "is saved" if changed else "was saved already"
    return f"Segment {name} {done}: {len(known):,} of {len(found):,} people are known."
