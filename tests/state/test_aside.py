"""Rows that wait for their transaction, and many values as one: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, literal, select

from pipelines.settings import Settings
from pipelines.state import among, open_state, putting_aside, reading, writing
from pipelines.state.tables import cursors
from tests.postgres import fresh_database
from tests.segments.people import NOW

COLUMNS = [cursors.c.name, cursors.c.value]
HOSTILE = ["a", "'; drop table cursors; --", '"]', "\\", "ä", "null", "", "1"]


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "sqlite":
        return Settings(MILLSTREAM_DATA_DIR=tmp_path / "data")
    server = request.getfixturevalue("server")
    return Settings(MILLSTREAM_DATA_DIR=tmp_path / "data", MILLSTREAM_STATE_URL=fresh_database(server))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = open_state(settings)
    yield engine
    engine.dispose()


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(cursors.c.name).order_by(cursors.c.name)))


def put(engine: Engine, name: str) -> None:
    with writing(engine) as connection:
        connection.execute(insert(cursors).values(name=name, value="", updated_at=NOW))


def test_nobody_waits_for_rows_that_are_put_aside(engine: Engine, settings: Settings) -> None:
    with putting_aside(engine, COLUMNS) as aside:
        aside.add([("b", "1"), ("c", "2")])
        put(engine, "meanwhile")
        aside.add([("d", "3")])
        # What may be personal lies under no name.
        assert list(settings.data_dir.glob("aside-*")) == []
        with aside.writing() as connection:
            copied = select(*aside.table.columns, literal(NOW, cursors.c.updated_at.type))
            connection.execute(insert(cursors).from_select(["name", "value", "updated_at"], copied))
    assert names(engine) == ["b", "c", "d", "meanwhile"]


@pytest.mark.parametrize("place", ["aside", "writing"])
def test_after_a_mistake_nothing_is_left_and_the_connection_serves_the_next(engine: Engine, place: str) -> None:
    def mistaken() -> None:
        with putting_aside(engine, COLUMNS) as aside:
            aside.add([("b", "1")])
            if place == "aside":
                raise ZeroDivisionError
            with aside.writing() as connection:
                connection.execute(insert(cursors).values(name="x", value="", updated_at=NOW))
                raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            mistaken()
    assert names(engine) == []
    put(engine, "next")
    assert names(engine) == ["next"]


def test_what_is_aside_is_written_in_the_transaction_that_makes_the_next_writer_wait(engine: Engine) -> None:
    with ThreadPoolExecutor(1) as thread, putting_aside(engine, COLUMNS) as aside:
        aside.add([("b", "1")])
        with aside.writing() as connection:
            connection.execute(insert(cursors).values(name="first", value="", updated_at=NOW))
            second = thread.submit(put, engine, "second")
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            assert names(engine) == []
        second.result(timeout=60)
    assert names(engine) == ["first", "second"]


@pytest.mark.parametrize("asked", [HOSTILE, HOSTILE[1:4], [], ["nobody"]])
def test_many_values_are_one_parameter_and_stay_values(engine: Engine, asked: list[str]) -> None:
    there = ["other", *HOSTILE]
    with writing(engine) as connection:
        connection.execute(insert(cursors), [{"name": name, "value": "", "updated_at": NOW} for name in there])
    with reading(engine) as connection:
        found: Any = connection.scalars(
            select(cursors.c.name).where(among(cursors.c.name, "names")), {"names": asked}
        ).all()
    assert set(found) == set(asked) & set(there)
