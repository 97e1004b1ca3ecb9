"""The demo, as a stranger runs it: the whole job, the same numbers again, real data left alone."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.building import newest
from tests.warm import millstream

# Two whole demos, one after the other; what they consist of is tested room by room over the small business.
pytestmark = pytest.mark.long


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return millstream("demo", "--once", "--json", *options, env={"MILLSTREAM_DATA_DIR": str(folder)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo") / "data"
    done = demo(folder, "--customers", "60", "--months", "4", "--until", "2026-11-24")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_whole_job_runs_and_agrees_with_stripe_and_with_the_truth(
    made: tuple[Path, dict[str, Any]],
) -> None:
    folder, summary = made
    assert summary["unexplained_minor"] == 0
    truth = json.loads((folder / "business" / "truth.json").read_text())
    assert summary["customers"] == truth["paying_customers"] > 0
    assert summary["mrr_minor"] > 0


def test_each_person_of_the_audience_has_one_mail_in_the_outbox(made: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = made
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in (folder / "outbox").rglob("*.eml")
    ]
    recipients = [str(mail["To"]).lower() for mail in mails]
    assert len(recipients) == len(set(recipients)) == summary["campaign"]["accepted"] > 0
    for mail in mails:
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "{{" not in mail.as_string()


def test_the_past_campaigns_stand_in_the_ledger_with_their_holdout(made: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = made
    told = json.loads((folder / "business" / "truth.json").read_text())["campaigns"]
    assert told
    for name, people in told.items():
        done = millstream("campaign", "report", name, "--json", env={"MILLSTREAM_DATA_DIR": str(folder)})
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["audience"] == people["audience"]
        assert report["states"]["holdout"] == people["held_out"]
        assert report["accepted"] == people["treated"]
        assert (report["duplicates"], report["missing"]) == (0, 0)
        conversion, times = report["conversion"], report["goal"]
        assert (times["event"], times["within"], times["is_over"]) == ("stripe:invoice_paid", "14d", True)
        assert conversion["treated"]["converted"] == people["converted_treated"]
        assert conversion["holdout"]["converted"] == people["converted_held_out"]
        low, high = conversion["interval"]
        assert low <= people["converted_by_mail"] / people["treated"] <= high
        money = report["revenue"]["treated"]
        assert money["net_minor"] == money["gross_minor"] - money["discounts_minor"] - money["refunds_minor"]
        assert (money["net_minor"] > 0) == (people["converted_treated"] > 0)
    assert "field-guide-launch" in told


def test_a_second_call_reuses_the_data_gives_the_same_numbers_and_mails_nobody(
    made: tuple[Path, dict[str, Any]],
) -> None:
    folder, summary = made
    mails = sorted((folder / "outbox").rglob("*.eml"))
    done = demo(folder)
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert "reused" in done.stderr
    changing = {"snapshot", "campaign"}
    assert {k: v for k, v in again.items() if k not in changing} == {
        k: v for k, v in summary.items() if k not in changing
    }
    assert again["campaign"]["certificate"] == summary["campaign"]["certificate"]
    assert sorted((folder / "outbox").rglob("*.eml")) == mails


def test_the_planted_funnel_is_found(made: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = made
    funnel = json.loads((folder / "business" / "truth.json").read_text())["funnel"]
    steps = [word for step in funnel["steps"] for word in ("--step", step["event"])]
    done = millstream("funnel", *steps, "--window", "14d", "--json", env={"MILLSTREAM_DATA_DIR": str(folder)})
    assert done.returncode == 0, done.stderr
    assert [step["users"] for step in json.loads(done.stdout)["steps"]] == funnel["people"]
    files = str(folder / "business" / "events")
    scratch = millstream("funnel", *steps, "--window", "14d", "--json", "--events", files)
    assert json.loads(scratch.stdout)["steps"] == json.loads(done.stdout)["steps"]


def test_the_run_stands_in_dagsters_own_record(
    made: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    folder, _ = made
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name="pipeline"))
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        assert instance.get_latest_materialization_event(dg.AssetKey(["published", "snapshot"])) is not None


def test_a_folder_with_other_data_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_another_story_in_a_demo_folder_is_refused(made: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = made
    before = newest(folder).number
    done = demo(folder, "--seed", "8")
    assert done.returncode == 1
    assert "seed = 7" in done.stderr
    assert newest(folder).number == before
