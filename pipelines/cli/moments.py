"""Moments that a user wrote on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from pipelines.errors import UsageError
from pipelines.settings import Settings


def end_of_day(text: str | None, settings: Settings) -> datetime | None:
    """`--as-of`: a bare date is the end of that day in the reporting zone; a time without a zone is one there.

    Raises:
        UsageError: neither of both.
    """
    if text is None:
        return None
    zone = ZoneInfo(settings.reporting_timezone)
    try:
        if len(text) == 10:
            return datetime.combine(datetime.fromisoformat(text), time.max, zone).astimezone(UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text}: write a date (2026-11-24) or a time (2026-11-24T09:00:00+01:00).") from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
