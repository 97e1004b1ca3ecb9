"""Event logs that no one here wrote load whole, in every form the same, and again nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.settings import Settings

MATERIAL = Path(os.environ["MILLSTREAM_TEST_MATERIAL"])
VISITOR = ("--map", "anonymous_id=visitor_id")


@pytest.fixture
def ingest(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(name: str, *options: str) -> dict[str, Any]:
        capsys.readouterr()
        assert invoke(["ingest", "events", str(MATERIAL / "clickstream" / name), *options, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_a_shops_clickstream_keeps_its_identical_lines(ingest: Any) -> None:
    first = ingest("ecom_events.csv.gz")
    assert (first["loaded"], first["quarantined"]) == (31_106, 0)
    again = ingest("ecom_events.csv.gz")
    assert (again["read"], again["loaded"], again["unchanged"]) == (31_106, 0, 31_106)


@pytest.mark.parametrize(
    "order",
    [
        ["web_access_2015.jsonl", "web_access_2015.parquet"],
        ["web_access_2015.parquet", "web_access_2015.jsonl"],
    ],
)
def test_lines_and_parquet_of_a_web_log_are_the_same_ten_thousand(ingest: Any, order: list[str]) -> None:
    assert ingest(order[0], *VISITOR)["loaded"] == 10_000
    other = ingest(order[1], *VISITOR)
    assert (other["read"], other["loaded"], other["unchanged"]) == (10_000, 0, 10_000)
    assert ingest(order[0], *VISITOR)["loaded"] == 0
