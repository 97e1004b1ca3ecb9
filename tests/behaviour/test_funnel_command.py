"""`millstream funnel` as a user calls it: over files, over a snapshot, and when the call is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.settings import load_settings
from pipelines.warehouse import Warehouse, publish


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files: `ann` comes all the way over both, `bob` starts."""
    lines = [
        {"user_id": "ann", "event": "visit", "timestamp": "2026-03-01T10:00:00Z"},
        {"user_id": "bob", "event": "visit", "timestamp": "2026-03-01T11:00:00Z"},
    ]
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "two.csv").write_text("customer,event,timestamp\nann,buy,2026-03-03T11:30:00Z\n")
    return [str(tmp_path / "one.jsonl"), str(tmp_path / "two.csv")]


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert invoke(["funnel", *arguments, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_steps_on_the_command_line_ask_the_same_as_a_document(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "steps": [{"event": "visit"}, {"event": "buy"}],
        "window": {"value": 2, "unit": "week"},
        "date_from": "2026-03-01",
        "date_to": "2026-03-31",
        "timezone": "Europe/Berlin",
    }
    (tmp_path / "query.json").write_text(json.dumps(document))
    source = ["--events", files[0]]
    options = ["--window", "2w", "--from", "2026-03-01", "--to", "2026-03-31", "--timezone", "Europe/Berlin"]
    steps = asked(capsys, "--step", "visit", "--step", "buy", *options, *source)
    assert steps == asked(capsys, "--query", str(tmp_path / "query.json"), *source)
    assert [step["users"] for step in steps["steps"]] == [2, 0]


def test_events_takes_several_files_and_what_they_call_a_field(
    files: list[str], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A mapped field is read by that name only, so the lines of the first file bear it too.
    first = Path(files[0])
    first.write_text(first.read_text().replace("user_id", "customer"))
    steps = ["--step", "visit", "--step", "buy", "--map", "user_id=customer", "--users"]
    together = asked(capsys, *steps, "--events", *files)
    assert together == asked(capsys, *steps, "--events", files[0], "--events", files[1])
    assert together["steps"] == [
        {
            "step": 0,
            "event": "visit",
            "users": 2,
            "conversion_from_start": 1.0,
            "conversion_from_previous": None,
            "average_conversion_seconds": None,
            "median_conversion_seconds": None,
            "user_ids": ["ann", "bob"],
        },
        {
            "step": 1,
            "event": "buy",
            "users": 1,
            "conversion_from_start": 0.5,
            "conversion_from_previous": 0.5,
            "average_conversion_seconds": 178_200.0,
            "median_conversion_seconds": 178_200.0,
            "user_ids": ["ann"],
        },
    ]
    assert not data_dir.exists()


def test_over_files_what_is_final_is_judged_at_the_last_event(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = {"user_id": "ann", "event": "buy", "timestamp": "2026-03-03T11:30:00Z"}
    (tmp_path / "last.jsonl").write_text(json.dumps(last))
    # The last event is of 3 March, 11:30: the window of a day is over for 1 March only, the days 1 and 2 are over.
    steps = {"steps": [{"event": "visit"}, {"event": "buy"}], "window": {"value": 1, "unit": "day"}}
    days = {"date_from": "2026-03-01", "date_to": "2026-03-03", "timezone": "UTC"}
    query = tmp_path / "query.json"
    query.write_text(json.dumps({**steps, **days, "kind": "funnel_trends", "interval": "day"}))
    source = ["--query", str(query), "--events", files[0], str(tmp_path / "last.jsonl")]
    assert asked(capsys, *source)["is_final"] == [True, False, False]
    query.write_text(json.dumps({"target_event": "visit", "intervals": 3, "date_to": "2026-03-03"}))
    assert invoke(["retention", *source, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["matrix"][0] == [2, 0, 1]
    assert answer["is_over"] == [True, True, False]
    assert answer["average"] == [1.0, 0.0, None]


def test_a_snapshot_is_asked_without_files(capsys: pytest.CaptureFixture[str]) -> None:
    settings, now = load_settings(), datetime(2026, 3, 5, tzinfo=UTC)
    with Warehouse(settings).write("test") as connection:
        connection.execute("""
            create table marts.fct_events as
            select * from (values ('ann', 'visit', timestamp '2026-03-01 10:00:00', '{}'::json),
                                  ('ann', 'buy', timestamp '2026-03-01 10:01:30', '{}'::json))
                as rows(person_id, event, event_at, properties)
        """)
        publish(connection, settings, as_of=now, now=now)
    assert [step["users"] for step in asked(capsys, "--step", "visit", "--step", "buy")["steps"]] == [1, 1]
    assert invoke(["funnel", "--step", "visit", "--step", "buy"]) == 0
    assert "1 min 30 s" in capsys.readouterr().out


def test_the_people_of_a_step_become_a_segment(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, now = load_settings(), datetime(2026, 3, 5, tzinfo=UTC)
    with Warehouse(settings).write("test") as connection:
        connection.execute("""
            create table marts.fct_events as
            select person, name as event, timestamp '2026-03-01' as event_at, '{}'::json as properties, person as person_id
            from (values ('ann', 'visit'), ('bob', 'visit'), ('ghost', 'visit'), ('ann', 'buy')) as rows(person, name);
            create table marts.dim_customers as select unnest(['ann', 'bob']) as person_id
        """)
        publish(connection, settings, as_of=now, now=now)
    steps = ["funnel", "--step", "visit", "--step", "buy"]
    assert invoke([*steps, "--save-segment", "dropped_out", "--dropped", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "dropped_out", "changed": True, "people": 2, "size": 1}
    assert invoke(["segment", "members", "dropped_out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["members"] == ["bob"]
    for wrong in (["--reached", "0"], ["--save-segment", "x"], ["--save-segment", "x", "--dropped", "0"]):
        assert invoke([*steps, *wrong]) == 2
    assert invoke([*steps, "--save-segment", "x", "--reached", "1", "--events", "visits.jsonl"]) == 2
    query = data_dir.parent / "accounts.json"
    query.write_text(json.dumps({"steps": [{"event": "visit"}, {"event": "buy"}], "aggregate_by": "account"}))
    assert invoke(["funnel", "--query", str(query), "--save-segment", "x", "--reached", "1"]) == 2
    assert "counts by account" in capsys.readouterr().err
    assert invoke([*steps, "--save-segment", "No Name", "--reached", "1"]) == 2
    assert "name" in capsys.readouterr().err


def test_a_breakdown_splits_by_a_property_and_text_shows_its_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"user_id": who, "event": event, "timestamp": "2026-03-01T10:00:00Z", "properties": {"browser": browser}}
        for who, event, browser in (("ann", "visit", "Chrome"), ("ann", "buy", "Chrome"), ("bob", "visit", "Safari"))
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    steps = ["--step", "visit", "--step", "buy", "--breakdown", "browser", "--events", str(tmp_path / "log.jsonl")]
    told = asked(capsys, *steps)
    assert [(part["value"], part["steps"][1]["users"]) for part in told["breakdown"]] == [("Chrome", 1), ("Safari", 0)]
    assert told["query"]["breakdown"] == {"property": "browser"}
    assert invoke(["funnel", *steps]) == 0
    text = capsys.readouterr().out
    assert "browser: Chrome" in text
    assert "browser: Safari" in text
    document = {"steps": [{"event": "visit"}, {"event": "buy"}], "breakdown": {"property": "browser"}}
    for kind, last in (("funnel_trends", "0.0%"), ("funnel_time_to_convert", "average 0 s, median 0 s")):
        (tmp_path / "query.json").write_text(json.dumps(document | {"kind": kind}))
        assert invoke(["funnel", "--query", str(tmp_path / "query.json"), "--events", str(tmp_path / "log.jsonl")]) == 0
        whole, *parts = capsys.readouterr().out.split("\n\n")
        assert [part.splitlines()[0] for part in parts] == ["browser: Chrome", "browser: Safari"][: len(parts)]
        assert len(parts) == (2 if kind == "funnel_trends" else 1)
        assert last in parts[-1].splitlines()[-1]
        assert whole.splitlines()[0].split() == parts[0].splitlines()[1].split()


def test_without_a_snapshot_it_fails_and_says_what_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["funnel", "--step", "visit", "--step", "buy"]) == 1
    assert "`millstream run`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--query FILE"),
        (["--step", "visit"], "steps"),
        (["--step", "a", "--step", "b", "--query", "q.json"], "--query FILE"),
        (["--query", "nowhere.json"], "nowhere.json"),
        (["--query", "broken.json"], "no valid JSON"),
        (["--query", "list.json"], "one JSON object"),
        (["--step", "a", "--step", "b", "--window", "soon"], "--window soon"),
        (["--step", "a", "--step", "b", "--order", "sideways"], "order"),
        (["--step", "a", "--step", "b", "--timezone", "Mars"], "timezone"),
        (["--step", "a", "--step", "b", "--events", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--step", "a", "--step", "b", "nowhere.jsonl"], "--events"),
        (["--step", "a", "--step", "b", "--events", "one.jsonl", "--map", "user_id"], "--map user_id"),
    ],
)
def test_a_wrong_call_is_exit_2_with_a_sentence(
    arguments: list[str], words: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    assert invoke(["funnel", *arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert not captured.out
