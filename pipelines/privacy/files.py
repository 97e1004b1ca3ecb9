"""Consent files: JSON lines or CSV with `email`, `source`, `at` and `proof`, read line by line.

A line that can not be a consent becomes a row with its problem; it never stops the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.errors import UsageError
from pipelines.privacy.consent import ConsentRow


def read_consent_file(path: Path, timezone: str) -> Iterator[ConsentRow]:
    """The rows of one file; times and dates without a zone are read in `timezone`.

    Raises:
        UsageError: there is no such file, or it is a CSV file without the needed columns.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}. Nothing was imported.")
    zone = ZoneInfo(timezone)
    lines = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
    return (_row(line, found, zone) for line, found in lines)


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, object] | str]]:
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


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, object] | str]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"email", "source", "at"} - set(reader.fieldnames or ())
        if missing:
            raise UsageError(
                f"{path.name} lacks the column {', '.join(sorted(missing))}; "
                "its first line names email, source, at and proof. Nothing was imported."
            )
        for row in reader:
            yield reader.line_num, row


def _row(line: int, found: Mapping[str, object] | str, zone: ZoneInfo) -> ConsentRow:
    if isinstance(found, str):
        return ConsentRow(line, problem=found)
    texts = {name: found.get(name) or "" for name in ("email", "source", "at", "proof")}
    for name, value in texts.items():
        if not isinstance(value, str):
            return ConsentRow(line, problem=f"'{name}' is no text")
        if name in ("email", "source", "at") and not value.strip():
            return ConsentRow(line, problem=f"no '{name}'")
    try:
        at = datetime.fromisoformat(str(texts["at"]).strip())
    except ValueError:
        return ConsentRow(line, problem="'at' is no ISO 8601 time")
    moment = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    return ConsentRow(
        line,
        email=str(texts["email"]),
        source=str(texts["source"])[:200],
        at=moment,
        proof=str(texts["proof"]),
    )
