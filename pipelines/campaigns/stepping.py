"""One step of every journey that is due: who is out, who gets a row in the ledger, and where each stands then.

The snapshot is asked first; then one transaction for some thousand people writes all of it, for those whom no
other call has moved meanwhile.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, bindparam, insert, select, update

from pipelines.campaigns.audience import columns_of, recipients_of, told_recently
from pipelines.campaigns.document import CampaignDocument, Content
from pipelines.campaigns.planner import LedgerRow, Windows
from pipelines.campaigns.states import find, move
from pipelines.campaigns.timing import named
from pipelines.faults import fault_point
from pipelines.segments import SegmentDocument, best_ones_first, lookup_of, member_rows, members, span_length
from pipelines.settings import Settings
from pipelines.state import reading, record, writing
from pipelines.state.tables import campaigns, journeys, recipients

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

ENTRY = "entry"
"""The occurrence that says since when entries count, and that of each mail that nobody gets a second time."""
RUNNING = ("scheduled", "sending")
"""States of a campaign whose journeys go on."""
ASKED = 5_000
"""So many people are asked about at once, and written in one transaction."""
_LENGTH = 40


@dataclass
class Moved:
    """What one call did: journeys that began, left or ended, and mails planned by the name of their step."""

    entered: int = 0
    exited: int = 0
    finished: int = 0
    planned: Counter[str] = field(default_factory=Counter)

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


class Journey(NamedTuple):
    """Where one person stands after one entry."""

    person_id: str
    entered_at: datetime
    step: str


class Step(NamedTuple):
    """One mail of a sequence, and how long after the one before it."""

    name: str
    wait: timedelta


def steps_of(document: CampaignDocument) -> list[Step]:
    """The mails in their order; without steps it is one, at once and without a name."""
    return [Step(step.name, span_length(step.wait)) for step in document.steps] or [Step("", timedelta())]


def due_journeys(name: str, now: datetime) -> Select[Any]:
    """The journeys of a campaign whose step is due."""
    table = journeys.c
    return select(table.person_id, table.entered_at, table.step).where(
        table.campaign == name, table.state == "active", table.due_at <= now
    )


def take_further(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    content: Content,
    steps: Sequence[Step],
    now: datetime,
    moved: Moved,
) -> bool:
    """Take every journey that is due one step further; whether there was one."""
    name = content.document.name
    with reading(engine) as connection:
        rows = connection.execute(due_journeys(name, now).order_by(journeys.c.person_id, journeys.c.entered_at)).all()
    due = [Journey(row.person_id, row.entered_at, row.step) for row in rows]
    for start in range(0, len(due), ASKED):
        some = due[start : start + ASKED]
        out, people = _asked(engine, snapshot, settings, content, {one.person_id for one in some})
        with writing(engine) as connection:
            if find(connection, name).state not in RUNNING:
                return False
            # Whoever was moved by another call meanwhile is no longer as it was found.
            same = due_journeys(name, now).where(journeys.c.person_id.in_({one.person_id for one in some}))
            still = {Journey(row.person_id, row.entered_at, row.step) for row in connection.execute(same)}
            _step_on(
                connection, settings, content, steps, [one for one in some if one in still], out, people, now, moved
            )
            connection.execute(update(campaigns).where(campaigns.c.name == name).values(snapshot=snapshot.number))
            fault_point("journeys.before_commit")
        fault_point("journeys.after_commit")
    return bool(due)


def _asked(
    engine: Engine, snapshot: Snapshot, settings: Settings, content: Content, people: set[str]
) -> tuple[set[str], dict[str, dict[str, Any]]]:
    """Of these people, those who fit the exit condition, and the traits of all whom the snapshot knows."""
    lookup, zone = lookup_of(engine), settings.reporting_timezone
    listed = {"trait": {"field": "person_id", "op": "in", "value": sorted(people)}}
    found = member_rows(snapshot, _rule([listed]), columns_of(content), timezone=zone, lookup=lookup)
    out: set[str] = set()
    if content.document.exit is not None:
        leaves = content.document.exit.model_dump(by_alias=True, exclude_unset=True)
        out = set(members(snapshot, _rule([listed, leaves]), timezone=zone, lookup=lookup))
    return out, {str(row["person_id"]): row for row in told_recently(snapshot, content, found)}


def _rule(parts: list[dict[str, Any]]) -> SegmentDocument:
    return SegmentDocument.model_validate({"name": "people-under-way", "match": {"all": parts}})


def _step_on(
    connection: Connection,
    settings: Settings,
    content: Content,
    steps: Sequence[Step],
    due: Sequence[Journey],
    out: set[str],
    people: Mapping[str, dict[str, Any]],
    now: datetime,
    moved: Moved,
) -> None:
    """Plan the due step of each journey, or end it; in the caller's transaction."""
    name, names = content.document.name, [step.name for step in steps]
    after: list[dict[str, Any]] = []
    goes: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in due:
        reason = "exit" if one.person_id in out else None if one.person_id in people else "not_in_snapshot"
        if reason is not None:
            after.append(_now(one, one.step, "exited", now, reason=reason))
            moved.exited += 1
            continue
        occurrence = occurrence_of(content.document, one.entered_at, one.step)
        goes.setdefault((occurrence, one.step), []).append(people[one.person_id])
        position = names.index(one.step) + 1
        if position < len(steps):
            after.append(_now(one, names[position], "active", None, due_at=now + steps[position].wait))
        else:
            after.append(_now(one, one.step, "finished", now))
            moved.finished += 1
    for (occurrence, step), some in goes.items():
        row_of = LedgerRow(name, occurrence, content.content_hash(), Windows(None, occurrence, settings, now))
        found = [
            {**row_of(one), "step": step} for one in recipients_of(connection, settings, content, best_ones_first(some))
        ]
        planned = _write(connection, found)
        moved.planned[step] += planned
        if planned and find(connection, name).state == "scheduled":
            move(connection, name, "sending", now=now, actor="journeys")
    _write_down(connection, name, after)
    if due:
        details: dict[str, object] = {"steps": len(due), "exited": moved.exited, "planned": sum(moved.planned.values())}
        record(connection, at=now, actor="journeys", action="campaign.advance", subject=name, details=details)


