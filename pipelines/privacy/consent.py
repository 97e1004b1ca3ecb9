"""Consent: who agreed to mail of which list, when, where, and what proves it.

One row per address and purpose says what counts now, the ledger what was told. A withdrawal wins over
every consent given before it; a consent given after it counts again. Reading the same rows twice
changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Engine, Update, insert, select, tuple_, update

from pipelines.privacy.address import InvalidAddressError, address_key
from pipelines.privacy.ledger import Action, Entry, write_down
from pipelines.state import record, writing
from pipelines.state.tables import consents

MARKETING = "marketing"
BATCH = 500
_PURPOSE = re.compile(r"[a-z0-9_-]{1,40}")

Pair = tuple[str, str]
"""Address key and purpose."""


@dataclass(frozen=True)
class ConsentRow:
    """One consent as it was handed in; `problem` says why the line can not be one."""

    line: int
    email: str = ""
    source: str = ""
    at: datetime | None = None
    proof: str = ""
    problem: str | None = None
    purpose: str = MARKETING


@dataclass
class ConsentImport:
    """What an import did: `read` = `granted` + `requested` + `unchanged` + the count of `bad` lines."""

    read: int = 0
    granted: int = 0
    requested: int = 0
    unchanged: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The JSON form; a bad line is told by number and reason, never by content."""
        return {
            "read": self.read,
            "granted": self.granted,
            "requested": self.requested,
            "unchanged": self.unchanged,
            "bad": len(self.bad),
            "bad_lines": [{"line": line, "reason": reason} for line, reason in self.bad],
        }


def import_consents(
    engine: Engine, rows: Iterable[ConsentRow], now: datetime, *, double_opt_in: bool = False
) -> ConsentImport:
    """Store consents; all or nothing of one call. Bad rows are counted, the others stored.

    With `double_opt_in` they are requests, and count for nothing until each person confirms.
    """
    result = ConsentImport()
    with writing(engine) as connection:
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            entries = list(_entries(batch, result, double_opt_in=double_opt_in))
            if double_opt_in:
                new = write_down(connection, entries, now)
                result.requested += new
                result.unchanged += len(entries) - new
            else:
                write_down(connection, entries, now)
                _store(connection, entries, result)
        if result.granted or result.requested:
            details: dict[str, object] = {
                "granted": result.granted, "requested": result.requested, "read": result.read,
            }  # fmt: skip
            record(
                connection,
                at=now,
                actor="import",
                action="consent.import",
                subject="consents",
                details=details,
            )
    return result


def _entries(batch: list[ConsentRow], result: ConsentImport, *, double_opt_in: bool) -> Iterator[Entry]:
    for row in batch:
        result.read += 1
        problem = row.problem
        if problem is None and not _PURPOSE.fullmatch(row.purpose):
            problem = "'purpose' is no name of a list"
        try:
            if problem is None and row.at is not None:
                action: Action = "requested" if double_opt_in else "granted"
                yield Entry(address_key(row.email), row.purpose, action, row.at, row.source, row.proof)
            else:
                problem = problem or "no time in 'at'"
        except InvalidAddressError as invalid:
            problem = str(invalid)
        if problem is not None:
            result.bad.append((row.line, problem))


def _store(connection: Connection, entries: list[Entry], result: ConsentImport) -> None:
    if not entries:
        return
    wanted = list({(entry.key, entry.purpose) for entry in entries})
    found = connection.execute(
        select(consents.c.address_key, consents.c.purpose, consents.c.granted_at).where(
            tuple_(consents.c.address_key, consents.c.purpose).in_(wanted)
        )
    )
    known: dict[Pair, datetime] = {(row.address_key, row.purpose): row.granted_at for row in found}
    new: dict[Pair, Entry] = {}
    newer: dict[Pair, Entry] = {}
    for entry in entries:
        pair = (entry.key, entry.purpose)
        if pair in known and entry.at <= known[pair]:
            result.unchanged += 1
            continue
        (new if pair not in known or pair in new else newer)[pair] = entry
        known[pair] = entry.at
        result.granted += 1
    if new:
        rows = [{"address_key": key, "purpose": purpose, **_values(entry)} for (key, purpose), entry in new.items()]
        connection.execute(insert(consents), rows)
    for pair, entry in newer.items():
        connection.execute(_row_of(*pair).values(**_values(entry)))
        revived = _row_of(*pair).where(consents.c.withdrawn_at < entry.at)
        connection.execute(revived.values(withdrawn_at=None))


def _values(entry: Entry) -> dict[str, object]:
    return {"granted_at": entry.at, "source": entry.source, "proof": entry.proof}


def grant(connection: Connection, entry: Entry, now: datetime) -> None:
    """Store one consent, in the caller's transaction."""
    write_down(connection, [entry], now)
    _store(connection, [entry], ConsentImport())


def withdraw(
    connection: Connection,
    key: str,
    *,
    source: str,
    now: datetime,
    purpose: str = MARKETING,
    at: datetime | None = None,
    proof: str = "",
) -> bool:
    """Take the consent of the address with this key back, in the caller's transaction; whether anything changed.

    `at` is when they did, now unless told. Where no consent was recorded the refusal is, so that paying does
    not count as consent either.
    """
    moment = at or now
    if not write_down(connection, [Entry(key, purpose, "withdrawn", moment, source, proof)], now):
        return False
    later = _row_of(key, purpose).where(consents.c.withdrawn_at.is_(None) | (consents.c.withdrawn_at < moment))
    if connection.execute(later.values(withdrawn_at=moment)).rowcount == 0:
        same = select(consents.c.purpose).where(consents.c.address_key == key, consents.c.purpose == purpose)
        if connection.execute(same).first() is None:
            values = {"granted_at": moment, "source": source, "proof": "", "withdrawn_at": moment}
            connection.execute(insert(consents).values(address_key=key, purpose=purpose, **values))
    record(connection, at=now, actor=source, action="consent.withdraw", subject=key, details={"purpose": purpose})
    return True


def _row_of(key: str, purpose: str) -> Update:
    return update(consents).where(consents.c.address_key == key, consents.c.purpose == purpose)
