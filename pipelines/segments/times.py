"""Times in a rule: lengths (`30d`), days, moments, and moments counted from the asking (`30d ago`, `in 7d`)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,4})([mhdw])")
_RELATIVE = re.compile(r"(\d{1,4}[mhdw]) ago|in (\d{1,4}[mhdw])")
A_TIME = "write a date (2026-11-24), a time (2026-11-24T09:00:00Z), or one like 30d ago or in 7d"
INSTANT = timedelta(microseconds=1)
"""The smallest step of the engine's time."""


class Day(NamedTuple):
    """A day in some zone as naive UTC: its begin, and the begin of the day after it."""

    begin: datetime
    end: datetime


def span_text(value: str) -> str:
    """A length of time as a document has it (`30d`); anything else is refused."""
    if not _SPAN.fullmatch(value):
        raise ValueError("write a number and m, h, d or w, for example 30d")
    return value


def span_length(text: str) -> timedelta:
    """How long `30d` is."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def is_relative(value: object) -> bool:
    """Whether a time is counted from the moment of asking."""
    return isinstance(value, str) and _RELATIVE.fullmatch(value) is not None


def when_text(value: str) -> str:
    """A time as a document has it; anything else is refused."""
    resolve(value, "UTC", datetime(2000, 1, 1, tzinfo=UTC))
    return value


def resolve(value: object, timezone: str, as_of: datetime) -> Day | datetime:
    """The time that a text means when it is asked at `as_of`, as naive UTC.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        raise ValueError(A_TIME)
    if relative := _RELATIVE.fullmatch(value):
        ago, ahead = relative.groups()
        return naive(as_of - span_length(ago) if ago else as_of + span_length(ahead))
    zone = ZoneInfo(timezone)
    try:
        if len(value) == 10:
            day = date.fromisoformat(value)
            return Day(*(naive(datetime.combine(at, time.min, zone)) for at in (day, day + timedelta(days=1))))
        found = datetime.fromisoformat(value)
        return naive(found if found.tzinfo else found.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise ValueError(A_TIME) from None


def begin_of(given: Day | datetime, *, after: bool) -> datetime:
    """The first instant that counts: from a time on, or `after` it."""
    if isinstance(given, Day):
        return given.end if after else given.begin
    return given + INSTANT if after else given


def end_of(given: Day | datetime, *, before: bool) -> datetime:
    """The first instant that does not count any more: up to a time, or `before` it."""
    if isinstance(given, Day):
        return given.begin if before else given.end
    return given if before else given + INSTANT


def naive(moment: datetime) -> datetime:
    """A moment as the warehouse has it: UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
