"""Hours, days, weeks and months of a time zone as stretches of time, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pipelines.behaviour.documents import end_of, start_of
from pipelines.errors import UsageError

Interval = Literal["hour", "day", "week", "month"]
MOST = 20_000
_EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)


class Periods:
    """The periods that days `first` to `last` touch; a week begins on Monday."""

    def __init__(self, first: date, last: date, interval: Interval, zone: str) -> None:
        if interval == "hour":
            begins, stop = _hours(first, last, zone), end_of(last, zone)
            self.labels = [_local(begin, zone).isoformat() for begin in begins]
        else:
            days = _days(first, last, interval)
            begins, stop = [start_of(day, zone) for day in days[:-1]], start_of(days[-1], zone)
            self.labels = [day.isoformat() for day in days[:-1]]
        self.begins = [microseconds(begin) for begin in begins]
        """The first moment of each, in microseconds."""
        self.end = microseconds(stop)
        """The first moment after the last one."""

    def number_of(self, moment: int) -> int:
        """Which period a moment inside the stretch lies in, from 0."""
        return bisect_right(self.begins, moment) - 1


def microseconds(moment: datetime) -> int:
    """A naive UTC time as the engine counts it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def day_of(moment: int, zone: str) -> date:
    """The local day of a moment in microseconds."""
    return _local(_EPOCH + timedelta(microseconds=moment), zone).date()


def hour_of(moment: int, zone: str) -> str:
    """A moment in microseconds as an hour is labelled: local, with its distance from UTC."""
    return _local(_EPOCH + timedelta(microseconds=moment), zone).isoformat()


def known_by(moment: datetime, last: date | None, zone: str) -> int:
    """Up to when a question sees events, in microseconds: they are known until `moment` and asked until `last`."""
    until = microseconds(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)
    return until if last is None else min(until, microseconds(end_of(last, zone)))


def earlier(day: date, interval: Interval, count: int) -> date:
    """The first day of the period that lies `count` periods before the one of `day` (hours: the same day)."""
    begin = _begin(day, interval)
    if interval == "month":
        months = begin.year * 12 + begin.month - 1 - count
        return date(months // 12, months % 12 + 1, 1)
    return begin - timedelta(days={"hour": 0, "day": 1, "week": 7}[interval] * count)


def end_of_period(day: date, interval: Interval) -> date:
    """The last day of the period that a day lies in (hours: the day itself)."""
    return day if interval == "hour" else earlier(day, interval, -1) - timedelta(days=1)


def _days(first: date, last: date, interval: Interval) -> list[date]:
    """First days of the periods, and of the one after."""
    found = [_begin(first, interval)]
    while found[-1] <= last:
        found.append(earlier(found[-1], interval, -1))
        _check(len(found))
    return found


def _hours(first: date, last: date, zone: str) -> list[datetime]:
    begin, hour = start_of(first, zone), timedelta(hours=1)
    count = -((begin - end_of(last, zone)) // hour)
    _check(count)
    return [begin + number * hour for number in range(count)]


def _check(count: int) -> None:
    if count > MOST:
        raise UsageError(f"query: interval: more than {MOST:,} periods; ask for fewer days or a longer interval")


def _begin(day: date, interval: Interval) -> date:
    if interval == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if interval == "week" else day


def _local(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