def _write(connection: Connection, rows: list[dict[str, Any]]) -> int:
    """Add the rows whose key is not there yet; how many of them are to be mailed."""
    keys = recipients.c.dedupe_key
    known: set[str] = set(connection.scalars(select(keys).where(keys.in_([row["dedupe_key"] for row in rows]))))
    new = [row for row in rows if row["dedupe_key"] not in known]
    if new:
        connection.execute(insert(recipients), new)
    return sum(row["state"] == "planned" for row in new)


def occurrence_of(document: CampaignDocument, entered_at: datetime, step: str) -> str:
    """What the ledger's key says of a mail beside campaign and address: the entry it belongs to, and its step.

    Whoever is to get it once in their life has one entry, whenever it was. A long name of a step is cut and told
    apart by its hash.
    """
    entry = named(entered_at) if document.trigger is not None and document.trigger.again else ENTRY
    if not step:
        return entry
    room = _LENGTH - len(entry) - 1
    if len(step) > room:
        step = f"{step[: room - 9]}~{hashlib.sha256(step.encode()).hexdigest()[:8]}"
    return f"{entry}/{step}"


def _now(
    one: Journey, step: str, state: str, ended_at: datetime | None, *, due_at: datetime | None = None,
    reason: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    who = {"person": one.person_id, "entry": one.entered_at, "was": one.step}
    return {**who, "step": step, "state": state, "due_at": due_at, "ended_at": ended_at, "reason": reason}


def _write_down(connection: Connection, name: str, after: list[dict[str, Any]]) -> None:
    if not after:
        return
    table = journeys.c
    which = (
        table.campaign == name,
        table.person_id == bindparam("person"),
        table.entered_at == bindparam("entry", type_=table.entered_at.type),
        table.step == bindparam("was"),
    )
    connection.execute(update(journeys).where(*which), after)
