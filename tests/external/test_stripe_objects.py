"""Stripe objects of many kinds and ages that no one here wrote: each is taken, none is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.settings import Settings

MATERIAL = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "stripe"


def objects(name: str) -> list[dict[str, Any]]:
    bundle = json.loads((MATERIAL / name).read_text())
    return list(bundle["resources"].values()) if isinstance(bundle, dict) else [one["object"] for one in bundle]


@pytest.mark.parametrize("name", ["openapi_fixtures3.json", "djstripe_objects.json"])
def test_every_object_is_taken(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    handed_in = objects(name)
    path = tmp_path / "objects.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in handed_in))
    assert invoke(["ingest", "stripe", "--from", str(path), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    kinds = [one for one in handed_in if "object" in one]
    assert summary["read"] == len(handed_in)
    assert summary["quarantined"] == len(handed_in) - len(kinds)
    assert summary["loaded"] + summary["duplicates"] == len(kinds)
