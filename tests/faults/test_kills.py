"""Killed at every named place and by SIGKILL: the next run publishes what an undisturbed one would."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.demo.stripe_server import serving
from pipelines.faults import POINTS
from tests import warm
from tests.building import alive, demo_settings, mark_as_demo, mart_bytes, newest, published
from tests.faults import steps

# Many whole processes, one after the other; on a busy machine they take their time.
pytestmark = pytest.mark.timeout(900)

INGEST = [point for point in POINTS if point.split(".")[0] in ("landing", "stripe", "events")]
BUILD = [point for point in POINTS if point.split(".")[0] in ("build", "publish")]


@pytest.fixture
def folder(tmp_path: Path, small_business: Path) -> Path:
    folder = tmp_path / "killed" / "data"
    mark_as_demo(folder, small_business)
    return folder


@pytest.fixture
def environment(folder: Path) -> Iterator[dict[str, str]]:
    with serving(folder / "business") as base:
        yield demo_settings(folder, base)


def do(step: str, environment: dict[str, str], *, fault: str = "") -> int:
    """Run one step; `fault` names the place where it is to end without any clean-up."""
    log = Path(environment["MILLSTREAM_DATA_DIR"]).with_name("step.log")
    code = steps.do(step, environment | {"MILLSTREAM_FAULT": fault}, log)
    assert code in (0, 137), log.read_text()
    return code


def step_of(point: str) -> str:
    """The step that passes this place; landing is passed by both kinds of ingest."""
    room = point.partition(".")[0]
    if room == "landing":
        return "stripe"
    if room in ("stripe", "events", "publish"):
        return room
    return "build"


@pytest.mark.parametrize("last", ["publish", pytest.param("build", marks=pytest.mark.long)])
def test_killed_at_every_place_of_ingest_build_and_publish_it_heals(
    folder: Path, environment: dict[str, str], built_folder: Path, last: str
) -> None:
    for point in INGEST:
        assert do(step_of(point), environment, fault=f"{point}:1") == 137, f"{point} was not passed"
    for passage in (2, 9):
        assert do("events", environment, fault=f"landing.before_manifest:{passage}") in (0, 137)
    do("stripe", environment)
    do("events", environment)
    for point in BUILD:
        before = newest(folder).number if (folder / "published" / "CURRENT").exists() else 0
        assert do(step_of(point), environment, fault=f"{point}:1") == 137, f"{point} was not passed"
        after = newest(folder).number if (folder / "published" / "CURRENT").exists() else 0
        assert (after > before) == (point in ("publish.after_pointer", "publish.before_remembering"))
    do(last, environment)
    assert published(folder) == published(built_folder)
    assert mart_bytes(folder) == mart_bytes(built_folder)


@pytest.mark.long
def test_three_kills_of_the_real_command_and_a_run_after_them(
    tmp_path: Path, small_business: Path, built_folder: Path
) -> None:
    folder = tmp_path / "data"
    mark_as_demo(folder, small_business)
    shutil.copytree(small_business / "events", folder / "inbox")
    with serving(folder / "business") as base:
        environment = demo_settings(folder, base)
        for line in ("run: started", "run: stripe_objects", "run: landed_data_checks"):
            kill_after(line, environment)
        done = warm.millstream("run", env=environment)
    assert done.returncode == 0, done.stderr
    assert published(folder) == published(built_folder)


def kill_after(line: str, environment: dict[str, str]) -> None:
    """SIGKILL `millstream run` shortly after it printed this line; its dbt child must end with it."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    out = Path(environment["MILLSTREAM_DATA_DIR"]).with_name("killed.out")
    run = warm.start(warm.command, "run", environment={**os.environ, **environment}, out=out, err=writer)
    writer.close()
    assert run.pid is not None
    with reader, os.fdopen(os.dup(reader.fileno())) as told:
        if not any(one.startswith(line) for one in told):
            pytest.fail(f"the run ended before it said {line!r}")
        time.sleep(1.5)
        children = children_of(run.pid)
        os.kill(run.pid, signal.SIGKILL)
        run.join()
    deadline = time.monotonic() + 10
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [child for child in children if alive(child)], "an orphan writes on"


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in found.split()]
