"""Calendar arithmetic of the story, in whole seconds of UTC.

Days, months and the shapes of growth, season and weekday live here. Nothing in here reads the wall
clock: the story's end is an argument everywhere.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

MINUTE, HOUR, DAY = 60, 3_600, 86_400

# January and September are strong for work software, summer and late December are weak.
SEASON = (1.15, 1.05, 1.05, 1.0, 0.97, 0.92, 0.82, 0.85, 1.15, 1.1, 1.08, 0.78)
WEEKDAY = (1.15, 1.25, 1.22, 1.15, 0.95, 0.5, 0.55)
MONTHLY_GROWTH = 0.045


def midnight(day: date) -> int:
    """Second at which `day` begins in UTC."""
    return calendar.timegm(day.timetuple())


def day_of(moment: int) -> date:
    """The UTC day of a second."""
    return datetime.fromtimestamp(moment, UTC).date()


def month_of(moment: int) -> str:
    """The UTC month of a second, as `2026-03`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m")


def months_before(day: date, months: int) -> date:
    """The same day of the month `months` earlier, or the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def add_months(moment: int, months: int) -> int:
    """`moment` moved by whole months; a 31st becomes the last day of a shorter month."""
    start = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return calendar.timegm((year, month + 1, day, start.hour, start.minute, start.second))


def days(first: date, end: date) -> Iterator[date]:
    """Every day from `first` up to and without `end`."""
    for offset in range((end - first).days):
        yield first + timedelta(days=offset)


def liveliness(day: date, first: date) -> float:
    """How much happens on a day, relative to an average first day: growth, season, weekday."""
    grown = math.exp(MONTHLY_GROWTH * (day - first).days / 30.4)
    return grown * SEASON[day.month - 1] * WEEKDAY[day.weekday()]


def iso(milliseconds: int) -> str:
    """A moment as ISO 8601 with milliseconds and Z."""
    seconds, rest = divmod(milliseconds, 1_000)
    # isoformat() is several times faster than strftime, and there are hundreds of thousands.
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03d}Z"
