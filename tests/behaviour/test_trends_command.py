"""`millstream trends` and `millstream paths` as a user calls them: over files, over a snapshot, and wrongly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files: `ann` visits twice, becomes known and buys; `bob` visits."""
    lines = [
        {"userId": "ann", "type": "page", "name": "visit", "timestamp": "2026-03-01T10:00:00Z"},
        {"userId": "ann", "type": "identify", "timestamp": "2026-03-01T10:20:00Z"},
        {"userId": "ann", "type": "track", "event": "buy", "properties": {"amount": 9.5, "plan": "pro"},
         "timestamp": "2026-03-01T10:45:00Z"},
        {"userId": "bob", "type": "page", "name": "visit", "timestamp": "2026-03-03T11:00:00Z"},
    ]  # fmt: skip
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "two.csv").write_text("userId,event,timestamp\nann,visit,2026-03-02T23:30:00Z\n")
    return [str(tmp_path / "one.jsonl"), str(tmp_path / "two.csv")]


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert invoke([*arguments, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_options_ask_the_same_as_a_document(
    files: list[str], data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "series": [{"event": "visit", "measure": "unique"}, {"event": "buy", "measure": "unique"}],
        "formula": "B / A",
        "interval": "day",
        "compare": True,
        "date_from": "2026-03-01",
        "date_to": "2026-03-03",
        "timezone": "Europe/Berlin",
    }
    (tmp_path / "query.json").write_text(json.dumps(document))
    options = ["--event", "visit", "--event", "buy", "--measure", "unique", "--formula", "B / A", "--compare"]
    options += ["--from", "2026-03-01", "--to", "2026-03-03", "--timezone", "Europe/Berlin", "--interval", "day"]
    told = asked(capsys, "trends", *options, "--events", *files)
    assert told == asked(capsys, "trends", "--query", "query.json", "--events", *files)
    assert told["periods"] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert told["previous_periods"] == ["2026-02-26", "2026-02-27", "2026-02-28"]
    # The last event was on 3 March at noon in Berlin: that day is not over.
    assert told["is_complete"] == [True, True, False]
    assert told["series"] == [
        {"name": "B / A", "letter": None, "values": [1, None, 0], "overall": 0.5,
         "previous": [None] * 3, "previous_overall": None}
    ]  # fmt: skip
    assert [line["values"] for line in told["inputs"]] == [[1, 0, 2], [1, 0, 0]]
    assert not data_dir.exists()


def test_a_property_is_measured_and_broken_down(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    measured = ["--event", "buy", "--measure", "sum", "--property", "amount", "--breakdown", "plan"]
    told = asked(capsys, "trends", *measured, "--events", *files)
    (line,) = told["series"]
    assert (line["name"], line["value"], line["is_other"]) == ("pro", "pro", False)
    assert (line["values"], line["without_number"]) == ([9.5], 0)
    assert invoke(["trends", *measured, "--events", *files]) == 0
    assert [row.split() for row in capsys.readouterr().out.splitlines()][1:] == [
        ["2026-03-01", "9.5"],
        ["overall", "9.5"],
    ]


def test_what_keeps_a_session_alive_is_no_step_of_a_path(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    # 45 minutes lie between the visit and the purchase; in the middle ann became known.
    told = asked(capsys, "paths", "--event", "visit", "--events", *files)
    assert told["links"] == [{"from": "visit", "to": "buy", "sessions": 1}]
    assert (told["sessions"], told["none"], told["other"]) == (3, 2, {"events": 0, "sessions": 0})
    back = asked(capsys, "paths", "--event", "buy", "--direction", "previous", "--events", *files)
    assert back["links"] == told["links"]
    assert invoke(["paths", "--event", "visit", "--events", *files]) == 0
    assert "33.3%" in capsys.readouterr().out


def test_a_snapshot_and_its_files_give_the_same_answers(
    built_folder: Path, small_business: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--events", str(small_business / "events")]
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    trend = ["trends", "--event", "Home", "--event", "Signed Up", "--measure", "unique", "--interval", "week"]
    days = ["--from", "2026-09-01", "--to", "2026-11-20"]
    for question in (
        [*trend, *days, "--breakdown", "path", "--compare", "--timezone", "America/New_York"],
        [*trend, *days, "--formula", "B / A"],
        ["paths", "--event", "Pricing", *days],
        ["paths", "--event", "Pricing", "--direction", "previous"],
    ):
        told = asked(capsys, *question)
        assert told == asked(capsys, *question, *files)
        assert told.get("links") or any(line["overall"] for line in told["series"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trends"], "--query FILE"),
        (["trends", "--event", "a", "--query", "q.json"], "--query FILE"),
        (["trends", "--query", "nowhere.json"], "nowhere.json"),
        (["trends", "--query", "broken.json"], "no valid JSON"),
        (["trends", "--query", "good.json", "--measure", "sum"], "--measure and --property belong to --event"),
        (["trends", "--event", "a", "--measure", "sum"], "property"),
        (["trends", "--event", "a", "--formula", "A / B"], "there is no series B"),
        (["trends", "--event", "a", "--interval", "year"], "interval"),
        (["trends", "--event", "a", "--from", "soon"], "date_from"),
        (["trends", "--event", "a", "nowhere.jsonl"], "--events"),
        (["paths"], "--query FILE"),
        (["paths", "--event", "a", "--direction", "up"], "direction"),
        (["paths", "--event", "a", "--timezone", "Mars"], "timezone"),
    ],
)
def test_a_wrong_call_is_exit_2_with_a_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "good.json").write_text('{"series": [{"event": "a"}]}')
    assert invoke([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert not captured.out


@pytest.mark.parametrize("command", ["trends", "paths"])
def test_without_a_snapshot_it_fails_and_says_what_to_run(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([command, "--event", "visit"]) == 1
    assert "`millstream run`" in capsys.readouterr().err
