"""Commands and steps in processes of their own, forked from one parent that has everything imported.

Starting Python and importing Dagster, Great Expectations and the rest takes longer than most of what is
tested. The child has its own environment, streams and process id, and can be killed like any other.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

FORKS = multiprocessing.get_context("forkserver")
"""There is one such parent for a worker, so this is where everybody's imports stand."""
FORKS.set_forkserver_preload(
    [
        __name__,
        "pytest",
        "dagster",
        "dagster_dbt",
        "great_expectations",
        "polars",
        "stripe",
        "pipelines.cli",
        "pipelines.delivery",
        "pipelines.mail.sendgrid",
        "pipelines.stripe",
    ]
)


def start(
    function: Callable[..., object], *arguments: object, environment: dict[str, str], out: Path, err: Path | Connection
) -> BaseProcess:
    """Call a function of a module in a new process; what it prints goes to `out` and `err`."""
    child = FORKS.Process(target=_call, args=(function, arguments, environment, os.getcwd(), out, err))
    child.start()
    return child


def millstream(*arguments: str, env: dict[str, str] | None = None, timeout: float = 240) -> CompletedProcess[str]:
    """Run the command and wait for its end."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        child = start(command, *arguments, environment={**os.environ, **(env or {})}, out=out, err=err)
        child.join(timeout)
        if child.exitcode is None:
            child.kill()
            raise TimeoutError(f"millstream {' '.join(arguments)} took more than {timeout} s: {err.read_text()}")
        return CompletedProcess(["millstream", *arguments], child.exitcode, out.read_text(), err.read_text())


def command(*arguments: str) -> None:
    """What the console script does."""
    from pipelines.cli import main

    sys.argv = ["millstream", *arguments]
    main()


def _call(
    function: Callable[..., object],
    arguments: tuple[object, ...],
    environment: dict[str, str],
    folder: str,
    out: Path,
    err: Path | Connection,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    with out.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
    if isinstance(err, Path):
        with err.open("wb") as stream:
            os.dup2(stream.fileno(), 2)
    else:
        os.dup2(err.fileno(), 2)
        err.close()
    try:
        function(*arguments)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
