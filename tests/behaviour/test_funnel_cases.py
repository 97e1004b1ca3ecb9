"""Cases by feature, asked through the command over event files; their numbers were worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke

FILE = Path(__file__).parents[1] / "data" / "funnel_cases.json"
CASES = json.loads(FILE.read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_is_answered_as_worked_out(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in case["events"]))
    (tmp_path / "query.json").write_text(json.dumps(case["query"]))
    users = ["--users"] if "users" in case["expected"] else []
    source = ["--query", str(tmp_path / "query.json"), "--events", str(tmp_path / "log.jsonl")]
    assert invoke(["funnel", *source, *users, "--json"]) == 0
    told = seen(json.loads(capsys.readouterr().out))
    assert {name: told[name] for name in case["expected"]} == case["expected"]


def seen(answer: dict[str, Any]) -> dict[str, Any]:
    """What the cases look at."""
    found: dict[str, Any] = {name: answer.get(name) for name in ("bins", "average_seconds", "median_seconds")}
    found["periods"] = [[one["period_start"], one["entered"], one["converted"]] for one in answer.get("periods", [])]
    steps = answer.get("steps", [])
    found["users"] = [step.get("user_ids") for step in steps]
    found["from_previous"] = [step["conversion_from_previous"] for step in steps]
    found["average"] = [step["average_conversion_seconds"] for step in steps]
    found["breakdown"] = [[part["value"], counts_of(part)] for part in answer.get("breakdown", [])]
    return found


def counts_of(part: dict[str, Any]) -> list[Any]:
    if "bins" in part:
        return list(part["bins"])
    if "periods" in part:
        return [[one["entered"], one["converted"]] for one in part["periods"]]
    return [step["users"] for step in part["steps"]]
