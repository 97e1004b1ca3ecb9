"""Published funnel cases, asked through the command over event files."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke

CASES = json.loads((Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "funnel" / "cases_basic.json").read_text())["cases"]
STEPS = [case for case in CASES if case["kind"] == "funnel_steps"]
OTHERS = [case for case in CASES if case["kind"] != "funnel_steps"]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def ask(case: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], *source: str) -> dict[str, Any]:
    query = folder / "query.json"
    command = ["retention"] if case["kind"] == "retention" else ["funnel"]
    kind = {"kind": case["kind"]} if case["kind"] != "retention" else {}
    query.write_text(json.dumps(kind | case["query"]))
    options = ["--users"] if case["kind"] == "funnel_steps" else []
    assert invoke([*command, "--query", str(query), *source, *options, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def ask_files(case: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return ask(case, folder, capsys, "--events", log_of(case, folder))


def log_of(case: dict[str, Any], folder: Path) -> str:
    log = folder / f"{case['id']}.jsonl"
    log.write_text("".join(json.dumps(event) + "\n" for event in case["events"]))
    return str(log)


def check_steps(case: dict[str, Any], answer: dict[str, Any]) -> None:
    people = [step["user_ids"] for step in answer["steps"]]
    found = {
        "counts": [step["users"] for step in answer["steps"]],
        "users_at_step": people,
        "users_dropped_before_step": [
            [],
            *(sorted({*before} - {*after}) for before, after in pairwise(people)),
        ],
        "average_conversion_seconds": [step["average_conversion_seconds"] for step in answer["steps"]],
        "median_conversion_seconds": [step["median_conversion_seconds"] for step in answer["steps"]],
    }
    for field, expected in case["expected"].items():
        for number, value in enumerate(expected):
            if value is not None:
                assert found[field][number] == value, f"{case['id']}: {field} of step {number}"


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case["id"])
def test_the_steps_are_the_published_ones(
    case: dict[str, Any], tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_steps(case, ask_files(case, tmp_path, capsys))
    assert not data_dir.exists()


# Their dates lie apart, so that one warehouse can hold all three without one seeing another's events.
WHOLE_WAY = ("conversion-time-mean-and-median-ordered", "strict-conversion-times", "unordered-basic")


def test_one_case_of_each_order_goes_the_whole_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [case for case in STEPS if case["id"] in WHOLE_WAY]
    assert [case["query"]["order"] for case in cases] == ["ordered", "strict", "unordered"]
    days = sorted((case["query"]["date_from"], case["query"]["date_to"]) for case in cases)
    assert all(end < start for (_, end), (start, _) in pairwise(days))
    assert invoke(["ingest", "events", *(log_of(case, tmp_path) for case in cases)]) == 0
    assert invoke(["build", "--select", "events"]) == 0
    capsys.readouterr()
    for case in cases:
        check_steps(case, ask(case, tmp_path, capsys))


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case["id"])
def test_the_periods_are_the_published_ones(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask_files(case, tmp_path, capsys)
    for field in ("periods", "matrix"):
        if field in case["expected"]:
            assert answer[field] == case["expected"][field]
