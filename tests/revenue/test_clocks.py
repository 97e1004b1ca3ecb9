"""Figures as they were reported on a past day, beside what is known of the same days now, and why they differ."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from pipelines.cli import invoke
from pipelines.errors import UsageError
from pipelines.revenue import NATIVE, Question, as_reported, movements, mrr
from pipelines.revenue.reported import remember
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import reported_figures, reports, restatements
from pipelines.warehouse import SnapshotReader
from tests.revenue.conftest import NOW
from tests.revenue.test_diff import EARLIER, HEALTH, NEW, OLD, RATES, Told, ledger, loads, moves_of

FIRST = datetime(2026, 3, 11, 8, tzinfo=UTC)
ASKED: dict[str, Any] = {
    "date_from": date(2026, 2, 1), "date_to": date(2026, 3, 31), "by": "month", "currency": "USD", "timezone": "UTC"
}  # fmt: skip
KINDS = ("opening", "new", "expansion", "contraction", "churn", "reactivation", "fx", "closing")


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_state(settings)


def publish_old(told: Told) -> None:
    told(moves_of(OLD), RATES, HEALTH, ledger(*OLD), loads("1"), as_of=EARLIER, published=FIRST, rules="r")


def publish_new(told: Told) -> None:
    told(moves_of(NEW), RATES, HEALTH, ledger(*NEW), loads("2"), rules="r")


def noted(settings: Settings, engine: Engine) -> int:
    return remember(engine, SnapshotReader(settings.published_dir), timezone="UTC")


def rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["rows"]
    return found


def test_both_clocks_say_what_their_snapshots_said_and_the_restatements_add_up(
    told: Told, settings: Settings, engine: Engine
) -> None:
    publish_old(told)
    assert noted(settings, engine) == 1
    reader = SnapshotReader(settings.published_dir)
    days = ASKED | {"date_to": date(2026, 3, 10), "currency": NATIVE}
    then = {row["period"]: row["mrr_minor"] for row in rows(mrr(reader.newest(), Question(**days)))}
    publish_new(told)
    assert noted(settings, engine) == 1
    now = {row["period"]: row["mrr_minor"] for row in rows(mrr(reader.newest(), Question(**days)))}
    answer: Any = as_reported(reader.newest(), Question(**ASKED | {"currency": NATIVE}), engine, "mrr", moment=FIRST)
    assert {row["period"]: (row["mrr_minor"], row["known_minor"]) for row in rows(answer)} == {
        period: (then[period], now[period]) for period in then
    }
    sums: dict[date, int] = defaultdict(int)
    for one in answer["restatements"]:
        for row in rows(answer):
            sums[row["period"]] += one["difference_minor"] if one["period"] <= row["period"] else 0
    assert {row["period"]: row["difference_minor"] for row in rows(answer)} == sums


def test_each_restatement_names_customer_day_cause_object_and_when_it_became_known(
    told: Told, settings: Settings, engine: Engine
) -> None:
    publish_old(told)
    publish_new(told)
    # Both at once: the first was not written down, as after a crash.
    assert noted(settings, engine) == 2
    newest = SnapshotReader(settings.published_dir).newest()
    answer: Any = as_reported(newest, Question(**ASKED), engine, "mrr", moment=FIRST)
    found = [
        (one["day"].isoformat(), one["customer"], one["difference_minor"], one["causes"], one["objects"])
        for one in answer["restatements"]
    ]
    assert sorted(found) == [
        ("2026-02-01", "corrected", 30, ["corrected"], ["sub_2"]),
        ("2026-02-01", "gone", -100, ["withdrawn"], ["sub_3"]),
        ("2026-02-20", "late", 50, ["late_invoice"], ["il_5"]),
        ("2026-03-05", "backdated", -30, ["backdated_change"], ["sub_1"]),
    ]
    assert {(one["known_at"], one["snapshot"]) for one in answer["restatements"]} == {(NOW, 2)}
    # Asked for today, nothing became known since, and the later part of March is told.
    today: Any = as_reported(newest, Question(**ASKED), engine, "mrr", moment=NOW)
    assert today["restatements"] == []
    assert [row["difference_minor"] for row in rows(today)] == [0, 0]


def test_movements_as_reported_add_up_on_both_clocks(told: Told, settings: Settings, engine: Engine) -> None:
    publish_old(told)
    publish_new(told)
    noted(settings, engine)
    newest = SnapshotReader(settings.published_dir).newest()
    answer: Any = as_reported(newest, Question(**ASKED), engine, "movements", moment=FIRST)
    whole = {row["period"]: row for row in rows(movements(newest, Question(**ASKED | {"date_to": date(2026, 3, 10)})))}
    for row in rows(answer):
        for prefix in ("", "known_"):
            amounts = [row[f"{prefix}{kind}_minor"] for kind in KINDS]
            assert sum(amounts[:-1]) == amounts[-1]
        assert all(row[f"known_{kind}_minor"] == whole[row["period"]][f"{kind}_minor"] for kind in KINDS)
    assert [row["new_minor"] for row in rows(answer)] == [400, 0]


def test_only_what_a_snapshot_says_otherwise_is_written_and_once(
    told: Told, settings: Settings, engine: Engine
) -> None:
    publish_old(told)
    noted(settings, engine)
    publish_old(told)
    assert noted(settings, engine) == 0
    publish_new(told)
    noted(settings, engine)
    before = stored(engine)
    assert noted(settings, engine) == 0
    assert stored(engine) == before
    figures = before[1]
    # Of February, the days before the late invoice changed by a correction alone; no day is there three times.
    days = [row[:4] for row in figures]
    assert {days.count(day) for day in days} <= {1, 2}
    # The snapshots go, what was reported stays.
    for number in range(6):
        told(moves_of(NEW), RATES, HEALTH, ledger(*NEW), loads(f"more {number}"), rules="r")
        noted(settings, engine)
    reader = SnapshotReader(settings.published_dir)
    assert 1 not in reader.numbers()
    answer: Any = as_reported(reader.newest(), Question(**ASKED), engine, "mrr", moment=FIRST)
    assert [row["mrr_minor"] for row in rows(answer)] == [400, 400]
    assert len(answer["restatements"]) == 4


def stored(engine: Engine) -> list[list[tuple[Any, ...]]]:
    with reading(engine) as connection:
        return [
            sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in (reports, reported_figures, restatements)
        ]


def test_before_the_first_report_there_is_nothing_to_tell(told: Told, settings: Settings, engine: Engine) -> None:
    publish_old(told)
    newest = SnapshotReader(settings.published_dir).newest()
    with pytest.raises(UsageError, match="nothing was reported yet"):
        as_reported(newest, Question(**ASKED), engine, "mrr", moment=NOW)
    noted(settings, engine)
    with pytest.raises(UsageError, match="the first report is of 2026-03-11"):
        as_reported(newest, Question(**ASKED), engine, "mrr", moment=datetime(2026, 3, 1, tzinfo=UTC))


def test_a_build_writes_down_what_it_publishes(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    told = {}
    for more in ([], ["--as-reported", "2026-11-24"]):
        assert invoke(["revenue", "mrr", "--to", "2026-11-23", *more, "--json"]) == 0
        told[len(more)] = json.loads(capsys.readouterr().out)
    assert [row["mrr_minor"] for row in told[2]["rows"]] == [row["mrr_minor"] for row in told[0]["rows"]]
    assert {row["difference_minor"] for row in told[2]["rows"]} == {0}
    assert told[2]["restatements"] == []
    for wrong in (["mrr", "--as-reported", "2020-01-01"], ["cash", "--as-reported", "2026-11-24"]):
        assert invoke(["revenue", *wrong, "--json"]) == 2
