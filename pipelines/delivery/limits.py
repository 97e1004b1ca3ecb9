"""Who may not be mailed now, asked in the transaction that would mark them: one home for every such rule.

In this order: too late, refused or without consent, quiet hours where they live (they wait for the
end of them), the frequency cap over all campaigns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Row, bindparam, func, select

from pipelines.campaigns import CampaignDocument
from pipelines.privacy import Candidate, reasons
from pipelines.segments import span_length
from pipelines.settings import Settings
from pipelines.state.tables import recipients

COUNTED = ("accepted", "in_flight", "ambiguous")
"""States of mails that somebody got, or may have got."""
_columns = recipients.c
_HAD = (
    select(_columns.address_key, func.count())
    .where(
        _columns.address_key.in_(bindparam("addresses", expanding=True)),
        _columns.in_flight_at > bindparam("since"),
        _columns.state.in_(COUNTED),
    )
    .group_by(_columns.address_key)
)
LATE = {"state": "cancelled", "reason": "late"}


class Gate:
    """The rules of one campaign."""

    def __init__(self, settings: Settings, document: CampaignDocument) -> None:
        limits = document.limits
        self.consent, self.purpose = settings.consent, document.purpose
        self.home = settings.reporting_timezone
        self.cap = limits.frequency_cap if limits else None
        self.quiet = quiet_times(limits.quiet_hours) if limits and limits.quiet_hours else None

    def turned_away(
        self, connection: Connection, rows: Sequence[Row[Any]], now: datetime, *, leaving: bool = False
    ) -> dict[str, dict[str, object]]:
        """What becomes of those who may not be mailed now, by key; everybody else may be.

        With `leaving` those who may be mailed are: two mails to one address count for each other.
        """
        # Whoever was planned had paid where paying counts; what can have changed is a refusal.
        people = [Candidate(row.address, pays=True) for row in rows]
        refusals = reasons(connection, people, self.consent, self.purpose)
        had = self._had(connection, rows, now)
        away: dict[str, dict[str, object]] = {}
        for row, refusal in zip(rows, refusals, strict=True):
            verdict = self._verdict(row, refusal, had, now)
            if verdict is not None:
                away[row.dedupe_key] = verdict
            elif leaving:
                had[row.address_key] = had.get(row.address_key, 0) + 1
        return away

    def _verdict(
        self, row: Row[Any], refusal: str | None, had: dict[str, int], now: datetime
    ) -> dict[str, object] | None:
        if row.not_after is not None and row.not_after < now:
            return {**LATE, "done_at": now}
        if refusal is not None:
            return {"state": "suppressed", "reason": refusal, "done_at": now}
        if self.quiet is not None:
            until = quiet_until(now, row.timezone or self.home, *self.quiet)
            if until is not None and row.not_after is not None and row.not_after < until:
                return {**LATE, "done_at": now}
            if until is not None:
                return {"state": "planned", "reason": "quiet_hours", "owner": None, "not_before": until}
        if self.cap is not None and had.get(row.address_key, 0) >= self.cap.count:
            return {"state": "capped", "reason": "frequency_cap", "done_at": now}
        return None

    def _had(self, connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> dict[str, int]:
        """How many mails of any campaign went to each of these addresses within the cap's time."""
        if self.cap is None:
            return {}
        addresses = list({row.address_key for row in rows})
        asked = {"addresses": addresses, "since": now - span_length(self.cap.within)}
        return {row[0]: row[1] for row in connection.execute(_HAD, asked)}


def quiet_times(text: str) -> tuple[time, time]:
    """Begin and end of `21:00-08:00`."""
    begin, end = (time.fromisoformat(part) for part in text.split("-"))
    return begin, end


def quiet_until(moment: datetime, zone: str, begin: time, end: time) -> datetime | None:
    """When the quiet hours that this moment lies in end, where the person lives; None outside of them.

    An end that the clock skips in spring comes up to an hour later; one that it shows twice counts at
    the first time that is still to come.
    """
    there = _zone(zone)
    local = moment.astimezone(there)
    if not _is_quiet(local.time(), begin, end):
        return None
    day = local.date() if local.time() < end else local.date() + timedelta(days=1)
    ends = (datetime.combine(day, end, there).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next(found for found in ends if found > moment)


def _is_quiet(at: time, begin: time, end: time) -> bool:
    return begin <= at < end if begin < end else at >= begin or at < end


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")  # A zone that this machine's tables lack.
