"""Random timelines of an account, with losses, repetitions and kills: in the end we hold what Stripe holds.

Most run the product's feed over an account in memory, and what landed is compared with the account
after its last sync, by a second implementation of the rule by which the newest version wins; some of
the landing zones are then loaded into the warehouse, and compared there. A few run the command
itself, over HTTP and in processes that are really killed, and are compared in the warehouse.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipelines.demo.stripe_server import serving
from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.stripe import load_landed
from pipelines.stripe.catalogue import BY_NAME, KINDS
from pipelines.warehouse import Warehouse
from tests import warm
from tests.stripe.account import landed_state
from tests.stripe.timeline import OFTEN, POINTS, STEPS, Json, KilledError, Timeline, compare

TIMELINES = [(80, 2), pytest.param(500, 6, marks=pytest.mark.long)]
"""How many in memory, and how many of these are loaded into the warehouse too."""
BY_COMMAND = [2, pytest.param(20, marks=pytest.mark.long)]
QUICK = [step for step in STEPS if step not in ("sync", "glimpse", "pause")]


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """Without a disk under it: nothing here is about power cuts."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shm if os.access(shm, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(("timelines", "loaded"), TIMELINES)
def test_after_random_timelines_we_hold_what_stripe_holds(
    quick_folder: Path, monkeypatch: pytest.MonkeyPatch, timelines: int, loaded: int
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(quick_folder))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_timeline")
    monkeypatch.setenv("MILLSTREAM_FAULT", "")
    monkeypatch.setenv("MILLSTREAM_STATE_URL", f"sqlite:///{quick_folder}/state.sqlite")
    product = Settings()
    done: list[Timeline] = []
    numbers = itertools.count()

    def killed(code: int) -> None:
        raise KilledError(code)

    with monkeypatch.context() as without_a_disk:
        without_a_disk.setattr(os, "_exit", killed)
        without_a_disk.setattr(os, "fsync", lambda handle: None)

        @examples(max_examples=timelines, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.sampled_from(OFTEN), min_size=5, max_size=16), st.integers(0, 2**32))
        def run(steps: list[str], seed: int) -> None:
            # Of its own: one that failed has left its lines behind, and the search for a smaller one goes on.
            number = next(numbers)
            timeline = Timeline(quick_folder / f"{number}", product, number, seed)
            for step in steps:
                getattr(timeline, step)()
            timeline.account.clock += 900
            timeline.sync(may_fail=False)
            held = {key: thing for key, thing in landed_state(timeline.lines()).items() if key[0] in BY_NAME}
            compare(held, timeline.account)
            done.append(timeline)

        run()
    assert len(done) >= timelines
    chosen = done[:: timelines // loaded]
    with Warehouse(product).write("test") as connection:
        for timeline in chosen:
            load_landed(connection, timeline.settings, now=datetime.fromtimestamp(timeline.account.clock, UTC))
    _compare_in_the_warehouse(product, chosen)


class ByCommand(Timeline):
    """Each sync is `millstream ingest stripe` in a process of its own, which asks a fake Stripe over HTTP."""

    points = POINTS
    bad_lines = (0, 0, 0, 40)
    """Seldom: the command really waits before it asks again."""
    base = ""

    def __init__(self, folder: Path, settings: Settings, number: int, seed: int) -> None:
        super().__init__(folder, settings, number, seed)
        # The command has this machine's clock, which is months off.
        self.account.knobs.tells_time = True

    def _sync(self, fault: str) -> None:
        environment = {
            "MILLSTREAM_DATA_DIR": str(self.settings.data_dir),
            "STRIPE_API_KEY": "sk_test_timeline",
            "STRIPE_API_BASE": self.base,
            "MILLSTREAM_FAULT": fault,
        }
        self.syncs += 1
        done = warm.millstream("ingest", "stripe", "--account", self.name, env=environment)
        if done.returncode == 137:
            raise KilledError
        if done.returncode == 1 and "Stripe did not answer" in done.stderr:
            raise MillstreamError(done.stderr)
        assert done.returncode == 0, done.stderr


@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("count", BY_COMMAND)
def test_the_command_killed_anywhere_in_random_timelines(
    quick_folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(quick_folder))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_timeline")
    product = Settings()
    timelines = []
    for number in range(count):
        timeline = ByCommand(quick_folder, product, number, seed=number)
        with serving(timeline.account.store, knobs=timeline.account.knobs) as timeline.base:
            for _ in range(timeline.random.choice([1, 2])):
                for step in timeline.random.choices(QUICK, k=6):
                    getattr(timeline, step)()
                timeline.sync()
            timeline.account.clock += 900
            timeline.sync(may_fail=False)
        timelines.append(timeline)
    assert sum(timeline.kills for timeline in timelines) >= count // 2
    _compare_in_the_warehouse(product, timelines)


def _compare_in_the_warehouse(product: Settings, timelines: Sequence[Timeline]) -> None:
    """What it holds of these timelines' accounts, each of which it keeps apart."""
    parts = (f"select account, '{kind.name}', id, is_deleted, payload from raw_stripe.{kind.table}" for kind in KINDS)
    with Warehouse(product).write("test") as connection:
        rows = connection.execute(" union all ".join(parts)).fetchall()
    for timeline in timelines:
        own = [row[1:] for row in rows if row[0] == timeline.name]
        held: dict[tuple[str, str], Json | None] = {
            (name, identity): None if gone else orjson.loads(body) for name, identity, gone, body in own
        }
        assert len(held) == len(own), "an object is held twice"
        compare(held, timeline.account)
