"""The gateway as a process of its own: killed in the middle of it, without space, and stopped."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.gateway.server import command
from pipelines.settings import Settings
from pipelines.stripe import load_landed
from pipelines.warehouse import Warehouse
from tests.gateway.calling import SECRET, Caller, event

RATE, SECONDS = 200, 20


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)


@contextmanager
def running(port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real command, from its first answer on; ended by SIGKILL if the block did not end it."""
    with log.open("ab") as told, subprocess.Popen(command(port), stdout=told, stderr=told) as process:
        try:
            while not answers(port):
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def answers(port: int) -> bool:
    try:
        return Caller(port).get("/readyz").status == 200
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def in_warehouse(settings: Settings) -> list[str]:
    """Load what was landed; the ids of Stripe's events, one for each row."""
    now = datetime.now(UTC)
    with Warehouse(settings).write("a test") as connection:
        load_landed(connection, settings, now=now)
        return [str(row[0]) for row in connection.execute("select id from raw_stripe.events").fetchall()]


@pytest.mark.long
def test_killed_amid_200_deliveries_a_second_every_acknowledged_one_is_in_the_warehouse(
    settings: Settings, tmp_path: Path
) -> None:
    port, file, log = free_port(), tmp_path / "acknowledged", tmp_path / "gateway.log"
    arguments = [str(port), str(RATE), str(SECONDS), str(file)]
    with running(port, log) as first:
        client = subprocess.Popen([sys.executable, "-m", "tests.gateway.deliver", *arguments])
        while not file.exists():
            time.sleep(0.05)
        time.sleep(SECONDS / 2)
        first.send_signal(signal.SIGKILL)
        first.wait()
    before = set(file.read_text().split())
    assert len(before) > RATE * SECONDS / 4
    with running(port, log):
        assert client.wait(timeout=60) == 0
    acknowledged = file.read_text().split()
    assert len(acknowledged) == len(set(acknowledged)) == RATE * SECONDS
    found = in_warehouse(settings)
    assert before <= set(found)
    assert sorted(found) == sorted(acknowledged)


def test_without_space_it_answers_503_goes_on_serving_and_takes_again_when_there_is_some(
    settings: Settings, tmp_path: Path
) -> None:
    port = free_port()
    gateway = Caller(port)
    with running(port, tmp_path / "gateway.log") as process:
        assert gateway.deliver(event(1), at=datetime.now(UTC)).outcome == "accepted"
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        # The kernel refuses each write, as it does on a disk without space.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, most))
        for _ in range(2):
            refused = gateway.deliver(event(2), at=datetime.now(UTC))
            assert (refused.status, refused.headers["retry-after"]) == (503, "30")
        time.sleep(1.1)
        assert (gateway.get("/healthz").status, gateway.get("/readyz").status) == (200, 503)
        assert gateway.refused() == {"not_stored": 2}
        assert gateway.deliver(event(1), at=datetime.now(UTC)).outcome == "duplicate"
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        assert gateway.deliver(event(2), at=datetime.now(UTC)).outcome == "accepted"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)
    assert sorted(in_warehouse(settings)) == ["evt_000001", "evt_000002"]
    left = [name for name in os.listdir(settings.landing_dir / "open") if name]
    assert left == []
