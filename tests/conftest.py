"""What every test may use: clean settings, a small business, and one built data folder for all to read."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from pipelines.demo.business import make_business
from pipelines.settings import Settings

# The same examples each time: a change is judged by what it changes.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.register_profile("fewer", hypothesis.settings.get_profile("fixed"), max_examples=40)
hypothesis.settings.load_profile("fixed")


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples where a test does not say how many, unless what repeats at length is called too.

    Take no ignored signal over from whatever began the tests in the background.

    Dagster gives SIGTERM what SIGINT has after each run in this process, and what is ignored is so in every child.
    """
    if config.getoption("markexpr") == "not long":
        hypothesis.settings.load_profile("fewer")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


UNTIL = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's environment nor a `.env` reaches a test."""
    for name in list(os.environ):
        if name.startswith(("MILLSTREAM_", "STRIPE_", "SENDGRID_")) and name != "MILLSTREAM_TEST_MATERIAL":
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over an empty data folder; commands and children see the same folder."""
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    return Settings()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def parsed_project(shared_folder: Path) -> Path:
    """The dbt project parsed once for all workers: each new data folder then starts from that parse."""
    from pipelines.transform import prepare_manifest

    with _one_worker(shared_folder / "parsed"):
        return prepare_manifest()


@pytest.fixture(scope="session")
def small_business(shared_folder: Path) -> Path:
    """50 customers over 3 months: Stripe objects, event files, consents, the truth."""
    folder = shared_folder / "small_business"
    with _one_worker(folder):
        if not folder.exists():
            make_business(folder.with_suffix(".part"), until=UNTIL, customers=50, months=3, seed=7)
            folder.with_suffix(".part").rename(folder)
    return folder


@pytest.fixture(scope="session")
def built_folder(shared_folder: Path, small_business: Path, parsed_project: Path) -> Path:
    """A data folder with the small business ingested, built and published. Read only: copy it to change it."""
    from tests.building import ingest_and_build

    folder = shared_folder / "built"
    with _one_worker(folder):
        if not folder.exists():
            shutil.rmtree(folder.with_suffix(".part"), ignore_errors=True)
            ingest_and_build(folder.with_suffix(".part"), small_business)
            folder.with_suffix(".part").rename(folder)
    return folder


# Folders whose tests share something dear to make (a dbt build, a server): one worker takes all of it.
_TOGETHER = {
    "transform": "transform",
    "faults": "processes",
    "end_to_end": "processes",
    "browser": "browser",
    "dashboards": "dashboards",
}
# The dearest first: begun last, one worker would wait for the other.
_TURNS = ("processes", "transform", "truth", "browser", "dashboards")


# Folders that compare with what others published, at length: all of it belongs to `make test-long`.
_LONG = ("external",)
_LEFT = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a dear fixture, and begin with it."""
    for item in items:
        folder = item.path.parent.name
        if folder in _LONG:
            item.add_marker(pytest.mark.long)
        if item.get_closest_marker("xdist_group") is not None:
            continue
        if folder in _TOGETHER:
            item.add_marker(pytest.mark.xdist_group(_TOGETHER[folder]))
        elif folder == "external":
            # Each of these files brings its data into a folder of its own, once.
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=_turn)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count what `make test` leaves to `make test-long`; a worker tells it to the one who speaks."""
    config = items[0].config
    if config.getoption("markexpr") == "not long":
        left = config.stash.get(_LEFT, 0) + sum(item.get_closest_marker("long") is not None for item in items)
        config.stash[_LEFT] = left
        if hasattr(config, "workeroutput"):
            config.workeroutput["left"] = left


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Each worker collects everything, so that any of them knows the number."""
    told = getattr(node, "workeroutput", {})
    node.config.stash[_LEFT] = max(node.config.stash.get(_LEFT, 0), told.get("left", 0))


def _turn(item: pytest.Item) -> int:
    group = item.get_closest_marker("xdist_group")
    name = str(group.args[0]) if group else ""
    return _TURNS.index(name) if name in _TURNS else len(_TURNS)


class _one_worker:  # noqa: N801 (used like a function)
    def __init__(self, folder: Path) -> None:
        self._path = folder.with_suffix(".lock")

    def __enter__(self) -> None:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    """Say what is left to the longer call. In CI a test that was skipped is a test that did not hold."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and (left := session.config.stash.get(_LEFT, 0)):
        reporter.ensure_newline()
        reporter.write_line(f"{left} tests that repeat at length were left to `make test-long`")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("CI: nothing may be skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
