"""The back-test: who would have got a campaign on an earlier day, and what they did next without it.

Nobody was mailed, so this is no effect of anything: it is what the same people do anyway, which is what a holdout will
show, and so how many people the campaign needs to be judged by.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import Engine

from pipelines.campaigns import audience, load
from pipelines.experiments.comparison import group_document
from pipelines.experiments.measure import goal_of
from pipelines.experiments.outcomes import Arm, Group, outcomes
from pipelines.experiments.rates import sample_size
from pipelines.segments import span_length
from pipelines.settings import Settings
from pipelines.state import reading

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

LIFTS = (0.1, 0.2, 0.5)
"""Relative lifts whose sample sizes are told."""
_UNITS = """
    create temp table units as
    select
        '' as part, person_id, '' as variant, false as is_held_out,
        $begin::timestamp as begins_at, $end::timestamp as ends_at
    from would_have
"""


def back_test(engine: Engine, snapshot: Snapshot, settings: Settings, name: str, as_of: datetime) -> dict[str, Any]:
    """The goal reached and the money paid, in its time from `as_of` on, by whoever would have got the campaign then.

    `needed_people` = people per group for a campaign to show such a lift over this rate. Consent is that of today.

    Raises:
        UsageError: no such campaign or segment, or the segment can not be asked of that day.
        MillstreamError: the mart of the goal's fact is not published.
    """
    content = load(engine, name)
    goal = goal_of(content.document)
    with reading(engine) as connection:
        rows = audience(connection, engine, snapshot, settings, content, as_of)
        planned = sorted({row.person_id for row in rows if row.state == "planned"})
    ends = as_of + span_length(goal.within)
    cursor = snapshot.cursor()
    try:
        cursor.register("would_have", pl.DataFrame({"person_id": planned}, schema={"person_id": pl.String()}))
        naive = {"begin": as_of, "end": ends}
        cursor.execute(_UNITS, {key: moment.astimezone(UTC).replace(tzinfo=None) for key, moment in naive.items()})
        groups, unconverted = outcomes(cursor, snapshot, goal.event, settings.reporting_currency)
    finally:
        cursor.close()
    found = groups.get(Arm("", False, ""), Group())
    rate, money = group_document(found)
    needed = {f"{lift:.0%}": sample_size(found.rate, min(1.0, found.rate * (1 + lift))) for lift in LIFTS}
    return {
        "goal": {"event": goal.event, "within": goal.within, "is_default": content.document.goal is None},
        "begins_at": as_of,
        "ends_at": ends,
        "is_over": ends <= snapshot.as_of,
        "conversion": rate,
        "revenue": {"currency": settings.reporting_currency, "unconverted": unconverted, **money},
        "needed_people": needed,
    }
