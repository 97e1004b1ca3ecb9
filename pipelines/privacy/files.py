"""Files of consents and of suppressions: JSON lines or CSV, read line by line.

A consent has `email`, `source` and `at`, and may have `proof` and `purpose`; a suppression has `email` and may
have `scope`, `reason` and `source`. A line that can not be one becomes a row with its problem; it never stops
the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.errors import UsageError
from pipelines.privacy.consent import MARKETING, ConsentRow
from pipelines.privacy.imports import SuppressionRow
from pipelines.privacy.suppression import ALL, SCOPE

_Found = Iterator[tuple[int, Mapping[str, object] | str]]


def read_consent_file(path: Path, timezone: str) -> Iterator[ConsentRow]:
    """The rows of one file; times and dates without a zone are read in `timezone`.

    Raises:
        UsageError: there is no such file, or it is a CSV file without the needed columns.
    """
    zone = ZoneInfo(timezone)
    return (_consent(line, found, zone) for line, found in _lines(path, {"email", "source", "at"}))


def read_suppression_file(path: Path) -> Iterator[SuppressionRow]:
    """The rows of one file; left out, the scope is `all` and the reason `imported`.

    Raises:
        UsageError: there is no such file, or it is a CSV file without the needed column.
    """
    return (_suppression(line, found, path.name) for line, found in _lines(path, {"email"}))


def _lines(path: Path, needed: set[str]) -> _Found:
    if not path.is_file():
        raise UsageError(f"there is no file {path}. Nothing was imported.")
    return _csv_rows(path, needed) if path.suffix.lower() == ".csv" else _json_rows(path)


def _json_rows(path: Path) -> _Found:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError:
                yield number, "this line is no JSON"
                continue
            yield number, found if isinstance(found, dict) else "this line is no JSON object"


def _csv_rows(path: Path, needed: set[str]) -> _Found:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        missing = needed - set(reader.fieldnames or ())
        if missing:
            raise UsageError(
                f"{path.name} lacks the column {', '.join(sorted(missing))}; "
                "its first line names the columns. Nothing was imported."
            )
        for row in reader:
            yield reader.line_num, row


def _texts(found: Mapping[str, object], names: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, str] | str:
    """The values of these names as texts, or why they can not be."""
    texts: dict[str, str] = {}
    for name in names:
        value = found.get(name) or ""
        if not isinstance(value, str):
            return f"'{name}' is no text"
        if name in needed and not value.strip():
            return f"no '{name}'"
        texts[name] = value.strip() if name != "proof" else value
    return texts


def _consent(line: int, found: Mapping[str, object] | str, zone: ZoneInfo) -> ConsentRow:
    if isinstance(found, str):
        return ConsentRow(line, problem=found)
    texts = _texts(found, ("email", "source", "at", "proof", "purpose"), ("email", "source", "at"))
    if isinstance(texts, str):
        return ConsentRow(line, problem=texts)
    try:
        at = datetime.fromisoformat(texts["at"])
        moment = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return ConsentRow(line, problem="'at' is no ISO 8601 time")
    return ConsentRow(
        line,
        email=texts["email"],
        source=texts["source"][:200],
        at=moment,
        proof=texts["proof"],
        purpose=texts["purpose"] or MARKETING,
    )


def _suppression(line: int, found: Mapping[str, object] | str, file: str) -> SuppressionRow:
    if isinstance(found, str):
        return SuppressionRow(line, problem=found)
    texts = _texts(found, ("email", "scope", "reason", "source"), ("email",))
    if isinstance(texts, str):
        return SuppressionRow(line, problem=texts)
    scope = texts["scope"] or ALL
    if not SCOPE.fullmatch(scope):
        return SuppressionRow(line, problem="'scope' is neither all nor a list nor group:N")
    return SuppressionRow(
        line,
        email=texts["email"],
        scope=scope,
        reason=(texts["reason"] or "imported")[:40],
        source=(texts["source"] or file)[:200],
    )
