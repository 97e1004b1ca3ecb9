"""Build the models: one `dbt build` in a child process (`answering`).

Unit tests of the models are left to the test suite: they look at rules, not at data.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.transform import touched
from pipelines.transform.answering import ANSWER
from pipelines.transform.manifest import PARTIAL_PARSE, cache_folder, prepare_manifest
from pipelines.transform.project import child_environment
from pipelines.transform.result import BuildResult, read_answer

Select: TypeAlias = Literal["all", "stripe", "events"]

_WHOLE_TESTS = ["--indirect-selection", "cautious"]
"""Only tests whose models are all built: one may compare a mart of this source with one of the other."""

# What stands above a tag comes along: of Stripe's tables nothing, of the events the sessions that people have.
_SELECTORS: dict[Select, list[str]] = {
    "all": [],
    "stripe": ["--select", "+tag:stripe", *_WHOLE_TESTS],
    "events": ["--select", "+tag:events", *_WHOLE_TESTS],
}


def build(settings: Settings, *, select: Select = "all", now: datetime) -> BuildResult:
    """Rebuild all models, or those of one source, with figures taken at `now`, and run their tests.

    `events` are the models that need nothing but events; whatever needs Stripe's objects as well
    (`dim_customers`) belongs to `stripe`.

    Raises:
        MillstreamError: dbt ended without an answer (the project does not parse, the warehouse is
            locked or broken). A failing model or test is no error here, see `BuildResult.ok`.
    """
    words = ["build", *_SELECTORS[select], "--exclude-resource-type", "unit_test"]
    if select == "events":
        return ask_dbt(settings, words, figure_environment(settings, now=now) | {touched.LEDGER: "whole"})
    return build_ledger(settings, words, part="all", now=now)


def build_ledger(settings: Settings, words: list[str], *, part: str, now: datetime) -> BuildResult:
    """One dbt command over the ledger's models, which makes only what was touched since the last one of this `part`.

    Raises:
        MillstreamError: dbt ended without an answer.
    """
    from pipelines.warehouse import Warehouse  # Late: a sender names this room too, and data frames come with it.

    with Warehouse(settings).hold("building models"):
        made, is_narrowed = touched.begin(settings, part=part, as_of=now)
        figures = figure_environment(settings, now=now)
        result = ask_dbt(settings, words, figures | {touched.LEDGER: "touched" if is_narrowed else "whole"})
        # A test of data may fail: what it looked at was made nevertheless.
        if all(node.ok for node in result.nodes if node.kind != "test"):
            touched.finish(settings, made)
        return result


def ask_dbt(settings: Settings, words: list[str], figures: dict[str, str]) -> BuildResult:
    """One dbt command in a child process, and what it answered.

    Raises:
        MillstreamError: dbt ended without an answer, or the project does not parse.
    """
    target, logs = settings.data_dir / "dbt", settings.data_dir / "dbt" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    answer = target / "answer.json"
    answer.unlink(missing_ok=True)
    manifest = prepare_manifest()
    _seed_partial_parse(target)
    child = _run(settings, words, child_environment(target, logs) | figures | {ANSWER: str(answer)})
    if not answer.exists():
        raise MillstreamError(
            f"dbt ended with code {child.returncode} before it built anything: {_reason(child.stdout)}. "
            f"The marts are as they were. The whole log: {logs / 'dbt.log'}"
        )
    return read_answer(answer, manifest)


def figure_environment(settings: Settings, *, now: datetime) -> dict[str, str]:
    """What the models read when they run: the moment, the zone of the days, Stripe's mode."""
    return {
        "MILLSTREAM_AS_OF": now.astimezone(UTC).isoformat(),
        "MILLSTREAM_REPORTING_TIMEZONE": settings.reporting_timezone,
        "MILLSTREAM_STRIPE_MODE": settings.stripe_mode,
    }


def _run(settings: Settings, words: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.transform.answering", "--no-use-colors", "--log-level", "warn"]
    return subprocess.run(
        [*command, *words],
        cwd=settings.data_dir,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _seed_partial_parse(target: Path) -> None:
    """A new data folder starts from the parse that the manifest was made with, if there is one."""
    known = cache_folder() / PARTIAL_PARSE
    if known.exists() and not (target / PARTIAL_PARSE).exists():
        shutil.copy2(known, target / PARTIAL_PARSE)


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " ".join(lines[-3:]) or "it said nothing"
