"""Snapshots: whole, numbered, followed without a restart, pruned; the lock names its holder."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb
import pytest

from pipelines.errors import BusyError
from pipelines.settings import Settings
from pipelines.warehouse import SnapshotReader, Warehouse, publish
from pipelines.warehouse.manifest import numbers, read_manifest

NOW = datetime(2026, 11, 24, tzinfo=UTC)
Publish = Callable[[int], int]


@pytest.fixture
def publish_value(settings: Settings) -> Publish:
    """Publish two marts that both hold the same number: a reader must never see two different ones."""

    def publish_it(value: int) -> int:
        with Warehouse(settings).write("test") as connection:
            for name in ("first", "second"):
                connection.execute(
                    f"create or replace table marts.{name} as select $value::bigint as value, unnest(range(1000)) as row",
                    {"value": value},
                )
            connection.execute("create or replace table marts.always as select 'same' as word")
            connection.execute(
                "create or replace view marts.seen as select value + 0 as value from warehouse.marts.first"
            )
            return publish(connection, settings, as_of=NOW, now=NOW)

    return publish_it


def test_there_is_no_snapshot_before_the_first_publish(settings: Settings) -> None:
    assert SnapshotReader(settings.published_dir).current() is None


def test_an_unchanged_mart_is_listed_again_and_not_written_again(settings: Settings, publish_value: Publish) -> None:
    first, second = publish_value(1), publish_value(2)
    one, two = (read_manifest(settings.published_dir, number).tables for number in (first, second))
    assert one["marts.always"].files == two["marts.always"].files
    assert one["marts.first"].files != two["marts.first"].files


def test_equal_rows_in_another_order_are_known_and_any_other_rows_are_not(settings: Settings) -> None:
    """Values that change places between rows or columns make another mart; a lost file is written again."""
    rows = {
        "first": "values (1, 'a', null), (2, 'b', 5), (2, 'b', 5)",
        "other order": "values (2, 'b', 5), (1, 'a', null), (2, 'b', 5)",
        "between rows": "values (1, 'b', null), (2, 'a', 5), (2, 'b', 5)",
        "between columns": "values (1, 'a', 5), (2, 'b', null), (2, 'b', 5)",
        "another copy": "values (1, 'a', null), (1, 'a', null), (2, 'b', 5)",
        "one less": "values (1, 'a', null), (2, 'b', 5)",
    }
    files: dict[str, str] = {}
    for name, told in rows.items():
        with Warehouse(settings).write("test") as connection:
            connection.execute(f"create or replace table marts.told as select * from ({told}) as rows(n, word, amount)")
            number = publish(connection, settings, as_of=NOW, now=NOW)
        (files[name],) = read_manifest(settings.published_dir, number).tables["marts.told"].files
    assert files["first"] == files["other order"]
    assert len(set(files.values())) == len(rows) - 1
    (settings.published_dir / files["one less"]).unlink()
    with Warehouse(settings).write("test") as connection:
        publish(connection, settings, as_of=NOW, now=NOW)
    assert (settings.published_dir / files["one less"]).exists()


def test_of_a_table_that_grows_with_the_events_only_the_changed_piece_is_written(settings: Settings) -> None:
    months = "range(3) as months(n)"

    def publish_sessions(changed: int) -> list[str]:
        with Warehouse(settings).write("test") as connection:
            connection.execute(
                "create or replace table marts.fct_sessions as select timestamp '2026-01-15' + to_months(cast(n as integer)) "
                f"as started_at, case when n = 1 then $changed else n end as event_count from {months}",
                {"changed": changed},
            )
            number = publish(connection, settings, as_of=NOW, now=NOW)
        return read_manifest(settings.published_dir, number).tables["marts.fct_sessions"].files

    one, two = publish_sessions(7), publish_sessions(8)
    assert len(one) == len(two) == 3
    assert [before == after for before, after in zip(one, two, strict=True)] == [True, False, True]
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    assert snapshot.query("select sum(event_count) as events from marts.fct_sessions").item() == 0 + 8 + 2


def test_a_table_without_rows_can_be_asked(settings: Settings) -> None:
    with Warehouse(settings).write("test") as connection:
        connection.execute("create or replace table marts.fct_sessions (started_at timestamp, event_count bigint)")
        publish(connection, settings, as_of=NOW, now=NOW)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    assert snapshot.query("select count(event_count) as events from marts.fct_sessions").item() == 0


def test_readers_in_a_loop_see_whole_snapshots_while_twenty_are_published(
    settings: Settings, publish_value: Publish
) -> None:
    publish_value(0)
    reader = SnapshotReader(settings.published_dir)
    stop = threading.Event()
    problems: list[BaseException] = []
    seen: set[int] = set()

    def read() -> None:
        try:
            while not stop.is_set():
                snapshot = reader.current()
                assert snapshot is not None
                values = snapshot.query(
                    "select distinct value from (select value from marts.first union all select value from marts.second "
                    "union all select value from marts.seen)"
                )
                assert values.height == 1, "two versions in one answer"
                assert values.item() == snapshot.number - 1
                seen.add(snapshot.number)
        except BaseException as problem:
            problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    for value in range(1, 21):
        publish_value(value)
    stop.set()
    for thread in readers:
        thread.join()
    assert problems == []
    assert len(seen) > 5, "the readers did not follow"
    kept = numbers(settings.published_dir)
    assert kept == [17, 18, 19, 20, 21]
    listed = {file for number in kept for file in read_manifest(settings.published_dir, number).listed_files()}
    on_disk = {
        str(path.relative_to(settings.published_dir))
        for path in (settings.published_dir / "files").rglob("*")
        if path.is_file()
    }
    assert on_disk == listed


def test_a_moved_data_folder_still_answers(settings: Settings, publish_value: Publish) -> None:
    publish_value(5)
    moved = settings.data_dir.rename(settings.data_dir.with_name("moved"))
    snapshot = SnapshotReader(moved / "published").current()
    assert snapshot is not None
    assert snapshot.query("select max(value) from marts.seen").item() == 5


def test_values_are_bound(settings: Settings, publish_value: Publish) -> None:
    publish_value(5)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    found = snapshot.query("select count(*) from marts.always where word = $word", word="x' or 'a' = 'a")
    assert found.item() == 0


def test_a_second_writer_is_refused_and_told_who_writes(settings: Settings) -> None:
    program = (
        "import sys; from pipelines.settings import Settings; from pipelines.warehouse import Warehouse\n"
        "with Warehouse(Settings()).write('the night run'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(BusyError, match=rf"process {holder.pid} \(the night run\)"),
            Warehouse(settings).write("me"),
        ):
            pass
        holder.kill()
    with Warehouse(settings).write("me after the kill") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_writers_process_keeps_its_lock_while_it_publishes(settings: Settings, publish_value: Publish) -> None:
    with Warehouse(settings).write("outer") as connection:
        connection.execute("create table marts.a as select 1 as x")
        publish(connection, settings, as_of=NOW, now=NOW)
        program = f"import duckdb; duckdb.connect({str(settings.warehouse_path)!r})"
        other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert duckdb.IOException.__name__ in other.stderr, "a second process could open the file for writing"
