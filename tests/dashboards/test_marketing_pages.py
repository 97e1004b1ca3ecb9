"""The pages of segments and campaigns: what they may do, and what they must not."""

from __future__ import annotations

import base64
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from dashboards.parts import campaign_actions
from dashboards.parts.mail_preview import frame_address
from dashboards.queries.rules import groups_of, has_inputs, in_words, match_of
from dashboards.queries.segments import guess
from pipelines.campaigns import occurrences_of, parse_campaign, save, show
from pipelines.delivery import at_work, report, start
from pipelines.errors import MillstreamError
from pipelines.mail import mailer_for
from pipelines.segments import ONE_IN, Field, history, load, materialise, parse_segment, people_count, preview
from pipelines.segments import save as save_segment
from pipelines.state import open_state
from tests.dashboards.places import CAMPAIGN, NOW, settings_of
from tests.dashboards.reading import words

_HTML = "<p>Hello</p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"


@pytest.fixture
def folder(filled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy with a draft, and the settings of its campaign for whoever is started."""
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    settings = settings_of(folder)
    monkeypatch.setenv("MILLSTREAM_CONSENT", settings.consent)
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", settings.postal_address)
    document = {"name": "second", "segment": "everybody", "subject": "Hi", "html": _HTML}
    save(open_state(settings), parse_campaign(yaml.safe_dump(document), folder), NOW)
    return folder


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return app.run()


@pytest.mark.parametrize(
    "match",
    [
        {"all": [{"trait": {"field": "plan", "op": "is_set"}}, {"not": {"segment": "x"}}]},
        {"any": [{"all": [{"event": {"name": "a"}}]}, {"all": [{"email": {"event": "click"}}]}]},
    ],
)
def test_a_drawn_rule_is_the_rule(match):
    groups = groups_of(match)
    assert groups is not None
    assert match_of(groups) == match


FIELDS = {
    "plan": Field("plan", "text", ""),
    "mrr": Field("mrr", "money", ""),
    "first_seen_at": Field("first_seen_at", "moment", ""),
}


@pytest.mark.parametrize(
    "condition",
    [
        {"event": {"name": "a", "where": [{"property": "p", "op": "is_set"}]}},
        {"event": {"name": "a", "which": "first", "within": "3d"}},
        {"not": {"trait": {"field": "plan", "op": "is_set"}}},
        {"any": [{"segment": "x"}]},
        {"campaign": {"name": "spring", "state": ["opened", "clicked"]}},
        {"percent": {"from": 20, "to": 40, "salt": "x"}},
        {"rfm": {"recency": {"op": "eq", "value": 5}}},
        {"trait": {"field": "first_seen_at", "op": "gt", "value": "30d ago"}},
        {"trait": {"field": "gone", "op": "is_set"}},
    ],
)
def test_what_has_no_inputs_is_said_in_words_and_kept(condition):
    assert not has_inputs(condition, FIELDS)
    assert in_words(condition)
    groups = groups_of({"all": [condition]})
    assert groups is not None
    assert match_of(groups) == {"all": [condition]}


@pytest.mark.parametrize(
    "condition",
    [
        {"event": {"name": "a", "count": {"op": "gte", "value": 2}, "within": "3d"}},
        {"email": {"event": "click"}},
        {"campaign": {"name": "any", "state": "holdout"}},
        {"percent": {"of": 20, "salt": "x"}},
        {"not": {"segment": "x"}},
        {"trait": {"field": "first_seen_at", "op": "gt", "value": "2026-01-01"}},
        {"trait": {"field": "mrr", "op": "gt", "value": 5, "currency": "USD"}},
    ],
)
def test_what_the_builder_can_say_it_draws(condition):
    assert has_inputs(condition, FIELDS)


def test_no_groups_are_left_to_the_text():
    assert groups_of({"any": []}) is None


def test_a_rule_that_the_builder_draws_in_part_is_kept_whole(open_page, folder):
    engine = open_state(settings_of(folder))
    text = """
name: mixed
match:
  all:
    - trait: {field: email, op: is_set}
    - percent: {of: 50, salt: half}
    - campaign: {name: any, state: accepted}
    - event: {name: Home, where: [{property: path, op: is_set}], from: 2026-01-01}
    - rfm: {recency: {op: gte, value: 1}}
"""
    rule = parse_segment(text)
    save_segment(engine, rule, NOW)
    app = open_page(folder, "segments", {"segment": "mixed"})
    assert not app.exception
    assert 'who did "Home" (whose path is known) from 2026-01-01 on' in "".join(
        one.value.replace("\\", "") for one in app.markdown
    )
    press(app, "Save segment")
    assert load(engine, "mixed").content_hash() == rule.content_hash()


def test_the_gallery_begins_a_segment_that_is_saved_by_nobody_yet(open_page, folder):
    app = open_page(folder, "segments")
    app = app.button(key="ready-trial_ending").click().run()
    assert not app.exception
    assert "whose trial ends at is not after 7 days from now" in words(app)
    app = press(app, "Save segment")
    assert load(open_state(settings_of(folder)), "trial_ending").description.startswith("Whose trial")


def test_among_many_people_an_estimate_comes_first(open_page, folder, snapshot, monkeypatch):
    rule = parse_segment("name: x\nmatch: {trait: {field: email, op: is_set}}")
    assert guess(settings_of(folder), snapshot, rule) is None
    monkeypatch.setattr("dashboards.queries.segments.MANY", 0)
    shown = []
    monkeypatch.setattr("dashboards.parts.segment_editor.guessed", lambda size, people, _: shown.append((size, people)))
    app = open_page(folder, "segments")
    assert not app.exception
    ((size, people),) = shown
    assert size % ONE_IN == 0
    assert people == people_count(snapshot)
    assert 'data-figure="People"' in words(app)


def test_a_segment_tells_who_came_and_went_and_what_it_shares(open_page, folder, snapshot):
    engine = open_state(settings_of(folder))
    save_segment(engine, parse_segment("name: half\nmatch: {percent: {of: 50, salt: x}}"), NOW)
    materialise(engine, snapshot, NOW - timedelta(days=9))
    save_segment(engine, parse_segment("name: half\nmatch: {percent: {of: 30, salt: x}}"), NOW)
    materialise(engine, snapshot, NOW)
    app = open_page(folder, "segments", {"segment": "half"})
    assert not app.exception
    told = history(engine, "half")
    assert [row["left"] for row in told] == [0, told[0]["members"] - told[1]["members"]]
    assert f">{told[1]['left']}<" in words(app)
    assert "Overlap of segments" in words(app)


def test_a_saved_segment_is_opened_with_the_size_that_the_command_tells(open_page, folder, snapshot):
    engine = open_state(settings_of(folder))
    rule = parse_segment("name: known\nmatch: {all: [{trait: {field: first_name, op: is_set}}]}")
    save_segment(engine, rule, NOW)
    app = open_page(folder, "segments", {"segment": "known"})
    assert not app.exception
    assert 'data-figure="People"' in words(app)
    assert f">{preview(snapshot, rule)['size']}<" in words(app)
    assert "Everybody whose first name is known." in words(app)


def test_a_rule_that_can_not_be_meant_is_told_by_its_path_and_not_saved(open_page, folder):
    app = open_page(folder, "segments")
    app.toggle[0].set_value(True).run()
    app.text_area[0].set_value("all:\n- event: {name: x, count: {op: is}}")
    next(box for box in app.text_input if box.label == "Name").set_value("broken").run()
    app = press(app, "Save segment")
    assert "match.all[0].event.count.op" in app.warning[0].value.replace("\\", "")
    assert "broken" not in app.selectbox(key="segment").options


def test_a_send_to_many_needs_their_number_typed(open_page, folder, monkeypatch):
    monkeypatch.setattr(campaign_actions, "CONFIRMED_ABOVE", 3)
    app = press(open_page(folder, "campaigns", {"campaign": "second"}), "Approve")
    send = next(button for button in app.button if button.label.startswith("Send to"))
    number = send.label.split()[2]
    assert int(number) > 3
    assert send.disabled
    app.text_input(key="confirm").set_value("3").run()
    assert next(button for button in app.button if button.key == "send").disabled
    app.text_input(key="confirm").set_value(number).run()
    assert not next(button for button in app.button if button.key == "send").disabled


def test_a_refusal_of_the_room_is_shown_and_changes_nothing(open_page, folder, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_POSTAL_ADDRESS", "")
    app = press(open_page(folder, "campaigns", {"campaign": "second"}), "Approve")
    assert "postal address" in app.error[0].value
    assert show(open_state(settings_of(folder)), "second")["state"] == "draft"


def test_a_sender_that_a_page_started_is_refused_and_heeded_as_the_command_is(folder):
    settings = settings_of(folder)
    with pytest.raises(MillstreamError, match="draft"):
        start(settings, "second")
    start(settings, CAMPAIGN)  # It is sent already: nothing is left to do.
    end = time.monotonic() + 60
    log = settings.logs_dir / f"send-{CAMPAIGN}.log"
    while "This call" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert "This call: 0 mails accepted." in log.read_text()
    assert not at_work(settings)
    assert report(open_state(settings), CAMPAIGN, mailer_for(settings))["duplicates"] == 0


def test_a_mail_is_framed_with_its_policy_before_its_own_words():
    shown = base64.b64decode(frame_address("<script>alert(1)</script>").removeprefix("data:text/html;base64,")).decode()
    assert shown.index("default-src 'none'") < shown.index("<script>")


def test_an_approved_campaign_is_given_its_time_on_the_page_and_taken_back(folder, open_page):
    app = press(open_page(folder, "campaigns", {"campaign": "second"}), "Approve")
    app.text_input(key="schedule-at").input("2030-11-27T09:00").run()
    app.selectbox(key="schedule-zone").select("Europe/Berlin").run()
    app = press(app, "Schedule for this time")
    engine = open_state(settings_of(folder))
    assert show(engine, "second")["state"] == "scheduled"
    assert [(one["occurrence"], one["state"]) for one in occurrences_of(engine, "second")] == [
        ("2030-11-27T08:00Z", "waiting")
    ]
    assert "Due at 08:00, 27 Nov (UTC). Whom it goes to is settled then." in words(app)
    press(app, "Cancel")
    assert show(engine, "second")["state"] == "cancelled"
    assert [one["state"] for one in occurrences_of(engine, "second")] == ["cancelled"]


def test_a_draft_is_judged_tried_changed_and_taken_away_on_its_page(open_page, folder):
    app = open_page(folder, "campaigns", {"campaign": "second"})
    assert "there is none of its own; it is made from the HTML" in words(app)
    box = next(box for box in app.text_input if box.label == "Send a test to")
    box.set_value("me@example.com")
    app = press(app, "Send a test")
    assert "accepted" in app.info[0].value
    (mail,) = (settings_of(folder).outbox_dir / "second.test").iterdir()
    assert "[TEST] Hi" in mail.read_text()
    edited = [box for box in app.text_input if box.label == "Subject" and box.value == "Hi"]
    edited[0].set_value("Hi again")
    app = press(app, "Save the changes")
    engine = open_state(settings_of(folder))
    assert show(engine, "second")["document"]["subject"] == "Hi again"
    assert show(engine, "second")["html"] == _HTML
    next(box for box in app.text_input if box.label == "Name of the copy").set_value("third")
    app = press(app, "Copy")
    assert show(engine, "third")["html"] == _HTML
    app = open_page(folder, "campaigns", {"campaign": "second"})
    app.checkbox(key="sure-second").set_value(True).run()
    press(app, "Delete")
    with pytest.raises(MillstreamError, match="no campaign"):
        show(engine, "second")


def test_a_sequence_tells_the_subjects_of_its_steps(folder, open_page):
    steps = [{"name": f"s{n}", "wait": f"{n}d", "subject": f"Mail {n}", "html": _HTML} for n in range(2)]
    told = {"name": "sequence", "segment": "everybody", "trigger": {"on": "segment_entry"}, "steps": steps}
    save(open_state(settings_of(folder)), parse_campaign(yaml.safe_dump(told), folder), NOW)
    app = open_page(folder, "campaigns", {"campaign": "sequence"})
    assert "Mail 0 / Mail 1 · segment everybody" in words(app)
