"""Moments and days as text, in the reporting zone, with the zone named where a clock time stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboards.parts.numbers import NONE


def aware(moment: datetime) -> datetime:
    """A warehouse timestamp (naive, UTC) with its zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clock(moment: datetime | None, zone: str) -> str:
    """`05:12, 24 Nov (UTC)`; the year where it is not the obvious one is left to `stamp`."""
    if moment is None:
        return NONE
    local = aware(moment).astimezone(ZoneInfo(zone))
    return f"{local:%H:%M}, {local.day} {local:%b} ({zone})"


def stamp(moment: datetime | None, zone: str) -> str:
    """`24 Nov 2026, 05:12` for table cells, whose header or page names the zone."""
    if moment is None:
        return NONE
    local = aware(moment).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y}, {local:%H:%M}"


def short_day(day: date) -> str:
    """`24 Nov`."""
    return f"{day.day} {day:%b}"


def long_day(day: date) -> str:
    """`24 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long before `now`: `just now`, `12 min`, `3 h`, `2 d`."""
    if moment is None:
        return NONE
    age = now - aware(moment)
    if age < timedelta(minutes=1):
        return "just now"
    if age < timedelta(hours=1):
        return f"{age // timedelta(minutes=1)} min ago"
    if age < timedelta(days=2):
        return f"{age // timedelta(hours=1)} h ago"
    return f"{age // timedelta(days=1)} d ago"


def period_name(first_day: date, by: str) -> str:
    """A period by its first day: `Nov 26` for a month, `24 Nov` for a day or week."""
    return f"{first_day:%b %y}" if by == "month" else short_day(first_day)
