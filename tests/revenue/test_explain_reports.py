"""One number of each report, put together again from the rows that `explain` lists behind it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any, get_args

import pytest

from pipelines.cli import invoke
from pipelines.revenue import kaplan_meier
from pipelines.revenue.asked import Explained
from pipelines.warehouse import Snapshot
from tests.building import newest
from tests.transform.sample_warehouse import unix

DAY = "2026-10-23"
Answer = dict[str, Any]
Ask = Callable[..., Answer]


@pytest.fixture
def ask(built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The command line over the small business."""
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))

    def run(*words: str) -> Answer:
        assert invoke([*words, "--json"]) == 0
        found: Answer = json.loads(capsys.readouterr().out)
        return found

    return run


def month(ask: Ask, report: str, currency: str) -> Answer:
    (row,) = ask("revenue", report, "--from", DAY[:8] + "01", "--to", DAY, "--currency", currency)["rows"]
    found: Answer = row
    return found


def behind(ask: Ask, report: str, currency: str) -> Answer:
    return ask("explain", report, "--at", DAY, "--currency", currency)


def sum_of(found: Answer, figure: str, **where: object) -> int:
    rows = (row for row in found["rows"] if row["figure"] == figure)
    return sum(row["amount_minor"] for row in rows if all(row[name] == value for name, value in where.items()))


def share(part: int, base: int) -> float:
    return round(float(Fraction(part, base)), 6)


IN = pytest.mark.parametrize(
    "currency", ["USD", pytest.param("EUR", marks=pytest.mark.long), pytest.param("JPY", marks=pytest.mark.long)]
)


@IN
def test_churn(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "churn", currency), month(ask, "churn", currency)
    lost = -sum_of(found, "churn_minor") - sum_of(found, "contraction_minor")
    assert lost > 0
    opening = sum_of(found, "opening_minor")
    assert share(lost, opening) == row["gross_mrr_churn_rate"]
    won = sum_of(found, "expansion_minor") + sum_of(found, "reactivation_minor")
    assert share(lost - won, opening) == row["net_mrr_churn_rate"]
    assert -sum_of(found, "churn_minor", is_involuntary=True) == row["involuntary_mrr_minor"]
    assert -sum_of(found, "churn_minor", is_involuntary=False) == row["voluntary_mrr_minor"]


@IN
def test_nrr(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "nrr", currency), month(ask, "nrr", currency)
    assert sum_of(found, "opening_minor") == row["opening_minor"] > 0
    assert sum_of(found, "retained_minor") == row["retained_minor"] > 0
    then = {one["customer_id"] for one in found["rows"] if one["figure"] == "opening_minor"}
    assert {one["customer_id"] for one in found["rows"]} == then


@IN
def test_quick_ratio(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "quick_ratio", currency), month(ask, "quick_ratio", currency)
    assert sum_of(found, "gained_minor") == row["gained_minor"] > 0
    assert sum_of(found, "lost_minor") == row["lost_minor"] > 0


@IN
def test_revenue_per_customer(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "arpa", currency), month(ask, "arpa", currency)
    customers = len({one["customer_id"] for one in found["rows"]})
    assert customers == row["customers"]
    assert round(Fraction(found["total_minor"], customers)) == row["arpa_minor"]


@IN
def test_a_customers_value(ask: Ask, currency: str) -> None:
    days = ask("revenue", "ltv", "--from", "2026-09-01", "--to", "2026-11-23", "--by", "day", "--currency", currency)[
        "rows"
    ]
    row = [one for one in days if one["ltv_minor"]][-1]
    found = ask("explain", "ltv", "--at", row["period"], "--currency", currency)
    customers = len({one["customer_id"] for one in found["rows"] if one["figure"] == "mrr_minor"})
    lost = {(one["customer_id"], one["valid_from"][:10]) for one in found["rows"] if one["figure"] == "churn_minor"}
    each = Fraction(sum_of(found, "mrr_minor"), customers)
    base = round(len(lost) / row["churn_rate_used"])
    assert share(len(lost), base) == row["churn_rate_used"]
    assert round(each * base / len(lost)) == row["ltv_minor"]


