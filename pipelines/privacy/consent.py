"""Consent: who agreed to marketing mail, when, where, and what proves it.

One row per address and purpose. A withdrawal wins over every consent given before it; a consent
given after it counts again. Reading the same rows twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Engine, Update, insert, select, update

from pipelines.privacy.address import InvalidAddressError, address_key
from pipelines.state import record, writing
from pipelines.state.tables import consents

MARKETING = "marketing"
BATCH = 500


@dataclass(frozen=True)
class ConsentRow:
    """One consent as it was handed in; `problem` says why the line can not be one."""

    line: int
    email: str = ""
    source: str = ""
    at: datetime | None = None
    proof: str = ""
    problem: str | None = None


@dataclass
class ConsentImport:
    """What an import did: `read` = `granted` + `unchanged` + the count of `bad` lines."""

    read: int = 0
    granted: int = 0
    unchanged: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The JSON form; a bad line is told by number and reason, never by content."""
        return {
            "read": self.read,
            "granted": self.granted,
            "unchanged": self.unchanged,
            "bad": len(self.bad),
            "bad_lines": [{"line": line, "reason": reason} for line, reason in self.bad],
        }


def import_consents(engine: Engine, rows: Iterable[ConsentRow], now: datetime) -> ConsentImport:
    """Store consents; all or nothing of one call. Bad rows are counted, the others stored."""
    result = ConsentImport()
    with writing(engine) as connection:
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            _store(connection, _keyed(batch, result), result)
        if result.granted:
            details: dict[str, object] = {"granted": result.granted, "read": result.read}
            record(
                connection,
                at=now,
                actor="import",
                action="consent.import",
                subject=MARKETING,
                details=details,
            )
    return result


def _keyed(batch: list[ConsentRow], result: ConsentImport) -> Iterator[tuple[str, ConsentRow]]:
    for row in batch:
        result.read += 1
        try:
            problem = row.problem or (None if row.at else "no time in 'at'")
            if problem is None:
                yield address_key(row.email), row
        except InvalidAddressError as invalid:
            problem = str(invalid)
        if problem is not None:
            result.bad.append((row.line, problem))


def _store(connection: Connection, keyed: Iterable[tuple[str, ConsentRow]], result: ConsentImport) -> None:
    wanted = list(keyed)
    found = connection.execute(
        select(consents.c.address_key, consents.c.granted_at).where(
            consents.c.purpose == MARKETING, consents.c.address_key.in_({key for key, _ in wanted})
        )
    )
    known: dict[str, datetime] = {row.address_key: row.granted_at for row in found}
    new: dict[str, dict[str, object]] = {}
    newer: dict[str, dict[str, object]] = {}
    for key, row in wanted:
        if row.at is None or (key in known and row.at <= known[key]):
            result.unchanged += 1
            continue
        is_new = key not in known or key in new
        (new if is_new else newer)[key] = {"granted_at": row.at, "source": row.source, "proof": row.proof}
        known[key] = row.at
        result.granted += 1
    if new:
        rows = [{"address_key": key, "purpose": MARKETING, **values} for key, values in new.items()]
        connection.execute(insert(consents), rows)
    for key, values in newer.items():
        connection.execute(_row_of(key).values(**values))
        revived = _row_of(key).where(consents.c.withdrawn_at < values["granted_at"])
        connection.execute(revived.values(withdrawn_at=None))


def withdraw(connection: Connection, key: str, *, source: str, now: datetime) -> None:
    """Take the consent of the address with this key back, in the caller's transaction.

    Where no consent was recorded the refusal is, so that paying does not count as consent either.
    """
    changed = connection.execute(_row_of(key).values(withdrawn_at=now))
    if changed.rowcount == 0:
        values = {"granted_at": now, "source": source, "proof": "", "withdrawn_at": now}
        connection.execute(insert(consents).values(address_key=key, purpose=MARKETING, **values))
    record(connection, at=now, actor=source, action="consent.withdraw", subject=key)


def _row_of(key: str) -> Update:
    return update(consents).where(consents.c.address_key == key, consents.c.purpose == MARKETING)
