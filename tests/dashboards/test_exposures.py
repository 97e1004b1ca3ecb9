"""A page's exposure names the marts that the page asks, no more and no fewer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.transform import prepare_manifest
from pipelines.warehouse import Snapshot
from tests.dashboards.test_pages import PAGES

MART = re.compile(r"\bmarts\.(\w+)")


class _Listening:
    """A cursor that writes down the marts in what it is asked."""

    def __init__(self, cursor: Any, asked: set[str]) -> None:
        self._cursor, self._asked = cursor, asked

    def execute(self, sql: str, *values: Any) -> Any:
        self._asked |= _marts(sql)
        return self._cursor.execute(sql, *values)

    def sql(self, sql: str, *values: Any, **named: Any) -> Any:
        self._asked |= _marts(sql)
        return self._cursor.sql(sql, *values, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def _marts(sql: str) -> set[str]:
    """The marts in a question; what counts events by visitor asks the lake, of which `fct_events` is the mart."""
    return set(MART.findall(sql)) | ({"fct_events"} if "raw_events.lake_events" in sql else set())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The marts that any question to a snapshot names from now on."""
    found: set[str] = set()
    real = Snapshot.cursor
    monkeypatch.setattr(Snapshot, "cursor", lambda snapshot: _Listening(real(snapshot), found))
    return found


# What a page asks only in another view than its first.
FURTHER: dict[str, list[dict[str, str]]] = {
    "revenue": [
        {"tab": "Movements", "cell": "new~2026-11-01", "how-movements": "true"},
        *({"tab": "Groups", "apart": group} for group in ("plan", "product", "country")),
        {"tab": "Cash", "how-cash": "true"},
        {"tab": "Restated"},
        {"tab": "Profiles"},
    ],
    "subscriptions": [
        {"tab": tab, f"how-{report}": "true"}
        for tab, report in (
            ("Cohorts", "cohorts"),
            ("Value", "ltv"),
            ("Survival", "survival"),
            ("Trials", "trials"),
            ("Recovery", "recovery"),
            ("Outlook", "scheduled"),
        )
    ],
    "funnel": [{"steps": "Home~stripe:invoice_paid~email:click", "people": "reached step 1"}],
    "customers": [{"person": "usr_000001"}],
    "segments": [{"segment": "visitors"}],
}
# What it asks of something that the small business has none of: a campaign with a discount.
UNSEEN = {"campaigns": {"dim_promotion_codes"}}


@pytest.mark.parametrize("page", PAGES)
def test_an_exposure_names_what_its_page_asks(open_page, filled_folder: Path, asked: set[str], page: str) -> None:
    for address in ({}, *FURTHER.get(page, [])):
        app = open_page(filled_folder, page, address)
        assert not app.exception
    exposure = json.loads(prepare_manifest().read_text())["exposures"][f"exposure.millstream.{page}"]
    named = {name.split(".")[-1] for name in exposure["depends_on"]["nodes"] if not name.startswith("source.")}
    assert asked == named - UNSEEN.get(page, set())
