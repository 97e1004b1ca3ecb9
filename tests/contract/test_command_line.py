"""The command line's promises: one JSON document, exit codes, errors that help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.settings import Settings


class Said:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def millstream(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = invoke(list(arguments))
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


@pytest.fixture
def of_built(built_folder: Path, monkeypatch: pytest.MonkeyPatch, millstream: Any) -> Any:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    return millstream


def test_ingest_answers_with_the_fields_of_the_contract(millstream: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"user": "u", "event": "e", "timestamp": "2026-01-01"}\n{"torn\n')
    said = millstream("ingest", "events", str(path), "--json")
    assert said.code == 0
    assert set(said.document) == {
        "files", "read", "loaded", "duplicates", "unchanged", "unknown", "quarantined", "seconds", "by_object",
    }  # fmt: skip
    assert (said.document["read"], said.document["loaded"], said.document["quarantined"]) == (2, 1, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "events", "nowhere.jsonl"],
        ["ingest", "events"],
        ["ingest", "stripe", "dump.jsonl"],
        ["ingest", "stripe", "--from", "nowhere.jsonl"],
        ["funnel", "--step", "only one"],
        ["revenue", "weather"],
        ["ingest", "events", "pyproject.toml", "--timezone", "localtime"],
        ["ingest", "events", "pyproject.toml", "--timezone", "Europe"],
        ["segment", "show", "nobody"],
        ["campaign", "send", "nothing"],
        ["build", "--select", "moon"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_exit_2_with_a_reason_and_no_trace(millstream: Any, arguments: list[str]) -> None:
    said = millstream(*arguments)
    assert said.code == 2, said.err
    assert said.err.strip()
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (["ingest", "stripe"], "STRIPE_API_KEY"),
        (["revenue", "mrr"], "millstream run"),
        (["funnel", "--step", "a", "--step", "b"], "millstream run"),
    ],
    ids=["no key", "no snapshot", "no events"],
)
def test_what_can_not_work_yet_is_exit_1_and_names_the_way_out(
    millstream: Any, arguments: list[str], way_out: str
) -> None:
    said = millstream(*arguments)
    assert said.code == 1
    assert way_out in said.err
    assert said.err.count("\n") == 1


def test_a_setting_that_can_not_be_meant_is_named_without_its_value(
    millstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLSTREAM_REPORTING_TIMEZONE", "Mars/Olympus")
    said = millstream("ingest", "stripe")
    assert said.code == 2
    assert "MILLSTREAM_REPORTING_TIMEZONE" in said.err


@pytest.mark.parametrize("command", [["revenue", "mrr"], ["explain", "mrr", "--at", "2026-11-23"]], ids=" ".join)
def test_a_profile_is_answered_by_its_name_and_an_unknown_one_is_refused_with_those_that_there_are(
    of_built: Any, command: list[str]
) -> None:
    assert of_built(*command, "--profile", "chartmogul", "--json").document["profile"] == "chartmogul"
    said = of_built(*command, "--profile", "accountant")
    assert said.code == 2
    assert "stripe, chartmogul, profitwell" in said.err


@pytest.mark.parametrize("report", ["mrr", "movements", "churn", "cash"])
def test_a_revenue_answer_has_the_frame_and_fields_of_the_contract(of_built: Any, report: str) -> None:
    document = of_built("revenue", report, "--json").document
    assert set(document) == {
        "report",
        "profile",
        "currency",
        "timezone",
        "snapshot",
        "as_of",
        "unconverted",
        "rows",
    }
    row = document["rows"][-1]
    fields = {
        "mrr": {"mrr_minor", "arr_minor", "customers"},
        "movements": {
            "opening_minor", "new_minor", "expansion_minor", "contraction_minor", "churn_minor", "reactivation_minor",
            "fx_minor", "closing_minor", "new_customers", "churned_customers", "reactivated_customers",
        },
        "churn": {
            "customer_churn_rate_calendar", "customer_churn_rate_rolling_30d", "gross_mrr_churn_rate", "net_mrr_churn_rate",
            "voluntary_mrr_minor", "involuntary_mrr_minor",
        },
        "cash": {"gross_minor", "tax_minor", "refunds_minor", "disputes_minor", "fees_minor", "net_minor"},
    }[report]  # fmt: skip
    assert set(row) == {"period", "currency", *fields}
    assert len(document["rows"]) == 13


@pytest.mark.parametrize("currency", ["XYZ", "own"])
def test_a_currency_without_rates_is_refused_and_not_answered_with_zero(of_built: Any, currency: str) -> None:
    said = of_built("revenue", "mrr", "--currency", currency)
    assert said.code == 2
    assert "--currency" in said.err


def test_native_keeps_each_currency_of_the_business(of_built: Any) -> None:
    document = of_built("revenue", "cash", "--currency", "native", "--json").document
    assert (document["currency"], document["unconverted"]) == ("native", [])
    assert {row["currency"] for row in document["rows"]} == {"EUR", "JPY", "USD"}
    assert {row["settlement_currency"] for row in document["rows"]} == {"EUR", "JPY", "USD"}


def test_text_is_for_people_and_json_is_one_document(of_built: Any) -> None:
    text = of_built("revenue", "mrr")
    assert text.code == 0
    assert "mrr" in text.out
    assert "$" in text.out
    assert of_built("version", "--json").document["millstream"]


def test_a_full_disk_is_told_in_a_sentence(millstream: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import errno

    from pipelines.landing import Landing

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Landing, "add_file", full)
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n")
    said = millstream("ingest", "events", str(path))
    assert said.code == 1
    assert "the disk is full" in said.err
