"""The audience: one recipient per person and per address, each planned or excluded with a reason.

Planning freezes it in one transaction: what the segment, the consents and the snapshot said at that
moment holds for the whole campaign. Planning again adds nobody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, select, update

from pipelines.campaigns.assignment import is_held_out, is_held_out_of_all, variant_of
from pipelines.campaigns.content import Templates
from pipelines.campaigns.document import Content
from pipelines.campaigns.states import frozen, move
from pipelines.errors import UsageError
from pipelines.faults import fault_point
from pipelines.money import major
from pipelines.segments import NEEDED, Addressed, addressed, lookup_of, member_rows, money
from pipelines.settings import Settings
from pipelines.state import record, writing
from pipelines.state.tables import campaigns, recipients

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

ONCE = "once"
"""The occurrence of a campaign that is sent one time."""
BATCH = 1000
TRANSACTIONAL = "transactional"
"""The purpose of mails that people asked for."""
GLOBAL_HOLDOUT = "global_holdout"
"""Why somebody is held out of all campaigns, and so of no comparison within one."""


@dataclass(frozen=True)
class Recipient:
    """One row of the audience, before it is written."""

    person_id: str
    address: str | None
    address_key: str | None
    variables: str
    variant: str
    state: str
    reason: str | None

    @property
    def kept(self) -> str:
        """What the ledger keeps of the person: nothing of whoever gets no mail."""
        return self.variables if self.state == "planned" else "{}"

    def key(self, campaign: str, occurrence: str) -> str:
        """Unique for the mail that may go out: by address, and by person where there is none."""
        return dedupe_key(campaign, occurrence, self.address_key or f"person:{self.person_id}")


def dedupe_key(campaign: str, occurrence: str, recipient: str) -> str:
    """SHA-256 of who gets what and when: no second mail can have the same one."""
    return hashlib.sha256(f"{campaign}|{occurrence}|{recipient}".encode()).hexdigest()


def plan(engine: Engine, snapshot: Snapshot, settings: Settings, name: str, now: datetime) -> int:
    """Freeze the audience of an approved campaign and start sending; returns how many rows it has.

    Raises:
        UsageError: no such campaign, or its segment can not be meant of this snapshot.
        MillstreamError: the campaign is not approved.
    """
    with writing(engine) as connection:
        content = frozen(connection, name)
        move(connection, name, "sending", now=now, actor="sender")
        rows = list(audience(connection, engine, snapshot, settings, content))
        _write(connection, name, rows, content.content_hash(), now)
        connection.execute(update(campaigns).where(campaigns.c.name == name).values(snapshot=snapshot.number))
        details: dict[str, object] = {"audience": len(rows), "snapshot": snapshot.number}
        record(connection, at=now, actor="sender", action="campaign.plan", subject=name, details=details)
        fault_point("planner.before_commit")
    fault_point("planner.after_commit")
    return len(rows)


def audience(
    connection: Connection,
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    content: Content,
    as_of: datetime | None = None,
) -> Iterator[Recipient]:
    """Everybody in the segment, one row per address, with what is to become of them.

    Raises:
        UsageError: the segment is not there or can not be meant of this snapshot (or of that day).
    """
    document = content.document
    find_segment = lookup_of(engine)
    segment = find_segment(document.segment)
    if segment is None:
        raise UsageError(f"segment: there is no segment {document.segment!r}.")
    traits = Templates(content).traits()
    people = member_rows(
        snapshot, segment, _columns(traits), as_of, timezone=settings.reporting_timezone, lookup=find_segment
    )
    for one in addressed(connection, people, settings.consent):
        yield _recipient(content, one, traits, settings.global_holdout)


def _recipient(content: Content, one: Addressed, traits: Sequence[str], global_holdout: float) -> Recipient:
    person, address, refusal = one
    reason: str | None = refusal
    name, person_id = content.document.name, str(person["person_id"])
    state = "suppressed" if reason else "planned"
    # What somebody asked for, such as a receipt, nobody is held out of.
    is_asked_for = content.document.purpose == TRANSACTIONAL
    if reason is None and not is_asked_for and is_held_out_of_all(person_id, global_holdout):
        state, reason = "holdout", GLOBAL_HOLDOUT
    elif reason is None and is_held_out(name, person_id, content.document.holdout):
        state = "holdout"
    return Recipient(
        person_id=person_id,
        address=address.deliverable if address else None,
        address_key=address.key if address else None,
        variables=json.dumps(trait_values(person, traits), ensure_ascii=False),
        variant=variant_of(name, person_id, content.document.weights()),
        state=state,
        reason=reason,
    )


def _columns(traits: Sequence[str]) -> list[str]:
    amounts = [column for name in traits if name in money() for column in money()[name]]
    return list(dict.fromkeys([*NEEDED, *traits, *amounts]))


def trait_values(person: dict[str, Any], traits: Sequence[str]) -> dict[str, object]:
    """The traits as a mail shows them: amounts in major units, times as ISO text."""
    values: dict[str, object] = {}
    for name in traits:
        value = person.get(name)
        if name in money():
            amount, currency = (person.get(column) for column in money()[name])
            value = str(major(int(amount), str(currency))) if amount is not None and currency else None
        elif isinstance(value, (date, datetime)):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = str(value)
        values[name] = value
    return values


def _write(connection: Connection, name: str, rows: list[Recipient], content_hash: str, now: datetime) -> None:
    mine = (recipients.c.campaign == name, recipients.c.occurrence == ONCE)
    known: set[str] = set(connection.scalars(select(recipients.c.dedupe_key).where(*mine)))
    values = [
        {
            "dedupe_key": key,
            "campaign": name,
            "occurrence": ONCE,
            "person_id": row.person_id,
            "address": row.address if row.state == "planned" else None,
            "address_key": row.address_key,
            "variables": row.kept,
            "variant": row.variant,
            "state": row.state,
            "reason": row.reason,
            "content_hash": hashlib.sha256(f"{content_hash}|{row.kept}".encode()).hexdigest(),
            "planned_at": now,
            "done_at": None if row.state == "planned" else now,
        }
        for row in rows
        if (key := row.key(name, ONCE)) not in known
    ]
    for start in range(0, len(values), BATCH):
        connection.execute(insert(recipients), values[start : start + BATCH])
        fault_point("planner.after_batch")
