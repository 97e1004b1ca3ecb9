"""The audience: one recipient per person and per address, each planned or excluded with a reason.

What the segment, the consents and the snapshot say at this moment; `planner` freezes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy import Connection, Engine

from pipelines.campaigns.assignment import is_held_out, is_held_out_of_all, variant_of
from pipelines.campaigns.content import EVENTS, Templates
from pipelines.campaigns.document import Content
from pipelines.campaigns.recent import with_recent_events
from pipelines.errors import UsageError
from pipelines.money import major
from pipelines.segments import NEEDED, Addressed, addressed, best_first, lookup_of, money
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

TRANSACTIONAL = "transactional"
"""The purpose of mails that people asked for."""
GLOBAL_HOLDOUT = "global_holdout"
"""Why somebody is held out of all campaigns, and so of no comparison within one."""


class Recipient(NamedTuple):
    """One row of the audience, before it is written."""

    person_id: str
    address: str | None
    address_key: str | None
    variables: str
    variant: str
    state: str
    reason: str | None
    timezone: str | None

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
    zone = settings.reporting_timezone
    people = best_first(snapshot, segment, columns_of(content), as_of, timezone=zone, lookup=find_segment)
    yield from recipients_of(connection, settings, content, told_recently(snapshot, content, people, as_of))


def told_recently(
    snapshot: Snapshot, content: Content, people: Iterable[dict[str, Any]], as_of: datetime | None = None
) -> Iterable[dict[str, Any]]:
    """These people with their newest events, where a mail speaks of them."""
    return with_recent_events(snapshot, people, as_of) if EVENTS in Templates(content).used() else people


def columns_of(content: Content) -> list[str]:
    """What has to be known of a person to make a recipient of them."""
    traits = Templates(content).traits()
    amounts = [column for name in traits if name in money() for column in money()[name]]
    return list(dict.fromkeys([*NEEDED, "timezone", *traits, *amounts]))


def recipients_of(
    connection: Connection, settings: Settings, content: Content, people: Iterable[dict[str, Any]]
) -> Iterator[Recipient]:
    """These people (with `columns_of`, the `best_first`), one for each address, with what is to become of them."""
    recipient = _Recipients(content, settings.global_holdout)
    for one in addressed(connection, people, settings.consent, content.document.purpose):
        yield recipient(one)


class _Recipients:
    """Makes recipients: what is the same for all of them is looked up once."""

    def __init__(self, content: Content, global_holdout: float) -> None:
        document = content.document
        # What somebody asked for, such as a receipt, nobody is held out of.
        self._global_holdout = 0.0 if document.purpose == TRANSACTIONAL else global_holdout
        self._name, self._holdout, self._weights = document.name, document.holdout, document.weights()
        self._traits = Templates(content).traits()

    def __call__(self, one: Addressed) -> Recipient:
        person, address, refusal = one
        reason: str | None = refusal
        person_id = str(person["person_id"])
        state = "suppressed" if reason else "planned"
        if reason is None and self._global_holdout and is_held_out_of_all(person_id, self._global_holdout):
            state, reason = "holdout", GLOBAL_HOLDOUT
        elif reason is None and self._holdout and is_held_out(self._name, person_id, self._holdout):
            state = "holdout"
        return Recipient(
            person_id,
            address.deliverable if address else None,
            address.key if address else None,
            orjson.dumps(trait_values(person, self._traits)).decode(),
            variant_of(self._name, person_id, self._weights) if len(self._weights) > 1 else next(iter(self._weights)),
            state,
            reason,
            person["timezone"],
        )


def trait_values(person: dict[str, Any], traits: Sequence[str]) -> dict[str, object]:
    """The traits as a mail shows them: amounts in major units, times as ISO text."""
    values: dict[str, object] = {}
    amounts = money()
    for name in traits:
        value = person.get(name)
        if (columns := amounts.get(name)) is not None:
            amount, currency = person.get(columns[0]), person.get(columns[1])
            value = str(major(int(amount), str(currency))) if amount is not None and currency else None
        elif value is None or type(value) is str:
            pass  # As nearly all are.
        elif isinstance(value, (date, datetime)):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = str(value)
        values[name] = value
    if EVENTS in person:
        values[EVENTS] = person[EVENTS]
    return values
