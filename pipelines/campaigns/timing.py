"""When a campaign is due: times of the clock on the wall, in one zone or in each person's own.

A time that the clock skips in spring is due when the clock goes on (02:30 becomes 03:00, once); a
time that it shows twice in autumn is due once, at the second. Only a cron for every hour (`*`) counts
real hours: it follows the clock through both, skips nothing and repeats the hour that comes twice.
No state in here, and no present moment: both are given.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from croniter import croniter

from pipelines.campaigns.document import RECIPIENT, Schedule
from pipelines.segments import span_length

ONCE = "once"
"""The occurrence of a campaign that is sent one time, without a schedule."""
_NAME = "%Y-%m-%dT%H:%MZ"
_AHEAD = timedelta(hours=14)
"""Nowhere on Earth does the clock run further ahead of UTC: a wall-clock time strikes there first,"""
_BEHIND = timedelta(hours=12)
"""and so far behind it strikes last."""
_OVERLAP = timedelta(hours=3)
"""No clock is put back further at once."""
_MINUTE = timedelta(minutes=1)


def moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clock of this zone shows `wall` (the second time, where it does twice), in UTC."""
    if not _exists(wall, zone):
        return _clock_goes_on(wall, zone)
    return _as_utc(wall, zone, fold=1)


def ticks(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every moment after `after` at which a cron with this clock is due, in order and each one once."""
    begin = after.astimezone(zone).replace(tzinfo=None) - _OVERLAP
    if cron.split()[1] == "*":
        found = heapq.merge(*(_hours(cron, zone, begin, fold) for fold in (0, 1)))
    else:
        found = (moment(wall, zone) for wall in _walls(cron, begin))
    last = after
    for tick in found:
        if tick > last:
            yield tick
            last = tick


def _walls(cron: str, begin: datetime) -> Iterator[datetime]:
    told = croniter(cron, begin)
    while True:
        yield told.get_next(datetime)


def _hours(cron: str, zone: ZoneInfo, begin: datetime, fold: int) -> Iterator[datetime]:
    return (_as_utc(wall, zone, fold) for wall in _walls(cron, begin) if _exists(wall, zone))


def _as_utc(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _exists(wall: datetime, zone: ZoneInfo) -> bool:
    return _as_utc(wall, zone, fold=1).astimezone(zone).replace(tzinfo=None) == wall


def _clock_goes_on(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after the gap in which `wall` lies."""
    before, after = _as_utc(wall, zone, fold=1), _as_utc(wall, zone, fold=0)
    offset = before.astimezone(zone).utcoffset()
    while after - before > _MINUTE:
        middle = (before + (after - before) / 2).replace(second=0, microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


class Window(NamedTuple):
    """When one person's mail may leave: not before, and not after; None = no such limit."""

    not_before: datetime | None = None
    not_after: datetime | None = None


class Timing:
    """A schedule with its zone: which moments it names, and what each of them means for a person."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.each_own = schedule.timezone == RECIPIENT
        # In everybody's own zone the wall clock is reckoned as if it hung in UTC.
        self._zone = ZoneInfo("UTC" if self.each_own or schedule.timezone is None else schedule.timezone)
        self._lateness = None if schedule.max_lateness is None else span_length(schedule.max_lateness)

    def due(self, after: datetime) -> Iterator[datetime]:
        """The moments after `after` at which something is due, in order; at one time, that one whenever it lies."""
        shift = _AHEAD if self.each_own else timedelta()
        if self.schedule.at is not None:
            yield moment(datetime.fromisoformat(self.schedule.at), self._zone) - shift
        elif self.schedule.cron is not None:
            yield from (tick - shift for tick in ticks(self.schedule.cron, self._zone, after + shift))

    def until(self, since: datetime, now: datetime) -> list[datetime]:
        """What is due by `now`, beginning with `since`, which is due itself."""
        return [since, *takewhile(lambda tick: tick <= now, self.due(since))] if self.schedule.cron else [since]

    def window(self, due_at: datetime, zone: str) -> Window:
        """When the mail of a person in this zone may leave."""
        if not self.each_own:
            return Window(None, self._end(due_at))
        begin = moment((due_at + _AHEAD).replace(tzinfo=None), ZoneInfo(zone))
        return Window(begin, self._end(begin))

    def last(self, due_at: datetime) -> datetime:
        """When it is due for the last of all people."""
        return due_at + _AHEAD + _BEHIND if self.each_own else due_at

    def is_past(self, due_at: datetime, now: datetime) -> bool:
        """Whether it would be over, or late without a limit to it, for everybody."""
        return self.is_over(due_at, now) if self._lateness is not None else self.last(due_at) < now

    def is_over(self, due_at: datetime, now: datetime) -> bool:
        """Whether nobody anywhere may be mailed any more."""
        end = self._end(self.last(due_at))
        return end is not None and end < now

    def _end(self, begin: datetime) -> datetime | None:
        return None if self._lateness is None else begin + self._lateness


def named(due_at: datetime) -> str:
    """The occurrence that is due then: `2026-11-27T08:00Z`."""
    return due_at.astimezone(UTC).strftime(_NAME)


def due_time(occurrence: str) -> datetime | None:
    """When an occurrence of this name is due; None where its name is no time."""
    try:
        return datetime.strptime(occurrence, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None
