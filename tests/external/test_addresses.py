"""Addresses that another project collected: a bad one is set aside with a reason and never sent; the run goes on."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.campaigns import approve, parse_campaign, save
from pipelines.cli import invoke
from pipelines.delivery import report, send
from pipelines.mail import Outbox
from pipelines.privacy import ConsentRow, address_key, import_consents, parse_address
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.delivery.ready import HTML
from tests.segments.people import NOW, person, publish_people


@pytest.fixture(scope="module")
def cases(material: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((material / "email" / "addresses_basic.json").read_text())["cases"]
    return found


def is_space_around(case: dict[str, Any]) -> bool:
    """Around an address space is nobody's fault: we cut it off before we look."""
    return bool(case["address"].strip() != case["address"])


def test_a_campaign_mails_the_good_ones_and_tells_why_not_the_others(
    settings: Settings, cases: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", "Mill Lane 1, Ely")
    settings = Settings()
    engine = open_state(settings)
    people = [person(n, email=case["address"], payments_count=1) for n, case in enumerate(cases)]
    publish_people(settings, [*people, person(900, email="last@example.com")])
    good = [case["address"] for case in cases if case["valid"]]
    spaced = [case["address"].strip() for case in cases if is_space_around(case)]
    rows = [ConsentRow(n, one, "form", NOW) for n, one in enumerate([*good, *spaced, "last@example.com"])]
    assert import_consents(engine, rows, NOW).bad == []
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    document = {"name": "all", "segment": "everybody", "subject": "Hi", "html": HTML}
    save(engine, parse_campaign(yaml.safe_dump(document), settings.data_dir), NOW)
    approve(engine, settings, "all", NOW, user="ann")
    send(settings, "all", lambda: NOW)
    found = report(engine, "all", Outbox(settings.outbox_dir))
    bad = [case for case in cases if not case["valid"] and not is_space_around(case)]
    assert (found["state"], found["missing"], found["duplicates"]) == ("sent", 0, 0)
    assert found["reasons"] == {"invalid_address": len(bad)}
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in settings.outbox_dir.rglob("*.eml")
    ]
    expected = {parse_address(one).deliverable for one in [*good, *spaced, "last@example.com"]}
    assert {str(mail["To"].addresses[0].addr_spec) for mail in mails} == expected


def test_a_file_of_them_is_read_to_its_end(
    settings: Settings, cases: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(
        "".join(json.dumps({"email": case["address"], "source": "form", "at": "2026-01-01"}) + "\n" for case in cases)
    )
    for command, good_ones in (("consent", "granted"), ("suppression", "added")):
        assert invoke([command, "import", str(file), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        wrong = {n for n, case in enumerate(cases, 1) if not case["valid"] and not is_space_around(case)}
        assert {one["line"] for one in told["bad_lines"]} == wrong
        assert all(one["reason"] for one in told["bad_lines"])
        keys = {address_key(case["address"]) for n, case in enumerate(cases, 1) if n not in wrong}
        assert told[good_ones] + told["unchanged"] == len(cases) - len(wrong)
        assert told[good_ones] == len(keys)
