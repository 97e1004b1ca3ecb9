"""Sessions of a web log that no one here wrote: the same from JSON lines and Parquet, whatever the order of its rows."""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.behaviour.sessions import sessions_sql
from pipelines.events import ingest_files, open_files
from pipelines.operations import prepare_warehouse
from pipelines.transform import build
from tests.transform.sample_warehouse import settings_in

FOLDER = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "clickstream"
LINES, PARQUET = FOLDER / "web_access_2015.jsonl", FOLDER / "web_access_2015.parquet"
VISITOR = {"anonymous_id": "visitor_id"}
NOW = datetime(2026, 11, 24, tzinfo=UTC)

Session = tuple[str, datetime, datetime, int]
"""Visitor, first and last event, and how many there are."""


def walked() -> list[Session]:
    """Sessions by walking along each visitor's requests."""
    visitors: dict[str, list[datetime]] = defaultdict(list)
    for line in LINES.read_text().splitlines():
        request = json.loads(line)
        visitors[request["visitor_id"]].append(datetime.fromisoformat(request["timestamp"]).replace(tzinfo=None))
    found: list[Session] = []
    for visitor, moments in visitors.items():
        for at in sorted(moments):
            if found and found[-1][0] == visitor and at - found[-1][2] <= timedelta(minutes=30):
                found[-1] = (visitor, found[-1][1], at, found[-1][3] + 1)
            else:
                found.append((visitor, at, at, 1))
    return found


def shuffled(path: Path, folder: Path) -> Path:
    """The same rows in another order."""
    other = folder / f"shuffled{path.suffix}"
    if path.suffix == ".parquet":
        pl.read_parquet(path).sample(fraction=1.0, shuffle=True, seed=5).write_parquet(other)
    else:
        lines = path.read_text().splitlines()
        random.Random(5).shuffle(lines)
        other.write_text("\n".join(lines))
    return other


def test_the_sessions_of_a_web_log_are_the_same_from_lines_and_parquet_in_any_order(tmp_path: Path) -> None:
    files = [LINES, PARQUET, shuffled(LINES, tmp_path), shuffled(PARQUET, tmp_path)]
    assert len({file.read_bytes() for file in files}) == len(files)
    found = []
    for file in files:
        with open_files([str(file)], mapping=VISITOR, timezone="UTC") as connection:
            told = sessions_sql("select person_id as person, event_id, event_at from events")
            found.append(connection.execute(f"""
                select person, min(event_at), max(event_at), count(*), arg_min(event_id, (event_at, event_id))
                from ({told}) group by person, session order by all
            """).fetchall())  # fmt: skip
    assert all(other == found[0] for other in found)
    assert sorted(row[:4] for row in found[0]) == sorted(walked())


@pytest.mark.long
def test_a_mart_of_sessions_is_the_same_from_lines_and_from_shuffled_parquet(
    tmp_path: Path, parsed_project: Path
) -> None:
    found = []
    for file in (LINES, shuffled(PARQUET, tmp_path)):
        settings = settings_in(tmp_path / file.stem)
        prepare_warehouse(settings, purpose="test")
        assert ingest_files(settings, [str(file)], mapping=VISITOR, now=NOW).loaded == 10_000
        assert build(settings, select="events", now=NOW).ok
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
            rows = "select * exclude (visitor_key, person_id) from marts.fct_sessions order by session_id"
            found.append(connection.execute(rows).fetchall())
            visitors = connection.execute("""
                select anonymous_id, started_at, ended_at, event_count
                from marts.fct_sessions join raw_events.identity_map using (visitor_key)
            """).fetchall()
            assert sorted(visitors) == sorted(walked())
    assert found[0] == found[1]
