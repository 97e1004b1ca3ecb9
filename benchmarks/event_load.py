"""Loading events, from sealed landing file to committed and deduplicated rows, against DuckDB's own load.

The bare peer is `read_json` with explicit columns into a table of a DuckDB file, with the checkpoint, deduplicating
nothing. The loading peer is dlt into DuckDB with merge, by Python dicts (fewer rows, since it takes long) and by
Arrow batches; it is compared in rows a second. The log is made in order of time, some minutes shuffled, and 2 % of
its messages come twice; 1 % more come in its newest two days, a fifth of them known. Every load runs in a process of
its own, which tells its peak memory. The landing copy and the publish are timed apart.

`python -m benchmarks.event_load 50000000` measures another size (20 GB of disk for 50 million).
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines.events import load_landed
from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, publish

ROWS = 10_000_000
DICT_ROWS = 50_000
ARROW_ROWS = 1_000_000
DAYS = 90
NOW = datetime(2026, 11, 24, tzinfo=UTC)
COLUMNS = {
    "type": "VARCHAR",
    "messageId": "VARCHAR",
    "userId": "VARCHAR",
    "event": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "properties": "JSON",
    "context": "JSON",
}
READ = "read_json($path, format = 'newline_delimited', columns = $columns)"

_MADE = """
copy (
    select
        'track' as type,
        'ajs-' || substr(md5(cast(own as varchar)), 1, 24) as "messageId",
        'u' || (hash(own, 1) % $people) as "userId",
        (['page_view', 'click', 'cart', 'signup', 'trial_start', 'subscribe'])[cast(1 + hash(own, 2) % 6 as bigint)]
            as event,
        strftime(
            timestamp '2026-08-01 00:10:00' + to_microseconds(cast(own * $step as bigint))
            - to_seconds(cast(hash(own, 3) % 600 as bigint)), '%Y-%m-%dT%H:%M:%S.%gZ'
        ) as timestamp,
        {'path': '/p/' || (hash(own, 4) % 500), 'value': hash(own, 5) % 90} as properties,
        {'library': {'name': 'analytics.js', 'version': '2.11.1'}} as context
    from (select case when n % 50 = 49 then n - 30 else n end as own from range($first, $last) as t(n))
) to '{path}' (format json)
"""


def measure(rows: int = ROWS) -> str:
    """Our load as a part of the bare one's speed, the 1 % after it, the publish, memory, and dlt's two ways."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    with tempfile.TemporaryDirectory() as name:
        said, rate = _load(Path(name), rows)
    with tempfile.TemporaryDirectory() as name:
        dicts, arrow = _dlt(Path(name))
    return (
        f"{said}; dlt with merge: dicts {dicts:,.0f} rows/s ({DICT_ROWS:,} rows; ours {rate / dicts:.0f} times), "
        f"Arrow {arrow:,.0f} rows/s ({ARROW_ROWS:,} rows; ours {rate / arrow:.1f} times)"
    )


def _load(folder: Path, rows: int) -> tuple[str, float]:
    log, newest = folder / "events.jsonl", folder / "newest.jsonl"
    _make(log, 0, rows, of=rows)
    # A fifth of them the log has; the others go on from its end.
    _make(newest, rows - rows // 500, rows + rows // 125, of=rows)
    data = folder / "data"
    rounds = 3 if rows <= ROWS else 1
    bare, _ = min(_alone(_load_bare, log, folder / "bare.duckdb") for _ in range(rounds))
    landing, _ = _alone(_land, log, data)
    first, memory = _alone(_load_ours, data)
    published, _ = _alone(_publish, data)
    _alone(_land, newest, data)
    second, second_memory = _alone(_load_ours, data)
    published_again, _ = _alone(_publish, data)
    with Warehouse(_settings(data)).write("benchmark") as connection:
        loaded = connection.execute("select count(*), count(distinct id) from raw_events.event_ids").fetchone()
        here = connection.execute("select count(*) from raw_events.lake_events").fetchone()
    everything = len({number - 30 if number % 50 == 49 else number for number in range(rows // 125)}) + rows * 49 // 50
    assert loaded == (everything, everything), (loaded, everything)
    assert here == (everything,), (here, everything)
    return (
        f"{rows:,} rows: {rows / first:,.0f} rows/s, {bare / first:.2f} of the speed of bare read_json into a table "
        f"({first:.1f} s against {bare:.1f} s), peak memory {memory / 1e9:.1f} GB; landing copy {landing:.1f} s; "
        f"1 % more in the newest days {second:.2f} s, {second / first:.1%} of the first load "
        f"(peak {second_memory / 1e9:.1f} GB); publish {published:.2f} s, the one after it {published_again:.2f} s",
        rows / first,
    )


def _alone(work: Callable[..., float], *given: object) -> tuple[float, int]:
    """What `work` says, and the peak memory (bytes) of the process that it had for itself."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_watched, work, given).result()


def _watched(work: Callable[..., float], given: tuple[object, ...]) -> tuple[float, int]:
    said = work(*given)
    return said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _settings(data: Path) -> Settings:
    return Settings(MILLSTREAM_DATA_DIR=data)


def _load_bare(log: Path, database: Path) -> float:
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set preserve_insertion_order = false")
        begin = time.perf_counter()
        connection.execute(f"create table events as from {READ}", {"path": str(log), "columns": COLUMNS})
        connection.execute("checkpoint")
        return time.perf_counter() - begin


def _land(log: Path, data: Path) -> float:
    landing = Landing(_settings(data).landing_dir)
    return _seconds(lambda: landing.add_file(log, source="events", file_format="jsonl", options={}, now=NOW))


def _load_ours(data: Path) -> float:
    def load() -> None:
        with Warehouse(_settings(data)).write("benchmark") as connection:
            load_landed(connection, _settings(data), now=NOW)

    return _seconds(load)


def _publish(data: Path) -> float:
    with Warehouse(_settings(data)).write("benchmark") as connection:
        # What a build adds that grows with the events and needs no dbt: the day's counts, of which the pages live.
        connection.execute(
            "create or replace table marts.agg_events_daily as "
            "select day, event, count(*) as events from raw_events.lake_events group by all"
        )
        connection.execute("create or replace view marts.fct_events as from warehouse.raw_events.events")
        return _seconds(lambda: publish(connection, _settings(data), as_of=NOW, now=NOW))


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _make(path: Path, first: int, last: int, *, of: int) -> Path:
    """Messages number `first` to `last` of a log of `of` over the quarter; every fiftieth repeats one before it."""
    bound = {"people": max(of // 25, 1), "step": DAYS * 86_400_000_000 / of, "first": first, "last": last}
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(_MADE.replace("{path}", str(path)), bound)
    return path


def _dlt(folder: Path) -> tuple[float, float]:
    """Rows a second of dlt's two ways, each into a DuckDB file of its own."""

    def dicts(path: Path) -> Iterator[Any]:
        with path.open("rb") as file:
            yield from map(orjson.loads, file)

    def batches(path: Path) -> Iterator[Any]:
        with duckdb.connect() as connection:
            found = connection.execute(
                f"from {READ}",
                {"path": str(path), "columns": {**COLUMNS, "properties": "VARCHAR", "context": "VARCHAR"}},
            )
            yield from found.fetch_record_batch(100_000)

    def rate(name: str, rows: int, read: Callable[[Path], Iterator[Any]]) -> float:
        log = _make(folder / f"{name}.jsonl", 0, rows, of=rows)
        return rows / _seconds(lambda: _merge(folder, name, lambda: read(log)))

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


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
