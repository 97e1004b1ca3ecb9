"""The state store on PostgreSQL: the same tables, the same promises, the same campaign."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, insert, select, text

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
from tests.delivery.conftest import DOCUMENT
from tests.segments.people import person, publish_people
from tests.state.test_store import ADDER

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def binaries() -> Path | None:
    """Where Debian puts the server's programs, which are not on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of this test's own on a free loopback port."""
    programs = binaries()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing; .ci/run installs it")
        pytest.skip("PostgreSQL is not installed")
    # Not pytest's folder: the path of a socket must be short, and another user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="millstream-pg-"))
    as_postgres: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: str) -> None:
        subprocess.run([*as_postgres, *command], cwd="/", check=True, capture_output=True)

    cluster, options = str(folder / "cluster"), f"-h 127.0.0.1 -p {port} -k {folder} -F"
    run(str(programs / "initdb"), "-A", "trust", "-U", "postgres", "-D", cluster, "--no-sync")
    run(str(programs / "pg_ctl"), "-D", cluster, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    finally:
        run(str(programs / "pg_ctl"), "-D", cluster, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def settings(server: str, tmp_path: Path) -> Settings:
    name = f"state_{uuid4().hex[:12]}"
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name}"))
    admin.dispose()
    return Settings(
        MILLSTREAM_DATA_DIR=tmp_path / "data",
        MILLSTREAM_STATE_URL=f"{server}/{name}",
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


def test_accounts_are_the_same_here(engine: Engine) -> None:
    life.live(engine)
    life.many_at_once(engine)
