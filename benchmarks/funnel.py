"""A four-step ordered funnel over published events, against `windowFunnel` in chDB.

The product is asked as `millstream funnel` asks it: through `marts.fct_events` of a snapshot, whose
rows lie in the lake as the load writes them. chDB gets the same rows twice: as a MergeTree table
ordered by person and time, its best case, and as one Parquet file. All three must count the same people.
A second log gives 100,000 of the events to one person.

`python -m benchmarks.funnel 50000000` measures another size.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from pipelines.behaviour import funnel, parse_funnel
from pipelines.operations import build
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish
from pipelines.warehouse.lake import LAKE_COLUMNS, refresh_lake_view
from pipelines.warehouse.writer import Connection

ROWS, PER_PERSON, DAYS, ROUNDS = 10_000_000, 25, 90, 5
HEAVY = 100_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)
STEPS = ("page_view", "signup", "trial_start", "subscribe")
QUERY = {"steps": [{"event": name} for name in STEPS], "window": {"value": 7, "unit": "day"}}
_LEVELS = ", ".join(f"countIf(level >= {number})" for number in range(1, len(STEPS) + 1))
_CONDITIONS = ", ".join(f"event = '{name}'" for name in STEPS)
_CHDB = (
    f"select {_LEVELS} from (select person_id, windowFunnel(604800000000)(toUInt64(moment), {_CONDITIONS}) as level "
    "from {source} where event in ('page_view', 'signup', 'trial_start', 'subscribe') group by person_id)"
)


def measure(rows: int = ROWS) -> str:
    """Our best time as a multiple of chDB's best on each of its sources, best of several rounds by turns."""
    return f"{_measure(rows)}; one person with {HEAVY:,} of the events: {_measure(rows, heavy=HEAVY)}"


def _measure(rows: int, *, heavy: int = 0) -> str:
    chdb_session: Any = import_module("chdb.session")

    with tempfile.TemporaryDirectory() as name:
        snapshot = _published(Path(name), rows, heavy)
        file = Path(name) / "events.parquet"
        cursor = snapshot.cursor()
        cursor.execute(
            f"copy (select person_id, event, epoch_us(event_at) as moment from marts.fct_events) to '{file}'"
        )
        peer = chdb_session.Session(str(Path(name) / "chdb"))
        peer.query("create database if not exists bench")
        peer.query(
            "create table bench.events engine = MergeTree order by (person_id, moment) as "
            f"select assumeNotNull(person_id) as person_id, assumeNotNull(event) as event, "
            f"assumeNotNull(moment) as moment from file('{file}')"
        )
        ways: dict[str, Callable[[], list[int]]] = {
            "ours": lambda: [step.users for step in funnel(cursor, "marts.fct_events", parse_funnel(QUERY)).steps],
            "table": lambda: _asked(peer, "bench.events"),
            "file": lambda: _asked(peer, f"file('{file}')"),
        }
        answers = {way: ask() for way, ask in ways.items()}
        if len({tuple(answer) for answer in answers.values()}) != 1:
            raise RuntimeError(f"the answers differ: {answers}")
        best = {way: min(_time(ask) for _ in range(ROUNDS)) for way, ask in ways.items()}
        peer.close()
    return (
        f"{best['ours'] / best['table']:.2f} of windowFunnel over its own table ordered by person and time, "
        f"{best['ours'] / best['file']:.2f} of windowFunnel over Parquet; {best['ours']:.2f} s for {rows:,} events, "
        f"the same {' / '.join(map(str, answers['ours']))} people"
    )


def _asked(peer: Any, source: str) -> list[int]:
    answer = str(peer.query(_CHDB.format(source=source), "CSV"))
    return [int(value) for value in answer.strip().split(",")]


def _time(ask: Callable[[], list[int]]) -> float:
    begin = time.perf_counter()
    ask()
    return time.perf_counter() - begin


def _published(folder: Path, rows: int, heavy: int) -> Snapshot:
    """A snapshot whose lake holds generated events, laid down in the load's order and format."""
    settings = Settings(MILLSTREAM_DATA_DIR=folder / "data")
    build(settings, select="events", now=NOW)
    with Warehouse(settings).write("benchmark") as connection:
        fill(connection, settings, rows, people=rows // PER_PERSON, heavy=heavy)
        publish(connection, settings, as_of=NOW, now=NOW)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    return snapshot


def fill(connection: Connection, settings: Settings, rows: int, *, people: int, heavy: int = 0) -> None:
    """Lay generated events of so many people into the lake, `heavy` of them of one person."""
    connection.execute(
        "insert into raw_events.visitors select n + 1, printf('user_%07d', n), null from range($people) as t(n)",
        {"people": people},
    )
    connection.execute(
        "insert into raw_events.identity_map "
        "select visitor_key, visitor_key, user_id, anonymous_id, user_id from raw_events.visitors"
    )
    connection.execute(
        """
        create temp table generated as
        select
            format('m{}', n) as event_id, false as is_synthetic_id, 'track' as type,
            case when part < 60 then 'page_view' when part < 75 then 'click' when part < 85 then 'signup'
                when part < 93 then 'export' when part < 97 then 'trial_start' else 'subscribe' end as event,
            case when n < $heavy then 1 else cast(hash(n, 1) % $people as integer) + 1 end as visitor_key,
            timestamp '2026-08-01' + to_seconds(cast(hash(n, 2) % ($days * 86400) as bigint)) as event_at,
            event_at as received_at, json_object('path', '/p/' || n % 500) as properties, null::json as context,
            cast(event_at as date) as day
        from (select n, hash(n, 3) % 100 as part from range($rows) as t(n))
        """,
        {"people": people, "days": DAYS, "rows": rows, "heavy": heavy},
    )
    folder = settings.lake_dir / "events"
    folder.mkdir(parents=True, exist_ok=True)
    written = connection.execute(
        f"copy (select {', '.join(LAKE_COLUMNS)} from generated order by day, visitor_key, event_at, event_id) "
        f"to '{folder}' (format parquet, compression zstd, partition_by (day), write_partition_columns true, "
        "overwrite_or_ignore true, return_files true)"
    ).fetchone()
    connection.execute("drop table generated")
    connection.execute(
        "insert into raw_events.lake_files select regexp_extract(file_name, 'day=([0-9-]+)', 1)::date, "
        "file_name[length($lake) + 2:], num_rows from parquet_file_metadata($files)",
        {"files": written[1] if written else [], "lake": str(settings.lake_dir)},
    )
    refresh_lake_view(connection, settings)


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
