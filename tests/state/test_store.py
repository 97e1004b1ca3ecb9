"""The state store keeps what was committed, whoever dies, and its tables are those of the migrations."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.state import metadata, open_state, reading, record, writing
from pipelines.state.engine import _MIGRATIONS, NEWEST
from pipelines.state.tables import audit_log, cursors, segment_memberships

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def cursor(name, value="1", at=NOW):
    return insert(cursors).values(name=name, value=value, updated_at=at)


def names(engine):
    with reading(engine) as connection:
        return set(connection.scalars(select(cursors.c.name)))


def test_the_tables_are_those_that_the_migrations_make(engine):
    with writing(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_every_index_of_the_tables_is_made(engine):
    found = inspect(engine)
    for table in metadata.sorted_tables:
        made = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} == made


def test_the_newest_migration_is_the_one_that_the_engine_asks_for():
    assert ScriptDirectory(str(_MIGRATIONS)).get_heads() == [NEWEST]


def test_opening_again_finds_everything(engine, settings):
    with writing(engine) as connection:
        connection.execute(cursor("a"))
    engine.dispose()
    assert names(open_state(settings)) == {"a"}


def test_a_store_from_a_newer_version_is_left_alone(engine, settings):
    with writing(engine) as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(MillstreamError, match="newer version"):
        open_state(settings)


def test_a_place_that_can_not_be_opened_is_told(tmp_path):
    (tmp_path / "state.sqlite").mkdir()
    with pytest.raises(MillstreamError, match="could not be opened"):
        open_state(Settings(MILLSTREAM_DATA_DIR=tmp_path))


def test_commits_wait_for_the_disk(engine):
    with reading(engine) as connection:
        pragmas = [
            connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


def test_a_transaction_that_fails_leaves_nothing(engine):
    twice = (cursor("a"), cursor("a"))
    with pytest.raises(IntegrityError), writing(engine) as connection:
        [connection.execute(statement) for statement in twice]
    assert names(engine) == set()


def test_a_membership_needs_its_segment(engine):
    row = insert(segment_memberships).values(segment="none", person_id="p", entered_at=NOW)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(row)


@pytest.mark.parametrize("hours", [0, 9, -8])
def test_a_moment_comes_back_as_the_same_moment_in_utc(engine, hours):
    moment = NOW.astimezone(timezone(timedelta(hours=hours)))
    with writing(engine) as connection:
        connection.execute(cursor("a", at=moment))
    with reading(engine) as connection:
        found = connection.scalar(select(cursors.c.updated_at))
    assert found == NOW
    assert found.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused(engine):
    with pytest.raises(StatementError, match="zone"), writing(engine) as connection:
        connection.execute(cursor("a", at=NOW.replace(tzinfo=None)))


def test_a_reader_sees_one_moment_while_another_writes(engine):
    with reading(engine) as reader:
        assert set(reader.scalars(select(cursors.c.name))) == set()
        with writing(engine) as connection:
            connection.execute(cursor("a"))
        assert set(reader.scalars(select(cursors.c.name))) == set()
    assert names(engine) == {"a"}


def test_the_audit_log_keeps_the_order_of_what_happened(engine):
    with writing(engine) as connection:
        for action in ("first", "second"):
            record(connection, at=NOW, actor="ann", action=action, subject="x", details={"n": 1})
    with reading(engine) as connection:
        rows = connection.execute(select(audit_log.c.action, audit_log.c.details).order_by("entry_id")).all()
    assert [tuple(row) for row in rows] == [("first", '{"n": 1}'), ("second", '{"n": 1}')]


WRITER = """
import itertools
from datetime import UTC, datetime
from sqlalchemy import insert
from pipelines.settings import load_settings
from pipelines.state import open_state, writing
from pipelines.state.tables import cursors
engine = open_state(load_settings())
for number in itertools.count():
    with writing(engine) as connection:
        for part in "ab":
            values = {"name": f"{number}{part}", "value": "", "updated_at": datetime.now(UTC)}
            connection.execute(insert(cursors).values(**values))
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_was_told_is_kept(engine, settings):
    environment = {**os.environ, "MILLSTREAM_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-c", WRITER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout if line.strip().isdigit()]
    found = names(engine)
    assert {f"{number}{part}" for number in told for part in "ab"} <= found
    assert {name[:-1] for name in found if name.endswith("a")} == {name[:-1] for name in found if name.endswith("b")}
    with writing(engine) as connection:
        connection.execute(cursor("later"))


ADDER = """
import sys
from sqlalchemy import select, update
from pipelines.settings import load_settings
from pipelines.state import open_state, writing
from pipelines.state.tables import cursors
engine = open_state(load_settings())
for _ in range(50):
    with writing(engine) as connection:
        value = int(connection.scalar(select(cursors.c.value)))
        connection.execute(update(cursors).values(value=str(value + 1)))
"""


def test_writers_at_once_wait_for_each_other(engine, settings):
    with writing(engine) as connection:
        connection.execute(cursor("sum", "0"))
    environment = {**os.environ, "MILLSTREAM_DATA_DIR": str(settings.data_dir)}
    adders = [subprocess.Popen([sys.executable, "-c", ADDER], env=environment) for _ in range(3)]
    assert [adder.wait(60) for adder in adders] == [0, 0, 0]
    with reading(engine) as connection:
        assert connection.scalar(select(cursors.c.value)) == "150"


OPENER = "from pipelines.state import open_state; from pipelines.settings import load_settings; "
OPENER += "open_state(load_settings())"


def test_opening_at_once_migrates_once(tmp_path):
    environment = {**os.environ, "MILLSTREAM_DATA_DIR": str(tmp_path / "fresh")}
    openers = [subprocess.Popen([sys.executable, "-c", OPENER], env=environment) for _ in range(3)]
    assert [opener.wait(60) for opener in openers] == [0, 0, 0]
