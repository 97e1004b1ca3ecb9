"""Services under one hand: one log, one stop, and none is left behind when the hand is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.cli import invoke
from pipelines.gateway.server import command
from pipelines.settings import Settings
from tests.building import alive

# A service that tells its number, and another that has to be asked twice to end.
_CALM = "import os, time; print('pid', os.getpid()); time.sleep(60)"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_CALM}"
_PROGRAM = f"""
import sys
from pipelines.cli import serve
serve.STOP_SECONDS = 0.5
serve.supervise({{name: [sys.executable, "-c", code] for name, code in {{"calm": {_CALM!r}, **OTHERS}}.items()}})
"""


@contextmanager
def supervised(**others: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """`supervise` in a process of its own; yields it and the number of each service, as its log tells it."""
    program = _PROGRAM.replace("OTHERS", repr(others))
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told: dict[str, int] = {}
            while len(told) < 1 + len(others):
                line = process.stderr.readline()
                found = re.fullmatch(r"(\w+) +\| pid (\d+)\n", line)
                assert found, line
                told[found[1]] = int(found[2])
            yield process, told
        finally:
            process.kill()


def gone(pids: Iterator[int] | list[int]) -> bool:
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_stops_every_service_and_is_no_failure(settings: Settings, number: signal.Signals) -> None:
    with supervised(stubborn=_STUBBORN) as (process, services):
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert gone(list(services.values()))


def test_services_end_with_their_supervisor_even_when_it_is_killed(settings: Settings) -> None:
    with supervised(other=_CALM) as (process, services):
        process.kill()
        process.wait()
        assert gone(list(services.values()))


def test_a_service_that_ends_by_itself_stops_the_others_and_is_named(settings: Settings) -> None:
    with supervised(brief="import os; print('pid', os.getpid()); raise SystemExit(3)") as (process, services):
        assert process.wait(timeout=20) == 1
        assert process.stderr is not None
        assert "brief ended with code 3" in process.stderr.read()
        assert gone(list(services.values()))


def test_up_starts_nothing_where_the_gateways_port_is_taken(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert invoke(["up", "--gateway-port", port]) == 1
    assert f"port {port} is taken" in capsys.readouterr().err
    assert not settings.data_dir.exists()


def test_the_gateway_alone_says_which_setting_is_wrong(settings: Settings, tmp_path: Path) -> None:
    wrong = {**os.environ, "MILLSTREAM_REPORTING_TIMEZONE": "Moon"}
    done = subprocess.run(command(1), env=wrong, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "MILLSTREAM_REPORTING_TIMEZONE" in done.stderr
    assert "Traceback" not in done.stderr
