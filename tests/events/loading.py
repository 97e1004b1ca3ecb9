"""Shorthands of the tests of loading: write lines, load files, look at what is stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pipelines.events import ingest_files
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOGIN = {"user_id": "u1", "event": "login", "timestamp": "2026-01-02T03:04:05Z"}


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def load(settings: Settings, *paths: Path, **mapping: str) -> LoadSummary:
    return ingest_files(settings, [str(path) for path in paths], mapping=mapping, now=NOW)


def stored(settings: Settings, columns: str = "*") -> list[dict[str, object]]:
    with Warehouse(settings).write("test") as connection:
        return (
            connection.sql(
                f"select {columns} from raw_events.events join raw_events.identity_map using (visitor_key) "
                "order by event_at, event_id"
            )
            .pl()
            .to_dicts()
        )


def counts(summary: LoadSummary) -> tuple[int, int, int, int, int]:
    assert summary.read == summary.loaded + summary.duplicates + summary.unchanged + summary.quarantined
    return summary.read, summary.loaded, summary.duplicates, summary.unchanged, summary.quarantined
