"""What moved between two snapshots: customers, amounts that add up, and the causes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.revenue import Question, mrr
from pipelines.revenue.diff import diff
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader

MARCH: dict[str, Any] = {
    "date_from": date(2026, 2, 1), "date_to": date(2026, 3, 31), "by": "month", "currency": "USD", "timezone": "UTC"
}  # fmt: skip
EARLIER = datetime(2026, 3, 10, tzinfo=UTC)
RATES = [("2026-01-01", "USD", "1.0")]
Told = Callable[..., Snapshot]
Change = tuple[str, str, int, str, str]
"""Customer, day, balance of the one item after it, source, object."""


def ledger(*changes: Change) -> str:
    rows = ", ".join(
        f"('stripe', 'a', '{customer}', 'USD', 's', 's', timestamp '{day}', date '{day}', {minor}::decimal(38, 9), "
        f"'p', '{source}', '{thing}', null::varchar)"
        for customer, day, minor, source, thing in changes
    )
    return (
        f"create or replace table marts.fct_mrr_changes as select * from (values {rows}) as _ (profile, account, "
        "customer_id, currency, subscription_id, subscription_item_id, changed_at, changed_date, mrr_minor, price_id, "
        "source, object_id, event_id)"
    )


def loads(*inputs: str) -> str:
    rows = ", ".join(f"('stripe', '{one}')" for one in inputs)
    return f"create or replace table health.loads as select * from (values {rows}) as _ (source, input_id)"


HEALTH = "create schema if not exists health"
OLD: list[Change] = [
    ("backdated", "2026-02-01", 100, "version", "sub_1"),
    ("corrected", "2026-02-01", 100, "version", "sub_2"),
    ("gone", "2026-02-01", 100, "version", "sub_3"),
    ("same", "2026-02-01", 100, "version", "sub_4"),
]
NEW: list[Change] = [
    ("backdated", "2026-02-01", 100, "version", "sub_1"),
    ("backdated", "2026-03-05", 70, "version", "sub_1"),
    ("corrected", "2026-02-01", 130, "version", "sub_2"),
    ("late", "2026-02-20", 50, "invoice", "il_5"),
    ("same", "2026-02-01", 100, "version", "sub_4"),
    ("since", "2026-03-20", 20, "version", "sub_6"),
]


def moves_of(changes: list[Change]) -> list[tuple[str, str, str, int, int]]:
    before: dict[str, int] = {}
    moves = []
    for customer, day, minor, _, _ in changes:
        moves.append((customer, "USD", day, minor, before.get(customer, 0)))
        before[customer] = minor
    return moves


def publish_both(told: Told, *, rules: tuple[str, str] = ("r", "r"), inputs: tuple[str, str] = ("1", "2")) -> None:
    told(moves_of(OLD), RATES, HEALTH, ledger(*OLD), loads(inputs[0]), as_of=EARLIER, rules=rules[0])
    told(moves_of(NEW), RATES, HEALTH, ledger(*NEW), loads(inputs[1]), rules=rules[1])


def rows_between(settings: Settings) -> list[dict[str, Any]]:
    reader = SnapshotReader(settings.published_dir)
    rows: Any = diff(reader.kept(2), Question(**MARCH), reader.kept(1))["rows"]
    return list(rows)


def test_each_customer_that_moved_is_listed_with_what_became_known(told: Told, settings: Settings) -> None:
    publish_both(told)
    found = {
        (row["period"].month, row["customer"]): (row["before_minor"], row["after_minor"], row["causes"], row["objects"])
        for row in rows_between(settings)
    }
    assert found == {
        (2, "corrected"): (100, 130, ["corrected"], ["sub_2"]),
        (2, "gone"): (100, 0, ["withdrawn"], ["sub_3"]),
        (2, "late"): (0, 50, ["late_invoice"], ["il_5"]),
        (3, "backdated"): (100, 70, ["backdated_change"], ["sub_1"]),
        (3, "corrected"): (100, 130, ["corrected"], ["sub_2"]),
        (3, "gone"): (100, 0, ["withdrawn"], ["sub_3"]),
        (3, "late"): (0, 50, ["late_invoice"], ["il_5"]),
        (3, "since"): (0, 20, ["since"], ["sub_6"]),
    }


def test_the_customers_add_up_to_what_the_total_moved(told: Told, settings: Settings) -> None:
    publish_both(told)
    reader = SnapshotReader(settings.published_dir)
    old, new = (
        {row["period"]: row["mrr_minor"] for row in _rows(mrr(reader.kept(one), Question(**MARCH)))} for one in (1, 2)
    )
    sums = dict.fromkeys(new, 0)
    for row in rows_between(settings):
        assert row["difference_minor"] == row["after_minor"] - row["before_minor"] != 0
        sums[row["period"]] += row["difference_minor"]
    assert sums == {period: new[period] - old[period] for period in new}


@pytest.mark.parametrize(
    ("rules", "inputs", "cause"),
    [
        (("r", "other"), ("1", "1"), "rule_change"),
        (("r", "other"), ("1", "2"), "rule_or_data"),
        (("", ""), ("1", "2"), "rule_or_data"),
    ],
)
def test_other_models_over_the_same_loads_are_the_cause(
    told: Told, settings: Settings, rules: tuple[str, str], inputs: tuple[str, str], cause: str
) -> None:
    publish_both(told, rules=rules, inputs=inputs)
    causes = {row["customer"]: row["causes"] for row in rows_between(settings)}
    assert causes.pop("since") == ["since"]
    assert {name for names in causes.values() for name in names} == {cause}


def test_another_rate_moves_a_customer_without_a_change(told: Told, settings: Settings) -> None:
    moves = [("c", "EUR", "2026-02-01", 1000, 0)]
    for rate in ("1.10", "1.20"):
        told(moves, [("2026-01-01", "USD", rate)], HEALTH, ledger(*OLD), loads("1"), rules="r")
    rows = rows_between(settings)
    assert [(row["before_minor"], row["after_minor"], row["causes"], row["objects"]) for row in rows] == [
        (1100, 1200, ["exchange_rate"], [])
    ] * 2


def test_a_number_that_is_not_kept_is_refused_with_those_that_are(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke(["revenue", "diff", "--against", "99", "--json"]) == 2
    assert "there is no snapshot 99. Kept are 1." in capsys.readouterr().err
    assert invoke(["revenue", "diff", "--json"]) == 2
    assert "--against SNAPSHOT" in capsys.readouterr().err
    assert invoke(["revenue", "mrr", "--against", "1", "--json"]) == 2
    capsys.readouterr()
    assert invoke(["revenue", "diff", "--against", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["report"], answer["against"], answer["has_other_rules"], answer["rows"]) == ("diff", 1, False, [])


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["rows"]
    return found
