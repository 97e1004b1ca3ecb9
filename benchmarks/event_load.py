"""Loading events, from sealed landing file to committed and deduplicated rows, against only parsing the file.

The bare peer is DuckDB's own `read_json` with explicit columns over the same file, every column summed
up and stored nowhere. The loading peer is dlt into DuckDB with merge, by Python dicts (fewer rows, since
it takes long) and by Arrow batches; it is compared in rows a second. The landing copy and the publish
are timed apart.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines.events import load_landed
from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, publish

SIZES = (1_000_000, 10_000_000)
DICT_ROWS = 50_000
ARROW_ROWS = 1_000_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)
COLUMNS = {
    "type": "VARCHAR",
    "messageId": "VARCHAR",
    "userId": "VARCHAR",
    "event": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "properties": "JSON",
}
READ = "read_json($path, format = 'newline_delimited', columns = $columns)"


def measure(sizes: tuple[int, ...] = SIZES) -> str:
    """For each size the rows a second, the time as a multiple of bare parsing, and the 1 % after it."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    said, rates = [], []
    for rows in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            text, rate = _load(folder, rows)
            said.append(text)
            rates.append(rate)
    with tempfile.TemporaryDirectory() as name:
        dicts, arrow = _dlt(Path(name))
    ours = rates[0]
    said.append(
        f"dlt with merge: dicts {dicts:,.0f} rows/s ({DICT_ROWS:,} rows; ours {ours / dicts:.0f} times), "
        f"Arrow {arrow:,.0f} rows/s ({ARROW_ROWS:,} rows; ours {ours / arrow:.1f} times)"
    )
    return "\n  ".join(["", *said])


def _load(folder: Path, rows: int) -> tuple[str, float]:
    file = _generate(folder / "events.jsonl", rows)
    newest = _generate(folder / "newest.jsonl", rows // 100, first=rows * 49 // 50 - rows // 5000, newest=True)
    settings = Settings(MILLSTREAM_DATA_DIR=folder / "data")
    landing = Landing(settings.landing_dir)

    def land(path: Path) -> None:
        landing.add_file(path, source="events", file_format="jsonl", options={}, now=NOW)

    def load() -> None:
        with Warehouse(settings).write("benchmark") as connection:
            load_landed(connection, settings, now=NOW)

    def publish_all() -> None:
        with Warehouse(settings).write("benchmark") as connection:
            publish(connection, settings, as_of=NOW, now=NOW)

    parsing = min(_seconds(lambda: _parse(file)) for _ in range(3))
    landed, loaded, published = _seconds(lambda: land(file)), _seconds(load), _seconds(publish_all)
    land(newest)
    added, parsing_newest = _seconds(load), min(_seconds(lambda: _parse(newest)) for _ in range(3))
    with Warehouse(settings).write("benchmark") as connection:
        row = connection.execute("select count(*), count(distinct event_id) from raw_events.lake_events").fetchone()
    ids = {"events.jsonl": rows * 98 // 100, "both": rows * 98 // 100 + rows // 100 - rows // 5000}
    assert row == (ids["both"], ids["both"]), row
    return (
        f"{rows:,} rows: {rows / loaded:,.0f} rows/s, {loaded / parsing:.1f} times bare read_json "
        f"({loaded:.1f} s against {parsing:.2f} s); landing copy {landed:.1f} s, publish {published:.1f} s; "
        f"1 % more in the newest days {added:.2f} s, {added / parsing_newest:.1f} times bare read_json of it",
        rows / loaded,
    )


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _parse(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        highest = ", ".join(f"max({name})" for name in COLUMNS)
        connection.execute(
            f"select count(*), {highest} from {READ}", {"path": str(path), "columns": COLUMNS}
        ).fetchall()


def _dlt(folder: Path) -> tuple[float, float]:
    """Rows a second of dlt's two ways, each into a DuckDB file of its own."""

    def dicts(path: Path) -> Iterator[Any]:
        with path.open("rb") as file:
            yield from map(orjson.loads, file)

    def batches(path: Path) -> Iterator[Any]:
        with duckdb.connect() as connection:
            found = connection.execute(
                f"from {READ}", {"path": str(path), "columns": {**COLUMNS, "properties": "VARCHAR"}}
            )
            yield from found.fetch_record_batch(100_000)

    def rate(name: str, rows: int, read: Callable[[Path], Iterator[Any]]) -> float:
        file = _generate(folder / f"{name}.jsonl", rows)
        return rows / _seconds(lambda: _merge(folder, name, lambda: read(file)))

    return rate("dicts", DICT_ROWS, dicts), rate("arrow", ARROW_ROWS, batches)


def _merge(folder: Path, name: str, read: Callable[[], Iterator[Any]]) -> None:
    import dlt  # Of the group `bench`, which nothing else needs.

    pipeline = dlt.pipeline(
        pipeline_name=name,
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / f"{name}.duckdb")),
        dataset_name="raw",
    )
    pipeline.run(dlt.resource(read, name="events", primary_key="messageId", write_disposition="merge"))


def _generate(path: Path, rows: int, *, first: int = 0, newest: bool = False) -> Path:
    """Messages of a quarter, 2 % of them twice; with `newest` of its last two days, from number `first` on."""
    ids = rows if newest else rows * 98 // 100
    with path.open("wb") as file:
        for number in range(rows):
            day = f"03-{27 + number % 2}" if newest else f"{number % 3 + 1:02d}-{number % 28 + 1:02d}"
            message = {
                "type": "track",
                "messageId": f"m{first + number % ids}",
                "userId": f"u{number * 7919 % (rows // 25)}",
                "event": ("view", "cart", "paid")[number % 3],
                "timestamp": f"2026-{day}T{number % 24:02d}:00:00Z",
                "properties": {"path": f"/p/{number % 500}", "value": number % 90},
            }
            file.write(orjson.dumps(message) + b"\n")
    return path


if __name__ == "__main__":
    print(measure())
