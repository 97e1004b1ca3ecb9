"""The state store on PostgreSQL: the same tables, the same promises, the same campaign."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, select

from pipelines.campaigns import approve, parse_campaign, save
from pipelines.delivery import report, send
from pipelines.privacy import ConsentRow, import_consents
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import metadata, open_state, reading, writing
from pipelines.state.tables import cursors
from pipelines.warehouse import Warehouse, copy_state
from tests.accounts import life
from tests.campaigns import test_occurrences
from tests.delivery.conftest import DOCUMENT
from tests.postgres import fresh_database
from tests.segments.people import person, publish_people
from tests.state.test_store import ADDER

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def settings(server: str, tmp_path: Path) -> Settings:
    return Settings(
        MILLSTREAM_DATA_DIR=tmp_path / "data",
        MILLSTREAM_STATE_URL=fresh_database(server),
        MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely",
    )


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = open_state(settings)
    yield engine
    engine.dispose()


def test_the_migrations_make_the_same_tables(engine: Engine) -> None:
    with writing(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_writers_at_once_wait_for_each_other_and_a_reader_sees_one_moment(engine: Engine, settings: Settings) -> None:
    with writing(engine) as connection:
        connection.execute(insert(cursors).values(name="sum", value="0", updated_at=NOW))
    environment = {
        **os.environ,
        "MILLSTREAM_DATA_DIR": str(settings.data_dir),
        "MILLSTREAM_STATE_URL": settings.state_url,
    }
    with reading(engine) as reader:
        assert reader.scalar(select(cursors.c.value)) == "0"
        adders = [subprocess.Popen([sys.executable, "-c", ADDER], env=environment) for _ in range(3)]
        assert [adder.wait(60) for adder in adders] == [0, 0, 0]
        assert reader.scalar(select(cursors.c.value)) == "0"
    with reading(engine) as connection:
        assert connection.scalar(select(cursors.c.value)) == "150"
        assert connection.scalar(select(cursors.c.updated_at)) == NOW


def test_a_campaign_is_sent_once_and_its_state_is_copied(engine: Engine, settings: Settings) -> None:
    publish_people(settings, [person(number, first_name=f"N{number}") for number in range(8)])
    rows = [ConsentRow(number, email=f"p{number}@example.com", source="form", at=NOW) for number in range(6)]
    for _ in range(2):
        import_consents(engine, rows, NOW)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    save(engine, parse_campaign(yaml.safe_dump({**DOCUMENT, "holdout": 0}), settings.data_dir), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    for _ in range(2):
        send(settings, "win-back", lambda: NOW)
    assert (
        report(engine, "win-back")["certificate"]
        == "audience 8 = accepted 6 + suppressed 2; duplicates 0, missing 0, ambiguous 0"
    )
    assert len(list(settings.outbox_dir.rglob("*.eml"))) == 6
    with Warehouse(settings).write("test") as connection:
        copy_state(connection, engine)
        assert connection.execute("select count(*) from raw_state.campaign_recipients").fetchone() == (8,)


def test_campaigns_wait_for_their_time_here_too(engine: Engine, settings: Settings) -> None:
    test_occurrences.test_each_person_waits_for_their_own_morning_and_is_late_by_their_own_clock(engine, settings)


def test_accounts_are_the_same_here(engine: Engine) -> None:
    life.live(engine)
    life.many_at_once(engine)
