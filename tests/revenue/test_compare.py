"""Why profiles differ: the causes of each customer add up to the difference of the totals, with nothing left over."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.revenue import CAUSES, NATIVE, Question, compare, movements_by_group, mrr
from pipelines.warehouse import Snapshot
from tests.building import newest

ASKED: dict[str, Any] = {
    "date_from": date(2026, 3, 1), "date_to": date(2026, 11, 23), "by": "month", "timezone": "UTC",
}  # fmt: skip
PROFILES = ("stripe", "chartmogul", "profitwell")


@pytest.fixture(scope="module")
def snapshot(built_folder: Path) -> Snapshot:
    return newest(built_folder)


@pytest.mark.parametrize("currency", ["USD", "JPY", NATIVE])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_causes_add_up_to_the_difference_of_the_totals(snapshot: Snapshot, profile: str, currency: str) -> None:
    told: dict[str, Any] = compare(snapshot, Question(**ASKED, currency=currency, profile=profile))
    totals = {(row["period"], row["profile"], row["currency"]): row["mrr_minor"] for row in told["totals"]}
    explained = dict.fromkeys(totals, 0)
    for row in told["rows"]:
        assert row["profile_a"] == profile
        explained[row["period"], row["profile_b"], row["currency"]] += row["difference_minor"]
    assert explained == {
        (period, name, own): total - totals[period, profile, own] for (period, name, own), total in totals.items()
    }
    assert any(explained.values())


def test_the_totals_are_those_of_the_report_of_each_profile(snapshot: Snapshot) -> None:
    told: dict[str, Any] = compare(snapshot, Question(**ASKED, currency="USD"))
    for profile in PROFILES:
        reported: dict[str, Any] = mrr(snapshot, Question(**ASKED, currency="USD", profile=profile))
        ours = [row["mrr_minor"] for row in told["totals"] if row["profile"] == profile]
        assert ours == [row["mrr_minor"] for row in reported["rows"]]


def test_every_difference_has_a_cause_with_a_name(snapshot: Snapshot) -> None:
    told: dict[str, Any] = compare(snapshot, Question(**ASKED, currency="USD"))
    causes = {row["cause"] for row in told["rows"]}
    assert {"coupon"} <= causes <= set(CAUSES)


def test_a_customers_causes_add_up_to_what_each_profile_has_of_them(snapshot: Snapshot) -> None:
    told: dict[str, Any] = compare(snapshot, Question(**ASKED, currency=NATIVE))

    def held(profile: str) -> dict[tuple[date, str, str], int]:
        answer: dict[str, Any] = movements_by_group(
            snapshot, Question(**ASKED, currency=NATIVE, profile=profile), group="customer"
        )
        return {(row["period"], row["customer"], row["currency"]): row["closing_minor"] for row in answer["rows"]}

    ours = held("stripe")
    for name in ("chartmogul", "profitwell"):
        explained: dict[tuple[date, str, str], int] = {}
        for row in told["rows"]:
            if row["profile_b"] == name:
                key = (row["period"], row["customer"], row["currency"])
                explained[key] = explained.get(key, 0) + row["difference_minor"]
        theirs = held(name)
        assert {key: minor for key, minor in explained.items() if minor} == {
            key: theirs.get(key, 0) - ours.get(key, 0)
            for key in ours.keys() | theirs
            if theirs.get(key, 0) != ours.get(key, 0)
        }


def test_the_command_answers_with_the_fields_of_the_contract(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke(["revenue", "compare", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["report"] == "compare"
    assert {"period", "profile_a", "profile_b", "cause", "customer", "currency", "difference_minor"} <= set(
        document["rows"][0]
    )
    assert invoke(["revenue", "compare"]) == 0
    assert "MRR by profile" in capsys.readouterr().out
