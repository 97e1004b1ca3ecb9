"""One campaign measured: who was drawn to be mailed and to be held out, and what came of it.

Everybody who was drawn counts, whatever became of their mail (intention to treat): whoever left, bounced or was mailed
in doubt stays in the group that chance put them into. The time of each person begins with the mail, or when it would
have come. Over several occurrences a person counts once, from the first on: later mails go to whom the earlier ones
left in the segment, so only the first is free of what the campaign itself did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.campaigns import CampaignDocument, Goal
from pipelines.experiments.comparison import compared, variants_document
from pipelines.experiments.last_touch import last_touch
from pipelines.experiments.outcomes import Arm, Group, ask, outcomes, reached
from pipelines.experiments.split import SUSPECT, split_p_value
from pipelines.segments import span_length
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot
from pipelines.warehouse.writer import Connection

RECIPIENTS = "marts.fct_campaign_recipients"
DEFAULT_GOAL = Goal(event="stripe:invoice_paid")
"""What a campaign is measured by that names no goal."""
LATEST = 50
"""So many occurrences are told one by one."""
WHOLE = ""
"""The part that is the whole campaign."""
_EXPOSED = f"""
    create temp table exposed as
    select
        occurrence, person_id, coalesce(variant, '') as variant, is_held_out, counted_from as begins_at,
        counted_from + to_seconds($seconds) as ends_at
    from {RECIPIENTS}
    where campaign = $campaign and is_drawn and person_id is not null
    -- two who were planned may be known as one by now
    qualify row_number() over (partition by occurrence, person_id order by counted_from, recipient_id) = 1
"""
_UNITS = f"""
    create temp table units as
    select '{WHOLE}' as part, * exclude (occurrence) from exposed
    qualify row_number() over (partition by person_id order by begins_at, occurrence) = 1
    union all
    select occurrence as part, * exclude (occurrence) from exposed
    where occurrence in (
        select occurrence from exposed
        where (select count(distinct occurrence) from exposed) > 1
        group by occurrence order by min(begins_at) desc limit {LATEST}
    )
