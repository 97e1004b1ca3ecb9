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


def ask(case: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    log, query = folder / "events.jsonl", folder / "query.json"
    log.write_text("".join(json.dumps(event) + "\n" for event in case["events"]))
    command = ["retention"] if case["kind"] == "retention" else ["funnel"]
    kind = {"kind": case["kind"]} if case["kind"] != "retention" else {}
    query.write_text(json.dumps(kind | case["query"]))
    options = ["--users"] if case["kind"] == "funnel_steps" else []
    assert invoke([*command, "--query", str(query), "--events", str(log), *options, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case["id"])
def test_the_steps_are_the_published_ones(
    case: dict[str, Any], tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(case, tmp_path, capsys)
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
                assert found[field][number] == value, f"{field} of step {number}"
    assert not data_dir.exists()


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case["id"])
def test_the_periods_are_the_published_ones(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(case, tmp_path, capsys)
    for field in ("periods", "matrix"):
        if field in case["expected"]:
            assert answer[field] == case["expected"][field]
