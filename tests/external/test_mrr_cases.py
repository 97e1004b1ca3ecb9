"""The published MRR cases that the repository carries are the ones that were handed over."""

from __future__ import annotations

import json
import os
from pathlib import Path

CARRIED = Path(__file__).parents[1] / "data" / "mrr_cases.json"
HANDED_OVER = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "mrr" / "cases_basic.json"


def test_every_published_case_is_carried_as_it_was_handed_over() -> None:
    assert json.loads(CARRIED.read_text()) == json.loads(HANDED_OVER.read_text())