"""


def goal_of(document: CampaignDocument) -> Goal:
    """The goal of a campaign, or the one that goes without saying."""
    return document.goal or DEFAULT_GOAL


def measured(snapshot: Snapshot | None, settings: Settings, document: CampaignDocument) -> dict[str, Any]:
    """Goal, conversion, revenue, split, variants, winner and last touch of a campaign, and each occurrence's.

    What the snapshot does not know is null: a campaign that was sent after it, and lifts without a holdout.

    Raises:
        MillstreamError: the mart of the goal's fact is not published.
    """
    goal = goal_of(document)
    told = {"event": goal.event, "within": goal.within, "is_default": document.goal is None}
    if snapshot is None or not _knows(snapshot):
        return {"goal": {**told, "ends_at": None, "is_over": False, "as_of": None}, **_UNMEASURED, "measured": []}
    connection = snapshot.cursor()
    try:
        _expose(connection, document)
        ends = {row["part"]: row["ends_at"] for row in ask(connection, _ENDS)}
        groups, unconverted = outcomes(connection, snapshot, goal.event, settings.reporting_currency)
        touched = last_touch(connection, snapshot, document.name, settings.reporting_currency)
    finally:
        connection.close()
    seen = _Seen(document, snapshot.as_of, settings.reporting_currency, unconverted, groups, ends)
    times = {"ends_at": seen.ends(WHOLE), "is_over": seen.is_over(WHOLE), "as_of": snapshot.as_of}
    found: dict[str, Any] = {"goal": {**told, **times}}
    if WHOLE not in ends:
        return {**found, **_UNMEASURED, "measured": []}
    parts = sorted(part for part in ends if part != WHOLE)
    return {
        **found,
        **seen.part(WHOLE),
        "last_touch": {"currency": settings.reporting_currency, **touched},
        "measured": [{"occurrence": part, "ends_at": seen.ends(part), **seen.part(part)} for part in parts],
    }


def people_who_reached(snapshot: Snapshot, document: CampaignDocument, *, held_out: bool) -> list[str]:
    """Who reached the goal: of those drawn to be mailed, or of those held out."""
    if not _knows(snapshot):
        return []
    connection = snapshot.cursor()
    try:
        _expose(connection, document)
        return reached(connection, snapshot, goal_of(document).event, WHOLE, held_out=held_out)
    finally:
        connection.close()


def _expose(connection: Connection, document: CampaignDocument) -> None:
    """The people of a campaign and their times, as temporary tables."""
    seconds = int(span_length(goal_of(document).within).total_seconds())
    connection.execute(_EXPOSED, {"campaign": document.name, "seconds": seconds})
    connection.execute(_UNITS)


_ENDS = "select part, max(ends_at) as ends_at from units group by part order by part"
_UNMEASURED: dict[str, Any] = {
    "verdict": None,
    "conversion": None,
    "revenue": None,
    "split": None,
    "variants": [],
    "comparisons": [],
    "winner": None,
    "last_touch": None,
}


class _Seen:
    """What was asked of the snapshot, for telling each part."""

    def __init__(
        self,
        document: CampaignDocument,
        as_of: datetime,
        currency: str,
        unconverted: Sequence[str],
        groups: dict[Arm, Group],
        ends: dict[str, datetime],
    ) -> None:
        self._document, self._as_of = document, as_of
        self._currency, self._unconverted = currency, list(unconverted)
        self._groups, self._ends = groups, ends

    def ends(self, part: str) -> datetime | None:
        """When the time of the last person is over."""
        found = self._ends.get(part)
        return None if found is None else found.replace(tzinfo=UTC)

    def is_over(self, part: str) -> bool:
        """Whether it is over in these data."""
        ends = self.ends(part)
        return ends is not None and ends <= self._as_of

    def part(self, part: str) -> dict[str, Any]:
        """One part's groups, compared."""
        weights = self._document.weights()
        treated = {name: self._group(part, variant=name) for name in weights}
        held_out = self._group(part, held_out=True)
        split = _split(self._document.holdout, weights, treated, held_out)
        rules = {"is_over": self.is_over(part), "is_split_valid": split is None or bool(split["is_valid"])}
        seed = _seed(self._document.name, part)
        everybody = Group()
        for group in treated.values():
            everybody = everybody.plus(group)
        found = compared(everybody, held_out, seed=seed, **rules)
        found["revenue"] |= {"currency": self._currency, "unconverted": self._unconverted}
        named = {name: group for name, group in treated.items() if name}
        return {**found, "split": split, **variants_document(named, held_out, seed=seed, **rules)}

    def _group(self, part: str, *, variant: str | None = None, held_out: bool = False) -> Group:
        found = Group()
        for arm, group in self._groups.items():
            if arm.part == part and arm.is_held_out == held_out and variant in (None, arm.variant):
                found = found.plus(group)
        return found


def _split(
    holdout: float, weights: dict[str, int], treated: dict[str, Group], held_out: Group
) -> dict[str, Any] | None:
    """The sizes of the groups beside those that were drawn for; None for one group."""
    whole = sum(weights.values())
    shares = {name or "mailed": (1 - holdout) * weight / whole for name, weight in weights.items()}
    people = {name or "mailed": treated[name].people for name in weights}
    if holdout or held_out.people:
        shares, people = shares | {"holdout": holdout}, people | {"holdout": held_out.people}
    p_value = split_p_value(list(people.values()), list(shares.values()))
    if p_value is None:
        return None
    total = sum(people.values())
    groups = [
        {"group": name, "people": count, "expected": round(total * shares[name], 1)} for name, count in people.items()
    ]
    return {"p_value": p_value, "is_valid": p_value >= SUSPECT, "groups": groups}


def _seed(name: str, part: str) -> int:
    """The same campaign gives the same interval, whenever and wherever it is asked."""
    return int(hashlib.sha256(f"{name}|{part}".encode()).hexdigest()[:8], 16)


def _knows(snapshot: Snapshot) -> bool:
    found = snapshot.manifest.tables.get(RECIPIENTS)
    return found is not None and {"is_drawn", "counted_from"} <= set(found.columns)
