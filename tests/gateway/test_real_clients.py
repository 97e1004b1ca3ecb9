"""Segment's own clients for Python and Node against the gateway, which is killed three times meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from pipelines.events import load_landed
from pipelines.events.snippets import snippets
from pipelines.events.sources import add_source
from pipelines.gateway.server import url
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Warehouse
from tests.gateway.test_gateway_process import free_port, running

NODE = Path(__file__).with_name("node")
EACH = 5000


@pytest.fixture(scope="module")
def node() -> str:
    """The program, with its client installed as the lock file says."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return missing("node and npm are not installed")
    if not (NODE / "node_modules" / ".package-lock.json").exists():
        quietly = ("--ignore-scripts", "--no-audit", "--no-fund")
        done = subprocess.run([npm, "ci", *quietly], cwd=NODE, check=False, capture_output=True, timeout=200)
        if done.returncode:
            return missing("npm could not fetch the client")
    return program


def missing(what: str) -> NoReturn:
    """Where nothing may be skipped, .ci/run has installed it all."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def in_warehouse(settings: Settings) -> list[tuple[str, str, str]]:
    """Load what was landed; id, type and client of each event."""
    with Warehouse(settings).write("a test") as connection:
        summary = load_landed(connection, settings, now=datetime.now(UTC))
        assert summary.quarantined == 0
        rows = connection.execute(
            "select event_id, type, context ->> '$.library.name' from raw_events.events"
        ).fetchall()
    return [(str(event_id), str(kind), str(client)) for event_id, kind, client in rows]


@pytest.mark.long
def test_both_clients_deliver_10_000_events_each_once_while_the_gateway_is_killed_three_times(
    settings: Settings, tmp_path: Path, node: str
) -> None:
    port, log = free_port(), tmp_path / "gateway.log"
    key = add_source(open_state(settings), "shop", now=datetime.now(UTC))
    arguments = [url(port), key, str(EACH)]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in (
            [sys.executable, "-m", "tests.gateway.send_with_python", *arguments],
            [node, str(NODE / "send.mjs"), *arguments],
        )
    ]

    def go_on() -> None:
        for client in clients:
            assert client.stdin is not None
            client.stdin.write("\n")
            client.stdin.flush()

    try:
        for _ in range(3):
            with running(port, log) as gateway:
                go_on()
                time.sleep(0.5)
                gateway.send_signal(signal.SIGKILL)
                gateway.wait()
        with running(port, log):
            go_on()
            said = [client.communicate(timeout=60) for client in clients]
    finally:
        for client in clients:
            client.kill()
    for client, (_, error) in zip(clients, said, strict=True):
        assert client.returncode == 0, error
    python, javascript = (json.loads(told) for told, _ in said)
    assert (python["errors"], javascript["errors"]) == (0, 0)
    # It was down in the middle of it: more was asked than there are batches.
    assert javascript["requests"] > EACH / 100
    found = in_warehouse(settings)
    assert sorted(event_id for event_id, _, _ in found) == sorted(python["ids"] + javascript["ids"])
    assert len(found) == len({event_id for event_id, _, _ in found}) == 2 * EACH
    kinds = {"track": EACH // 2, **dict.fromkeys(("identify", "page", "screen", "group", "alias"), EACH // 10)}
    assert Counter((client, kind) for _, kind, client in found) == {
        (client, kind): count
        for client in ("analytics-python", "@segment/analytics-node")
        for kind, count in kinds.items()
    }


def test_the_snippets_that_a_key_comes_with_work_as_they_stand(settings: Settings, tmp_path: Path, node: str) -> None:
    port = free_port()
    pasted = snippets(url(port), add_source(open_state(settings), "shop", now=datetime.now(UTC)))
    # Beside the installed client, which a module is looked for from where it lies.
    script = NODE / "node_modules" / "pasted.mjs"
    script.write_text(pasted["javascript"])
    with running(port, tmp_path / "gateway.log"):
        for command in (
            ["bash", "-c", f"{pasted['curl']} -fsS"],
            [sys.executable, "-c", pasted["python"]],
            [node, str(script)],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=60)
    clients = sorted(client for _, kind, client in in_warehouse(settings) if kind == "track")
    assert clients == ["@segment/analytics-node", "None", "analytics-python"]
