"""Days and moments as people write them in a question."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pipelines.errors import UsageError


def end_of_day(text: str | None, timezone: str) -> datetime | None:
    """`--as-of`: a bare date is the end of that day in `timezone`; a time without a zone is one there.

    Raises:
        UsageError: neither of both.
    """
    if text is None:
        return None
    zone = ZoneInfo(timezone)
    try:
        if len(text) == 10:
            return datetime.combine(datetime.fromisoformat(text), time.max, zone).astimezone(UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text}: write a date (2026-11-24) or a time (2026-11-24T09:00:00+01:00).") from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def parse_day(option: str, text: str | None) -> date | None:
    """A date option.

    Raises:
        UsageError: no date.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: write a date like 2026-11-24.") from None
