"""The tracking plan: what breaks it is loaded all the same, kept by id, counted, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.errors import UsageError
from pipelines.events.plan import parse_plan
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse
from tests.events.loading import load, write

PLAN = """
others: counted
events:
  Signed Up:
    description: Somebody made an account.
    properties:
      plan: {type: string, required: true}
      seats: {type: integer}
      "a/b~c": {type: number}
      at: {type: time}
      "'; drop table raw_events.loads; --": {required: true}
  Looked: {}
"""
HOSTILE = {"'; drop table raw_events.loads; --": 1}


def signed_up(number: int, **properties: Any) -> dict[str, object]:
    told = {"messageId": f"m{number}", "type": "track", "userId": "u", "timestamp": "2026-05-01T10:00:00Z"}
    return {**told, "event": "Signed Up", "properties": {**HOSTILE, **properties}}


def violations(settings: Settings) -> set[tuple[str, str | None, str]]:
    with Warehouse(settings).write("test") as connection:
        rows = connection.execute("select event_id, property, problem from raw_events.violations").fetchall()
    assert len(rows) == len(set(rows)), "each is kept once"
    return set(rows)


@pytest.fixture
def planned(settings: Settings) -> Settings:
    settings.data_dir.mkdir(parents=True)
    settings.tracking_plan.write_text(PLAN)
    return settings


def test_each_rule_finds_what_breaks_it_and_nothing_else(planned: Settings, tmp_path: Path) -> None:
    good = [
        signed_up(1, plan="pro", seats=3, at="2026-05-01T10:00:00Z", **{"a/b~c": 1.5}),
        signed_up(2, plan="", seats=None, more="than planned"),
        {**signed_up(3), "event": "Looked", "properties": {}},
        {**signed_up(4), "type": "page", "event": None, "name": "Home"},
    ]
    bad = [
        signed_up(11),
        signed_up(12, plan=None),
        signed_up(13, plan=5, seats=1.5),
        signed_up(14, plan="pro", seats="3", at="soon", **{"a/b~c": "1"}),
        {**signed_up(15), "event": "Singed Up"},
        {**signed_up(16, plan="pro"), "properties": {"plan": "pro"}},
    ]
    summary = load(planned, write(tmp_path / "a.jsonl", *good, *bad))
    assert (summary.loaded, summary.quarantined) == (10, 0)
    assert violations(planned) == {
        ("m11", "plan", "is missing"),
        ("m12", "plan", "is missing"),
        ("m13", "plan", "is no string"),
        ("m13", "seats", "is no integer"),
        ("m14", "seats", "is no integer"),
        ("m14", "a/b~c", "is no number"),
        ("m14", "at", "is no time"),
        ("m15", None, "is not in the plan"),
        ("m16", "'; drop table raw_events.loads; --", "is missing"),
    }


def test_an_event_is_judged_once_however_often_it_comes(planned: Settings, tmp_path: Path) -> None:
    load(planned, write(tmp_path / "a.jsonl", signed_up(1)))
    load(planned, write(tmp_path / "b.jsonl", signed_up(1), signed_up(2), signed_up(2)))
    assert violations(planned) == {("m1", "plan", "is missing"), ("m2", "plan", "is missing")}


def test_without_a_plan_nothing_breaks_it(settings: Settings, tmp_path: Path) -> None:
    load(settings, write(tmp_path / "a.jsonl", signed_up(1)))
    assert violations(settings) == set()


def test_a_plan_that_can_not_be_meant_loads_nothing_and_loses_nothing(
    planned: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned.tracking_plan.write_text("events: {Signed Up: {properties: {plan: {type: text}}}}")
    log = write(tmp_path / "a.jsonl", signed_up(1))
    assert invoke(["ingest", "events", str(log)]) == 2
    told = capsys.readouterr().err
    assert "events.Signed Up.properties.plan.type: write one of 'string'" in told
    assert "what was landed waits" in told
    planned.tracking_plan.write_text(PLAN)
    assert invoke(["ingest", "events", str(log)]) == 0
    assert violations(planned) == {("m1", "plan", "is missing")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "has to be a mapping"),
        ("events: {A: {props: {}}}", "events.A.props: unknown key"),
        ("others: counted", "events: is missing"),
        ("events: {A: {}, A: {}}", "stands twice"),
    ],
)
def test_a_wrong_plan_is_told_by_its_path(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_plan(text)
