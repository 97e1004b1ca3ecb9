"""What `build` answers, and that it leaves nothing where it should not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import MillstreamError
from pipelines.operations import prepare_warehouse
from pipelines.transform import PROJECT_DIR, build, manifest_path, prepare_manifest
from pipelines.transform.project import PARENT
from tests.transform.sample_warehouse import Built, Sample, run_unit_tests, settings_in
from tests.transform.stripe_shapes import item, price, subscription

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def test_the_whole_project_builds_and_every_test_passes(built: Built) -> None:
    assert built.result.failed == ()
    assert built.result.ok
    assert built.result.models > 30
    assert built.result.tests > 20


@pytest.mark.long
def test_every_rule_holds_in_its_own_unit_test(built_folder: Path, tmp_path: Path) -> None:
    # They ask nothing of the rows, only that the tables are there.
    shutil.copytree(built_folder, tmp_path / "data")
    settings = settings_in(tmp_path / "data")
    prepare_warehouse(settings, purpose="test")
    answer = run_unit_tests(settings, now=NOW)
    assert answer.failed == ()
    assert len(answer.nodes) > 20


def test_the_daily_series_ends_with_the_last_day_that_began(built: Built) -> None:
    assert built.rows("select cast(max(day) as varchar) from marts.fct_mrr_daily") == [("2026-06-30",)]


@pytest.fixture(scope="module")
def in_new_york(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Iterator[Built]:
    """A subscription that began at midnight in UTC, and a balance transaction whose sums do not add up."""
    settings = settings_in(tmp_path_factory.mktemp("new_york"))
    settings = settings.model_copy(update={"reporting_timezone": "America/New_York"})
    sample = Sample()
    sample.add(subscription(item(price("1000"))), at="2026-06-01")
    for kind, amounts in (
        ("charge", {"amount": 100}),
        ("balance_transaction", {"amount": 100, "fee": 3, "net": 100}),
    ):
        sample.add(
            {"id": f"{kind}_1", "object": kind, "status": "succeeded", "currency": "usd",
             "created": 1_767_225_600, "balance_transaction": "balance_transaction_1"} | amounts,
            at="2026-01-01",
        )  # fmt: skip
    sample.write(settings.warehouse_path)
    result = build(settings, now=NOW)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        yield Built(settings, result, connection)


def test_a_broken_row_is_named_by_the_test_that_found_it(in_new_york: Built) -> None:
    result = in_new_york.result
    assert not result.ok
    assert result.failed == ("net_is_settled_less_fee",)
    (broken,) = (node for node in result.nodes if node.name == "net_is_settled_less_fee")
    assert (broken.kind, broken.status, broken.failures) == ("test", "fail", 1)


def test_changes_fall_on_the_day_of_the_reporting_time_zone(in_new_york: Built) -> None:
    rows = in_new_york.rows("select cast(changed_date as varchar) from marts.fct_mrr_changes where profile = 'stripe'")
    assert rows == [("2025-12-31",)]


def test_events_alone_build_without_any_other_model(tmp_path: Path, parsed_project: Path) -> None:
    settings = settings_in(tmp_path)
    Sample().write(settings.warehouse_path)
    result = build(settings, select="events", now=NOW)
    assert result.ok
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        rows = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
    assert sorted(rows) == [("agg_events_daily",), ("fct_events",), ("fct_sessions",)]


def test_a_warehouse_that_cannot_be_opened_is_an_error_that_says_so(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.warehouse_path.write_text("no database")
    with pytest.raises(MillstreamError, match="the warehouse could not be opened"):
        build(settings, now=NOW)


def test_a_build_writes_nothing_into_the_project(built: Built) -> None:
    assert built.result.ok
    assert not [name for name in ("target", "logs", ".user.yml", "warehouse.duckdb") if (PROJECT_DIR / name).exists()]


def test_the_manifest_is_parsed_once_for_one_state_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A project of one model is parsed as any other, only sooner.
    (tmp_path / "project" / "models").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy2(PROJECT_DIR / name, tmp_path / "project")
    (tmp_path / "project" / "models" / "one.sql").write_text("select 1 as one")
    monkeypatch.setattr("pipelines.transform.project.PROJECT_DIR", tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = prepare_manifest()
    written = first.stat().st_mtime_ns
    assert first == manifest_path() == prepare_manifest()
    assert first.stat().st_mtime_ns == written
    (tmp_path / "project" / "models" / "one.sql").write_text("select 2 as two")
    assert manifest_path() != first
    assert not manifest_path().exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a child to its parent")
def test_dbt_dies_with_the_run_that_started_it(tmp_path: Path) -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = (
        "import os, time; from pipelines.tied import die_with_parent; die_with_parent();"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, child])
    found = _wait_for_text(tmp_path / "pid")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert _ends_soon(int(found))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a child to its parent")
def test_dbt_ends_at_once_where_the_run_died_before_it_could_be_tied_to_it() -> None:
    command = [sys.executable, "-m", "pipelines.transform.child", "--version"]
    bare = {name: value for name, value in os.environ.items() if name != PARENT}
    assert subprocess.run(command, env=bare | {PARENT: str(os.getpid())}, capture_output=True).returncode == 0
    dead = subprocess.run(command, env=bare | {PARENT: "1"}, capture_output=True)
    assert dead.returncode == -signal.SIGKILL


def _wait_for_text(path: Path) -> str:
    for _ in range(200):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError("the child never started")


def _ends_soon(pid: int) -> bool:
    for _ in range(100):
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if status == "Z":
            return True
        time.sleep(0.05)
    return False
