"""Who a visitor is: claimed by identify or alias, by the first who did, whatever order the lines come in."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.settings import Settings
from tests.events.loading import load, stored, write

Json = dict[str, Any]


def line(day: int, kind: str = "track", **more: Any) -> Json:
    told = {"messageId": f"m{day}", "type": kind, "timestamp": f"2026-05-{day:02d}T10:00:00Z", **more}
    return told | ({"event": "view"} if kind == "track" else {})


STORY = [
    line(1, anonymousId="phone"),
    line(2, anonymousId="laptop"),
    line(3, "identify", anonymousId="phone", userId="ann"),
    line(4, "alias", previousId="laptop", userId="ann"),
    # Somebody else's alias comes later, and a browser fills in whoever is signed in.
    line(5, "alias", previousId="laptop", userId="bob"),
    line(6, "alias", previousId="ann", userId="bob"),
    line(7, anonymousId="laptop"),
    line(8, userId="ann"),
    line(9, userId="bob"),
    line(10, anonymousId="tablet"),
]
PEOPLE = {1: "ann", 2: "ann", 3: "ann", 4: "ann", 5: "bob", 6: "bob", 7: "ann", 8: "ann", 9: "bob", 10: "tablet"}


def people(settings: Settings) -> dict[int, str]:
    rows = stored(settings, "event_id, person_id, event_at")
    return {int(str(row["event_id"])[1:]): str(row["person_id"]) for row in rows}


def test_an_alias_claims_a_visitor_and_never_merges_two_users(settings: Settings, tmp_path: Path) -> None:
    load(settings, write(tmp_path / "a.jsonl", *STORY))
    assert people(settings) == PEOPLE


@pytest.mark.parametrize("cut", [2, 4, 5])
def test_the_order_of_files_does_not_matter_and_a_late_alias_restates_history(
    settings: Settings, tmp_path: Path, cut: int
) -> None:
    late, early = write(tmp_path / "late.jsonl", *STORY[cut:]), write(tmp_path / "early.jsonl", *STORY[:cut])
    load(settings, late)
    load(settings, early)
    assert people(settings) == PEOPLE


def test_an_alias_without_a_previous_id_or_to_itself_is_an_event_like_any_other(
    settings: Settings, tmp_path: Path
) -> None:
    lines = [line(1, "alias", userId="ann"), line(2, "alias", userId="ann", previousId="ann"), line(3, "alias")]
    loaded = load(settings, write(tmp_path / "a.jsonl", *lines))
    assert (loaded.loaded, loaded.quarantined) == (2, 1)
    assert people(settings) == {1: "ann", 2: "ann"}


def test_the_id_of_a_group_is_kept_with_its_traits_in_both_ways_of_reading(settings: Settings, tmp_path: Path) -> None:
    calls = [
        line(1, "group", userId="ann", groupId="acme", traits={"name": "Acme", "seats": 5}),
        line(2, "group", userId="ann", groupId="acme"),
    ]
    load(settings, write(tmp_path / "typed.jsonl", *calls))
    # One bad line in three sends the whole file down the other way.
    odd = [{**call, "messageId": f"odd{call['messageId']}"} for call in calls]
    load(settings, write(tmp_path / "odd.jsonl", *odd, "no json"))
    told = [json.loads(str(row["properties"])) for row in stored(settings, "properties, event_at, event_id")]
    assert told == [{"name": "Acme", "seats": 5, "groupId": "acme"}] * 2 + [{"groupId": "acme"}] * 2


def test_the_index_of_people_names_the_id_that_an_alias_gave_away(settings: Settings, tmp_path: Path) -> None:
    """Whoever is erased is looked for in the segments that the index names."""
    load(settings, write(tmp_path / "a.jsonl", STORY[3]))
    (index,) = (settings.landing_dir / "people").glob("*.parquet")
    indexed = {row["person"] for row in pl.read_parquet(index).to_dicts()}
    assert indexed == {hashlib.sha256(key.encode()).hexdigest()[:32] for key in ("laptop", "ann")}
