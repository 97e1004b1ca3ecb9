"""Loading events, from sealed landing file to committed and deduplicated rows, against only parsing the file.

The peer is DuckDB's own `read_json` with explicit columns over the same file, summed and stored nowhere.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import orjson

from pipelines.events import load_landed
from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse

ROWS = 300_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def measure(rows: int = ROWS) -> str:
    """Rows a second of the load, and its time as a multiple of bare parsing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = _generate(folder / "events.jsonl", rows)
        begin = time.perf_counter()
        duckdb.sql(
            f"select count(*), max(messageId), max(timestamp) from read_json('{file}', format = 'newline_delimited', "
            "columns = {messageId: 'VARCHAR', userId: 'VARCHAR', type: 'VARCHAR', event: 'VARCHAR', "
            "timestamp: 'TIMESTAMP', properties: 'JSON'})"
        ).fetchall()
        parsing = time.perf_counter() - begin
        settings = Settings(MILLSTREAM_DATA_DIR=folder / "data")
        landing = Landing(settings.landing_dir)
        landing.add_file(file, source="events", file_format="jsonl", options={}, now=NOW)
        begin = time.perf_counter()
        with Warehouse(settings).write("benchmark") as connection:
            load_landed(connection, settings, now=NOW)
        loading = time.perf_counter() - begin
    return f"{rows / loading:,.0f} rows/s; {loading / parsing:.1f} times bare read_json"


def _generate(path: Path, rows: int) -> Path:
    with path.open("wb") as file:
        for number in range(rows):
            message = {
                "type": "track",
                "messageId": f"m{number % (rows * 98 // 100)}",
                "userId": f"u{number * 7919 % (rows // 25)}",
                "event": ("view", "cart", "paid")[number % 3],
                "timestamp": f"2026-{number % 3 + 1:02d}-{number % 28 + 1:02d}T{number % 24:02d}:00:00Z",
                "properties": {"path": f"/p/{number % 500}", "value": number % 90},
            }
            file.write(orjson.dumps(message) + b"\n")
    return path
