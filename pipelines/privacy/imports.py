"""Suppressions that come in a file, and the confirm links of consents that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine

from pipelines.privacy.address import InvalidAddressError, address_key
from pipelines.privacy.consent import ConsentRow
from pipelines.privacy.ledger import told
from pipelines.privacy.links import Confirmation, confirm_token
from pipelines.privacy.suppression import ALL, BATCH, suppress
from pipelines.state import reading, writing


@dataclass(frozen=True)
class SuppressionRow:
    """One suppression as it was handed in; `problem` says why the line can not be one."""

    line: int
    email: str = ""
    scope: str = ALL
    reason: str = "imported"
    source: str = "import"
    problem: str | None = None


@dataclass
class SuppressionImport:
    """What an import did: `read` = `added` + `unchanged` + the count of `bad` lines."""

    read: int = 0
    added: int = 0
    unchanged: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The JSON form; a bad line is told by number and reason, never by content."""
        return {
            "read": self.read,
            "added": self.added,
            "unchanged": self.unchanged,
            "bad": len(self.bad),
            "bad_lines": [{"line": line, "reason": reason} for line, reason in self.bad],
        }


def import_suppressions(engine: Engine, rows: Iterable[SuppressionRow], now: datetime) -> SuppressionImport:
    """Store suppressions, some hundred in a transaction; a crash keeps the first ones, and again adds the rest."""
    result = SuppressionImport()
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        with writing(engine) as connection:
            for row in batch:
                result.read += 1
                try:
                    if row.problem is not None:
                        raise InvalidAddressError(row.problem)
                    key = address_key(row.email)
                except InvalidAddressError as problem:
                    result.bad.append((row.line, str(problem)))
                    continue
                told_by = {"reason": row.reason, "source": row.source, "scope": row.scope}
                is_new = suppress(connection, key, now=now, **told_by)
                result.added += is_new
                result.unchanged += not is_new
    return result


def confirm_links(
    engine: Engine, rows: Iterable[ConsentRow], *, secret: bytes, public_url: str
) -> Iterator[tuple[str, str]]:
    """Address and confirm link of each request in these rows that nobody answered yet, each once."""
    base = public_url.rstrip("/")
    seen: set[Confirmation] = set()
    with reading(engine) as connection:
        for row in rows:
            try:
                if row.problem is not None or row.at is None:
                    continue
                asked = Confirmation(address_key(row.email), row.purpose, row.at)
            except InvalidAddressError:
                continue
            entries = told(connection, asked.address_key, asked.purpose)
            is_open = entries and not any(
                one.action in ("confirmed", "withdrawn") and one.at >= asked.requested_at for one in entries
            )
            if is_open and asked not in seen:
                seen.add(asked)
                yield row.email, f"{base}/c/{confirm_token(secret, asked)}"
