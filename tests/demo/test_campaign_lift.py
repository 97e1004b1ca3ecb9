"""The report finds what the simulator planted: a lift where a mail sold something, and none where it did not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.experiments import measured
from pipelines.settings import Settings
from tests.demo.asking import Data, Json
from tests.experiments.worlds import World, document

END = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def reports(story: Path, stored: Data, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is measured of each past campaign, over the story's own audiences and Stripe's invoices."""
    world = World()
    campaigns = orjson.loads((story / "campaigns.json").read_bytes())
    for campaign in campaigns:
        arms: dict[bool, list[str]] = {True: [], False: []}
        for one in campaign["recipients"]:
            arms[one["held_out"]].append(one["user_id"])
        at = datetime.fromisoformat(campaign["sent_at"])
        world.mail(arms[False], held_out=arms[True], campaign=campaign["name"], at=at)
    users = {one["id"]: one["metadata"]["user_id"] for one in stored["customers"] if not one.get("deleted")}
    for invoice in stored["invoices"]:
        if invoice["amount_paid"]:
            paid_at = datetime.fromtimestamp(invoice["status_transitions"]["paid_at"], UTC)
            taken_off = sum(one["amount"] for one in invoice["total_discount_amounts"] or [])
            world.pay(users[invoice["customer"]], invoice["amount_paid"], at=paid_at, discount=taken_off)
    settings = Settings(MILLSTREAM_DATA_DIR=tmp_path_factory.mktemp("lift") / "data")
    snapshot = world.publish(settings, END)
    return {
        one["name"]: measured(snapshot, settings, document(name=one["name"], goal=one["goal"])) for one in campaigns
    }


def test_both_groups_are_those_of_the_truth(reports: dict[str, Any], truth: Json) -> None:
    assert reports.keys() == truth["campaigns"].keys()
    for name, told in truth["campaigns"].items():
        conversion = reports[name]["conversion"]
        assert conversion["treated"]["people"] == told["treated"]
        assert conversion["treated"]["converted"] == told["converted_treated"]
        assert conversion["holdout"]["people"] == told["held_out"]
        assert conversion["holdout"]["converted"] == told["converted_held_out"]
        assert reports[name]["split"]["is_valid"]


def test_the_launch_shows_the_lift_that_was_planted_inside_its_interval(reports: dict[str, Any], truth: Json) -> None:
    told, found = truth["campaigns"]["field-guide-launch"], reports["field-guide-launch"]
    planted = told["converted_by_mail"] / told["treated"]
    low, high = found["conversion"]["interval"]
    assert 0 < low <= planted <= high
    assert (found["verdict"], found["goal"]["is_over"]) == ("significant", True)
    assert found["revenue"]["lift_minor"] > 0


def test_the_digest_that_sells_nothing_shows_no_lift(reports: dict[str, Any]) -> None:
    found = reports["getting-started-digest"]
    low, high = found["conversion"]["interval"]
    assert low < 0 < high
    assert found["verdict"] in ("not_significant", "underpowered")
    assert found["revenue"]["verdict"] in ("not_significant", "underpowered")
