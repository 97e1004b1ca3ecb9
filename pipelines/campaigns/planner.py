"""Planning freezes the audience of one occurrence: what was true at that moment holds for all of it.

The audience is worked out first and put aside, so that nobody waits for it; then one transaction writes it all
down and moves the campaign. Planning again adds nobody, and a crash anywhere leaves nothing planned.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Insert, Table, case, func, insert, literal, null, select, update

from pipelines.campaigns.approval import check_size
from pipelines.campaigns.audience import Recipient, audience
from pipelines.campaigns.occurrences import LATE, begin, close, due_of, planned, schedule, timing_of
from pipelines.campaigns.states import check_move, find, frozen, move
from pipelines.campaigns.timing import ONCE, Timing, Window, due_time
from pipelines.errors import MillstreamError
from pipelines.faults import fault_point
from pipelines.settings import Settings, is_zone
from pipelines.state import Aside, putting_aside, reading, record
from pipelines.state.tables import campaigns, recipients

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

BATCH = 1000


def plan_due(engine: Engine, settings: Settings, name: str, now: datetime, newest: Callable[[], Snapshot]) -> int:
    """Plan whatever of this campaign is to be planned now; returns how many rows that were.

    An approved campaign is planned at once, or scheduled if its document has a schedule, or follows its segment if
    it has a trigger. What is not due stays.
    `newest` opens the snapshot, where one is needed.
    """
    with reading(engine) as connection:
        row = find(connection, name)
        state, told = str(row.state), json.loads(row.document)
        has_schedule = state == "approved" and frozen(connection, name).document.schedule is not None
    if told.get("trigger") is not None:
        from pipelines.campaigns.journeys import follow  # Late: it makes its rows with what is here.

        return follow(engine, settings, name, now, newest)
    if state == "approved" and not has_schedule:
        return plan(engine, newest(), settings, name, now)
    if has_schedule:
        schedule(engine, settings, name, now, actor="sender", refuse_late=False)
    with reading(engine) as connection:
        waits = find(connection, name).state in ("scheduled", "sending")
        found = due_of(connection, name, now) if waits else []
    return sum(plan(engine, newest(), settings, name, now, occurrence=one.occurrence) for one in found)


def plan(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    name: str,
    now: datetime,
    *,
    occurrence: str = ONCE,
) -> int:
    """Freeze the audience of one occurrence and start sending; returns how many rows it has.

    An occurrence whose time is over is `missed`: whoever would have been mailed is `cancelled`, for the reason `late`.

    Raises:
        UsageError: no such campaign, or its segment can not be meant of this snapshot.
        HeldBackError: it grew above the size that one person alone may let out.
        MillstreamError: the campaign is not approved, or it is not the turn of this occurrence.
    """
    with putting_aside(engine, _KEPT) as aside:
        with reading(engine) as connection:
            content = frozen(connection, name)
            if content.document.trigger is not None:
                raise MillstreamError(f"campaign {name} follows its segment; nobody is mailed for having been in it.")
            if planned(connection, name, occurrence):
                return _size(connection, name, occurrence)
            if find(connection, name).state != "sending":
                check_move(connection, name, "sending")
            people = audience(connection, engine, snapshot, settings, content)
            windows = Windows(timing_of(connection, name), occurrence, settings, now)
            told = recipients.c.planned_at.type.dialect_impl(engine.dialect).bind_processor(engine.dialect)
            row_of = LedgerRow(name, occurrence, content.content_hash(), windows, told)
            counted = _put_aside(aside, map(row_of.values, people))
        with aside.writing() as connection:
            if planned(connection, name, occurrence):
                return _size(connection, name, occurrence)
            if frozen(connection, name).content_hash() != content.content_hash():
                raise MillstreamError(f"campaign {name} changed meanwhile. Nothing was planned; plan it again.")
            late = windows.are_over or (counted[LATE] > 0 and counted["planned"] == 0)
            check_size(find(connection, name), 0 if late else counted["planned"], limit=settings.approval_above)
            begin(connection, name, occurrence, now, snapshot=snapshot.number, late=late)
            _start(connection, name, now, late=late)
            connection.execute(_into_the_ledger(aside.table, name, occurrence, now))
            connection.execute(update(campaigns).where(campaigns.c.name == name).values(snapshot=snapshot.number))
            details: dict[str, object] = {"audience": counted["rows"], "snapshot": snapshot.number}
            details |= {"occurrence": occurrence, "late": counted[LATE]}
            record(connection, at=now, actor="sender", action="campaign.plan", subject=name, details=details)
            fault_point("planner.before_commit")
    fault_point("planner.after_commit")
    return counted["rows"]


class Windows:
    """When people may be mailed for one occurrence, worked out once for each zone."""

    def __init__(self, timing: Timing | None, occurrence: str, settings: Settings, now: datetime) -> None:
        self.now, self._timing, self._default = now, timing, settings.reporting_timezone
        self._due_at = due_time(occurrence)
        self._known: dict[str | None, tuple[str | None, Window]] = {}

    @property
    def are_over(self) -> bool:
        """Whether it is too late for everybody."""
        if self._timing is None or self._due_at is None:
            return False
        return self._timing.is_over(self._due_at, self.now)

    def of(self, timezone: str | None) -> tuple[str | None, Window]:
        """The zone, if it is one, and the window in it."""
        if timezone not in self._known:
            zone = timezone if timezone is not None and is_zone(timezone) else None
            window = Window()
            if self._timing is not None and self._due_at is not None:
                window = self._timing.window(self._due_at, zone or self._default)
            self._known[timezone] = zone, window
        return self._known[timezone]


class LedgerRow:
    """Makes the row of the ledger out of a recipient; `as_told` puts a moment into the form that a driver takes."""

    def __init__(
        self,
        campaign: str,
        occurrence: str,
        content_hash: str,
        windows: Windows,
        as_told: Callable[[datetime | None], Any] | None = None,
    ) -> None:
        self._campaign, self._occurrence = campaign, occurrence
        self._content_hash, self._windows = content_hash, windows
        # Few moments, many rows: each is put into that form once.
        self._told = cache(as_told) if as_told is not None else _as_it_is

    def __call__(self, recipient: Recipient) -> dict[str, Any]:
        """The whole row by the names of its columns."""
        row = dict(zip((column.name for column in _KEPT), self.values(recipient), strict=True))
        done_at = None if row["state"] == "planned" else self._windows.now
        same = {"campaign": self._campaign, "occurrence": self._occurrence, "attempt": 0}
        return {**row, **same, "planned_at": self._windows.now, "done_at": done_at}

    def values(self, recipient: Recipient) -> tuple[Any, ...]:
        """What differs from row to row, in the order of `_KEPT`."""
        zone, window = self._windows.of(recipient.timezone)
        if recipient.state == "planned" and window.not_after is not None and window.not_after < self._windows.now:
            recipient = recipient._replace(state="cancelled", reason=LATE)
        kept = recipient.kept
        return (
            recipient.state,
            recipient.reason,
            recipient.key(self._campaign, self._occurrence),
            recipient.person_id,
            recipient.address if recipient.state == "planned" else None,
            recipient.address_key,
            kept,
            recipient.variant,
            zone,
            self._told(window.not_before),
            self._told(window.not_after),
            hashlib.sha256(f"{self._content_hash}|{kept}".encode()).hexdigest(),
        )


_KEPT = [
    recipients.c[name]
    for name in (
        "state", "reason", "dedupe_key", "person_id", "address", "address_key", "variables", "variant", "timezone",
        "not_before", "not_after", "content_hash",
    )
]  # fmt: skip


def _as_it_is(moment: datetime | None) -> datetime | None:
    return moment


def _put_aside(aside: Aside, rows: Iterator[tuple[Any, ...]]) -> Counter[str]:
    """Put the rows aside, a batch at a time; how many there are, and how many in each state and too late."""
    counted: Counter[str] = Counter()
    while batch := list(islice(rows, BATCH)):
        aside.add(batch)
        counted["rows"] += len(batch)
        counted.update(state for state, *_ in batch)
        counted[LATE] += sum(reason == LATE for _, reason, *_ in batch)
        fault_point("planner.after_batch")
    return counted


def _into_the_ledger(aside: Table, name: str, occurrence: str, now: datetime) -> Insert:
    """The statement that copies what was put aside, with what all of its rows have in common."""
    moment = literal(now, recipients.c.planned_at.type)
    same = {
        "campaign": literal(name),
        "occurrence": literal(occurrence),
        "attempt": literal(0),
        "planned_at": moment,
        "done_at": case((aside.c.state == "planned", null()), else_=moment),
    }
    return insert(recipients).from_select([*aside.columns.keys(), *same], select(*aside.columns, *same.values()))


def _start(connection: Connection, name: str, now: datetime, *, late: bool) -> None:
    if find(connection, name).state == "sending":
        return
    if late:
        close(connection, name, now, actor="sender")
    else:
        move(connection, name, "sending", now=now, actor="sender")


def _size(connection: Connection, name: str, occurrence: str) -> int:
    mine = (recipients.c.campaign == name, recipients.c.occurrence == occurrence)
    return int(connection.scalar(select(func.count()).select_from(recipients).where(*mine)) or 0)