@IN
def test_cohorts(ask: Ask, currency: str) -> None:
    found = behind(ask, "cohorts", currency)
    rows = ask("revenue", "cohorts", "--from", "2026-01-01", "--to", DAY, "--currency", currency)["rows"]
    last = [row for row in rows if row["period"] == DAY[:8] + "01"]
    assert len(last) > 1
    for row in last:
        own = [one for one in found["rows"] if one["cohort"] == row["cohort"]]
        assert sum(one["amount_minor"] for one in own) == row["mrr_minor"]
        assert len({one["customer_id"] for one in own}) == row["customers"]


def test_trials(ask: Ask) -> None:
    found = ask("explain", "trials", "--at", DAY)
    (row,) = ask("revenue", "trials", "--from", DAY[:8] + "01", "--to", DAY)["rows"]
    counted = Counter(one["figure"] for one in found["rows"])
    assert (counted["ended"], counted["converted"]) == (row["ended"], row["converted"])
    assert row["converted"] > 0
    assert {one["amount_minor"] for one in found["rows"]} == {None}


@IN
def test_failed_payments(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "recovery", currency), month(ask, "recovery", currency)
    assert sum_of(found, "failed_minor") == row["failed_minor"] > 0
    assert sum_of(found, "recovered_minor") == row["recovered_minor"]
    since = {one["object_id"]: unix(one["valid_from"]) for one in found["rows"] if one["figure"] == "failed_minor"}
    waits = [
        unix(one["valid_from"]) - since[one["object_id"]] for one in found["rows"] if one["figure"] == "recovered_minor"
    ]
    assert row["median_days"] == (round(median(waits) / 86_400, 2) if waits else None)


@IN
def test_scheduled_churn(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "scheduled", currency), month(ask, "scheduled", currency)
    assert found["total_minor"] == row["scheduled_churn_minor"]
    whole = behind(ask, "mrr", currency)
    assert whole["total_minor"] - found["total_minor"] == row["contracted_minor"]
    items = {one["subscription_item_id"]: one["amount_minor"] for one in whole["rows"]}
    assert all(items[one["subscription_item_id"]] == one["amount_minor"] for one in found["rows"])


@IN
def test_deferred_revenue(ask: Ask, currency: str) -> None:
    found, row = behind(ask, "deferred", currency), month(ask, "deferred", currency)
    assert found["total_minor"] == row["deferred_minor"] > 0
    assert sum(one["amount_minor"] for one in found["rows"]) == row["deferred_minor"]


def test_survival(ask: Ask) -> None:
    found = ask("explain", "survival", "--at", DAY)
    rows = ask("revenue", "survival", "--from", found["period"]["first"], "--to", DAY)["rows"]
    steps = kaplan_meier((one["days"], one["figure"] == "ended") for one in found["rows"])
    assert [(row["day"], row["at_risk"], row["survival"]) for row in rows] == [
        (step.day, step.at_risk, round(step.survival, 6)) for step in steps
    ]


@pytest.mark.parametrize("report", get_args(Explained))
def test_every_explanation_has_its_fields_its_sql_and_what_its_rows_come_to(
    ask: Ask, built_folder: Path, report: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask("explain", report, "--at", DAY)
    fields = {"amount_minor", "cause", "rule", "object_id", "event_id", "valid_from", "valid_to"}
    assert all(fields <= row.keys() for row in found["rows"])
    assert found["period"]["last"] == DAY
    for one in found["figures"]:
        own = [row for row in found["rows"] if (row["figure"], row["currency"]) == (one["figure"], one["currency"])]
        assert len(own) == one["rows"]
        if one["amount_minor"] is not None:
            assert sum(row["amount_minor"] for row in own) == one["amount_minor"]
    snapshot: Snapshot = newest(built_folder)
    for statement in found["sql"].split(";"):
        named = {name: value for name, value in found["parameters"].items() if f"${name}" in statement}
        assert snapshot.query(statement, **named) is not None
    assert invoke(["explain", report, "--at", DAY]) == 0
    assert "checks: " in capsys.readouterr().out
