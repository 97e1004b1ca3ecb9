"""A `millstream run` that finds nothing new, against a bare `dbt build` of the same project over the same data.

Both are whole processes, by turns, each with its parse and its compiled files in place; the best of
each counts. `dbt build` includes the unit tests, which a run leaves to the test suite; the second
figure is against a `dbt build` without them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.demo.stripe_server import serving
from pipelines.transform.project import child_environment

ROUNDS = 3
CUSTOMERS, MONTHS = 2_000, 24


def measure() -> str:
    """Build the demo once, then time both ways."""
    with TemporaryDirectory() as scratch, _demo(Path(scratch) / "data") as (folder, environment):
        # The run's child takes the moment from its parent; a bare build gets it here.
        dbt = {**environment, **child_environment(Path(scratch) / "target", Path(scratch) / "logs")}
        dbt["MILLSTREAM_AS_OF"] = "2026-11-24T00:00:00+00:00"
        bare = ["dbt", "--quiet", "build"]
        ways: dict[str, Callable[[], float]] = {
            "run": lambda: _time(["millstream", "run"], environment, folder),
            "build": lambda: _time(bare, dbt, folder),
            "models": lambda: _time([*bare, "--exclude-resource-type", "unit_test"], dbt, folder),
        }
        for way in ways.values():
            way()
        rounds = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
    best = {name: min(one[name] for one in rounds) for name in rounds[0]}
    return (
        f"{best['run'] / best['build']:.2f} of a bare dbt build ({best['run']:.1f} s against {best['build']:.1f} s), "
        f"{best['run'] / best['models']:.2f} of one without unit tests ({best['models']:.1f} s)"
    )


@contextmanager
def _demo(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"MILLSTREAM_DATA_DIR": str(folder), "STRIPE_API_KEY": "sk_test_demo"}
    story = ["--customers", str(CUSTOMERS), "--months", str(MONTHS), "--until", "2026-11-24"]
    _time(["millstream", "demo", *story, "--once", "--no-open"], environment, folder.parent)
    with serving(folder / "business") as base:
        yield folder, environment | {"STRIPE_API_BASE": base}


def _time(command: list[str], environment: dict[str, str], folder: Path) -> float:
    program = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    begin = time.perf_counter()
    done = subprocess.run(program, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-500:]}{done.stdout[-500:]}"
        )
    return time.perf_counter() - begin
