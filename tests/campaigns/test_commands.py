"""The command line of consent, segments and campaigns: exit codes, JSON and words."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import typer
from sqlalchemy import select

from pipelines.cli import campaign, consent, segment
from pipelines.errors import MillstreamError
from pipelines.state import open_state, reading
from pipelines.state.tables import audit_log
from tests.campaigns.test_documents import HTML
from tests.segments.people import person, publish_people

SEGMENT = "name: pro\nmatch: {all: [{trait: {field: plan, op: eq, value: pro}}]}\n"
CAMPAIGN = "name: win-back\nsegment: pro\nsubject: Hello\nbody: templates/mail.html\n"


@pytest.fixture
def files(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", settings.postal_address)
    folder = tmp_path / "documents"
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "mail.html").write_text(HTML)
    (folder / "pro.yaml").write_text(SEGMENT)
    (folder / "win_back.yaml").write_text(CAMPAIGN)
    lines = [{"email": f"p{n}@example.com", "source": "form", "at": "2026-01-01"} for n in range(6)]
    (folder / "consents.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "bad\n")
    return folder


@pytest.fixture
def millstream(capsys):
    """Run one command: its exit code, what it printed on stdout (read as JSON with --json) and on stderr."""
    app = typer.Typer()
    for module in (segment, campaign, consent):
        module.register(app)

    def run(*words):
        code = 0
        try:
            typer.main.get_command(app).main(args=[str(word) for word in words], prog_name="millstream")
        except SystemExit as ending:
            code = int(ending.code or 0)
        except MillstreamError as problem:
            code = problem.exit_code
        out = capsys.readouterr().out
        return code, json.loads(out) if "--json" in words and out else out

    return run


@pytest.fixture
def people(settings):
    return publish_people(settings, [person(n, plan="pro" if n % 2 else "basic") for n in range(10)])


def test_the_whole_way_from_a_file_to_a_certificate(millstream, files, people, settings):
    code, answer = millstream("consent", "import", files / "consents.jsonl", "--json")
    assert code == 0
    assert {key: answer[key] for key in ("read", "granted", "unchanged", "bad")} == {
        "read": 7,
        "granted": 6,
        "unchanged": 0,
        "bad": 1,
    }
    assert millstream("segment", "save", files / "pro.yaml", "--json")[1]["changed"] is True
    code, answer = millstream("segment", "preview", "pro", "--json")
    assert {"size", "sample", "loss_by_rule", "as_of", "snapshot"} <= set(answer)
    assert (answer["size"], answer["people"]) == (5, 10)
    assert (answer["mailable"], answer["not_mailable"]) == (3, {"no_consent": 2})
    assert millstream("segment", "members", "pro", "--json")[1]["members"][0] == "p0001"
    assert millstream("campaign", "save", files / "win_back.yaml", "--json")[1]["state"] == "draft"
    assert millstream("campaign", "send", "win-back")[0] == 1
    code, answer = millstream("campaign", "approve", "win-back", "--as", "ann", "--json")
    assert (code, answer["state"], answer["approved_by"]) == (0, "approved", "ann")
    code, answer = millstream("campaign", "send", "win-back", "--json")
    assert (code, answer["state"], answer["accepted"]) == (0, "sent", 3)
    assert answer["certificate"] == "audience 5 = accepted 3 + ambiguous 0 + excluded 2, duplicates 0, missing 0"
    code, again = millstream("campaign", "send", "win-back", "--json")
    assert (code, again["this_call"]["accepted"], again["accepted"]) == (0, 0, 3)
    assert len(list(settings.outbox_dir.rglob("*.eml"))) == 3
    code, answer = millstream("campaign", "report", "win-back", "--json")
    assert (answer["duplicates"], answer["missing"], answer["ambiguous"]) == (0, 0, 0)
    named = millstream("campaign", "report", "win-back", "--recipients", "--json")[1].pop("recipients")
    assert Counter(one["state"] for one in named) == {name: n for name, n in answer["states"].items() if n}
    assert "email" not in named[0]
    assert [row["state"] for row in millstream("campaign", "list", "--json")[1]["campaigns"]] == ["sent"]


def test_a_document_comes_out_as_it_went_in(millstream, files, people):
    millstream("segment", "save", files / "pro.yaml")
    shown = millstream("segment", "show", "pro")[1]
    (files / "again.yaml").write_text(shown)
    assert millstream("segment", "save", files / "again.yaml", "--json")[1]["changed"] is False


def test_a_document_is_previewed_before_it_is_saved(millstream, files, people):
    code, answer = millstream("segment", "preview", files / "pro.yaml", "--json")
    assert (code, answer["size"]) == (0, 5)


def test_an_export_is_the_document_or_its_people_as_a_table_that_runs_no_formula(millstream, files, settings):
    publish_people(settings, [person(1, plan="pro", name="=HYPERLINK(1)", country="DE"), person(2, plan="basic")])
    millstream("segment", "save", files / "pro.yaml")
    assert millstream("segment", "export", "pro") == millstream("segment", "show", "pro")
    code, told = millstream("segment", "export", "pro", "--members")
    assert code == 0
    assert told.splitlines() == [
        "person_id,email,name,country,subscription_status,plan,mrr_minor,mrr_currency,entered_at",
        "p0001,p1@example.com,'=HYPERLINK(1),DE,,pro,0,,",
    ]
    code, answer = millstream("segment", "export", "pro", "--members", "--json")
    assert [row["person_id"] for row in answer["members"]] == ["p0001"]
    with reading(open_state(settings)) as connection:
        told = connection.execute(select(audit_log.c.subject).where(audit_log.c.action == "segment.export")).all()
    assert [row.subject for row in told] == ["pro", "pro"]


def test_overlap_counts_what_segments_share(millstream, files, people):
    low = "name: low\nmatch: {trait: {field: email, op: in, value: [p1@example.com, p2@example.com]}}\n"
    (files / "low.yaml").write_text(low)
    millstream("segment", "save", files / "pro.yaml")
    code, answer = millstream("segment", "overlap", "pro", files / "low.yaml", "--json")
    assert code == 0
    pair = {"first": "pro", "second": "low", "both": 1, "only_first": 4, "only_second": 1}
    assert answer["pairs"] == [pair]
    assert (answer["in_all"], answer["in_any"]) == (1, 6)


def test_a_mail_is_shown_as_a_chosen_person_reads_it(millstream, files, people):
    for words in (("consent", "import", files / "consents.jsonl"), ("segment", "save", files / "pro.yaml")):
        millstream(*words)
    millstream("campaign", "save", files / "win_back.yaml")
    for who in ("p0003", "p3@example.com"):
        code, answer = millstream("campaign", "preview", "win-back", "--person", who, "--json")
        assert (code, answer["mail"]["person_id"], answer["mail"]["state"]) == (0, "p0003", "planned")
    code, answer = millstream("campaign", "preview", "win-back", "--person", "p0009", "--json")
    assert (answer["mail"]["state"], answer["mail"]["reason"]) == ("suppressed", "no_consent")
    assert millstream("campaign", "preview", "win-back", "--person", "p0002")[0] == 2


def test_a_campaign_is_tried_copied_and_taken_away_by_commands(millstream, files, people, settings):
    for words in (("consent", "import", files / "consents.jsonl"), ("segment", "save", files / "pro.yaml")):
        millstream(*words)
    millstream("campaign", "save", files / "win_back.yaml")
    code, answer = millstream("campaign", "preview", "win-back", "--json")
    assert {(one["level"], one["code"]) for one in answer["findings"]} == {
        ("warns", "no_text_part"),
        ("warns", "preheader_missing"),
    }
    code, answer = millstream("campaign", "test", "win-back", "--to", "me@example.com", "--person", "p0003", "--json")
    assert (code, answer["mails"][0]["outcome"]) == (0, "accepted")
    assert "[TEST] Hello" in next(settings.outbox_dir.rglob("*.eml")).read_text()
    code, answer = millstream("campaign", "copy", "win-back", "second", "--json")
    assert (code, answer["name"], answer["state"]) == (0, "second", "draft")
    assert millstream("campaign", "copy", "win-back", "second")[0] == 1
    assert millstream("campaign", "delete", "second", "--json") == (0, {"name": "second", "deleted": True})
    assert [one["code"] for one in millstream("campaign", "approve", "win-back", "--json")[1]["findings"]] == [
        "no_text_part",
        "preheader_missing",
    ]
    millstream("campaign", "send", "win-back")
    assert millstream("campaign", "delete", "win-back")[0] == 1


def test_fields_lists_what_a_rule_may_name(millstream, files, people):
    listed = {row["field"]: row["kind"] for row in millstream("segment", "fields", "--json")[1]["fields"]}
    assert {"email", "first_name", "country", "subscription_status", "mrr", "plan"} <= set(listed)
    assert listed["mrr"] == "money"


@pytest.mark.parametrize(
    "words",
    [
        ("consent", "import", "missing.jsonl"),
        ("segment", "save", "missing.yaml"),
        ("segment", "show", "nobody"),
        ("segment", "members", "nobody"),
        ("segment", "export", "nobody", "--members"),
        ("segment", "overlap", "pro", "nobody"),
        ("segment", "overlap", "pro"),
        ("segment", "preview", "nobody", "--as-of", "2026-05-01"),
        ("segment", "members", "pro", "--as-of", "yesterday"),
        ("segment", "members", "pro", "--as-of", "2026-05-01"),
        ("campaign", "save", "missing.yaml"),
        ("campaign", "show", "nobody"),
        ("campaign", "preview", "nobody"),
        ("campaign", "approve", "nobody"),
        ("campaign", "send", "nobody"),
        ("campaign", "report", "nobody"),
        ("campaign", "cancel", "nobody"),
        ("campaign", "send"),
        ("campaign", "test", "nobody", "--to", "me@example.com"),
        ("campaign", "test", "nobody"),
        ("campaign", "copy", "nobody", "other"),
        ("campaign", "copy", "nobody"),
        ("campaign", "delete", "nobody"),
    ],
)
def test_a_wrong_call_exits_with_two(millstream, files, people, words):
    millstream("segment", "save", files / "pro.yaml")
    assert millstream(*words)[0] == 2


@pytest.mark.parametrize("words", [("segment", "preview", "pro"), ("segment", "fields"), ("campaign", "preview", "x")])
def test_before_the_first_publish_the_answer_is_that_nothing_is_published(millstream, files, words):
    assert millstream("segment", "save", files / "pro.yaml")[0] == 0
    assert millstream(*words)[0] == 1


def test_text_for_people_is_printed_without_json(millstream, files, people):
    (files / "basic.yaml").write_text(SEGMENT.replace("pro", "basic"))
    for words in (
        ("consent", "import", files / "consents.jsonl"),
        ("segment", "save", files / "pro.yaml"),
        ("segment", "list"),
        ("segment", "preview", "pro"),
        ("segment", "members", "pro"),
        ("segment", "export", "pro"),
        ("segment", "overlap", "pro", files / "basic.yaml"),
        ("campaign", "save", files / "win_back.yaml"),
        ("campaign", "approve", "win-back"),
        ("campaign", "preview", "win-back"),
        ("campaign", "show", "win-back"),
        ("campaign", "send", "win-back"),
        ("campaign", "report", "win-back"),
        ("campaign", "list"),
    ):
        code, out = millstream(*words)
        assert code == 0, words
        assert out.strip(), words
