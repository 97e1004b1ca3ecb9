"""How a saved segment came to be what it is: its size over time, who came and went, when it was whose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.charts.trend_lines import Drawn, trend_lines
from dashboards.parts.charted import charted
from dashboards.parts.empty import nothing_here
from dashboards.parts.numbers import count, counted
from dashboards.parts.people import person_link
from dashboards.parts.table import Row, table
from dashboards.parts.times import aware, short_day, stamp
from dashboards.parts.words import small
from dashboards.queries.segments import newest_stays, past
from dashboards.view import View
from pipelines.people import people

DAYS, STAYS, CHANGES = 90, 25, 10


def segment_past(view: View, name: str) -> None:
    """The size of the last months as a line, the newest changes, and the newest stays."""
    told = past(view.settings, name)
    if not told:
        nothing_here("No run has looked at this segment yet.", command="millstream run")
        return
    days = _sizes(told, view)
    if len(days) > 1:
        first, last = days[0], days[-1]
        alt = f"{counted(last[1], 'person', 'people')} in {name} now, {count(first[1])} on {short_day(first[0])}."
        option = trend_lines(
            [short_day(day) for day, _ in days],
            [Drawn("People", [size for _, size in days])],
            whole=[True] * len(days),
            before=None,
            alt=alt,
            colours=view.colours,
        )
        charted(option, key="segment-past", height=240)
    lines: list[Row] = [
        (stamp(row["at"], view.zone), count(row["entered"]), count(row["left"]), count(row["members"]))
        for row in reversed(told[-CHANGES:])
    ]
    headers = ("Seen by the run of", "Entered", "Left", "People after it")
    table(headers, lines, numbers=headers[1:], whole=headers[:1], caption="Entries and exits", colours=view.colours)
    _stays(view, name)


def _stays(view: View, name: str) -> None:
    rows = newest_stays(view.settings, name, STAYS)
    known: dict[str, str] = {}
    if view.snapshot is not None:
        ids = [row["person_id"] for row in rows]
        found = people(view.snapshot, ids, sees_addresses=view.person.sees_addresses)
        known = {row["person_id"]: row["name"] for row in found}
    lines: list[Row] = [
        (
            person_link(row["person_id"], known[row["person_id"]]) if row["person_id"] in known else row["person_id"],
            stamp(row["entered_at"], view.zone),
            stamp(row["left_at"], view.zone) if row["left_at"] else "is in it",
        )
        for row in rows
    ]
    headers = ("Customer", "Entered", "Left")
    table(headers, lines, numbers=headers[1:], whole=headers, caption="Who was in it when", colours=view.colours)
    small(f"The {STAYS} newest; millstream segment members {name} --history lists all.", view.colours)


def _sizes(told: Sequence[dict[str, Any]], view: View) -> list[tuple[date, int]]:
    """The members at the end of each day, from the first run that saw any on."""
    zone = ZoneInfo(view.zone)

    def day(moment: datetime) -> date:
        return aware(moment).astimezone(zone).date()

    ends = {day(row["at"]): int(row["members"]) for row in told}
    today = max(day(view.now), max(ends))
    start = max(min(ends), today - timedelta(days=DAYS))
    size = next((ends[known] for known in sorted(ends, reverse=True) if known <= start), 0)
    found: list[tuple[date, int]] = []
    while start <= today:
        size = ends.get(start, size)
        found.append((start, size))
        start += timedelta(days=1)
    return found
