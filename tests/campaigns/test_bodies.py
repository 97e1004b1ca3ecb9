"""A campaign holds several mails: each variant and each step may have its own subject, preheader and body."""

from __future__ import annotations

import pytest

from pipelines.campaigns import RenderError, Templates, approve, load, save, show, stored
from pipelines.errors import UsageError
from tests.campaigns.test_documents import BASE, HTML, content, everybody, text_of
from tests.segments.people import NOW

__all__ = ["everybody"]
FOOT = "<a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"
VARIANTS = [
    {"name": "A"},
    {"name": "B", "subject": "B for {{ plan }}", "html": f"<p>B {{{{ country }}}}</p>{FOOT}", "preheader": "Only B"},
    {"name": "C", "text": "C {{ unsubscribe_url }} {{ postal_address }}"},
]
STEPS = [
    {"name": "first", "subject": "One", "html": f"<p>One {{{{ plan }}}}</p>{FOOT}"},
    {"name": "second", "wait": "3d", "subject": "Two", "body": "two.html", "preheader": "Second thoughts"},
]
SEQUENCE = {**dict.fromkeys(("html", "subject")), "steps": STEPS, "trigger": {"on": "segment_entry"}}


@pytest.fixture
def sequences(tmp_path):
    (tmp_path / "two.html").write_text(f"<p>Two</p>{FOOT}")


def mails(found, traits, names, **more):
    made = Templates(found)
    return {
        name: made.render(traits, variant=name, unsubscribe_url="http://x/u/t", postal_address="Mill Lane", **more)
        for name in names
    }


def test_a_variant_has_its_own_mail_or_that_of_the_campaign(tmp_path):
    found = content(tmp_path, preheader="For all", variants=VARIANTS)
    made = mails(found, {"first_name": "Ann", "plan": "pro", "country": "DE"}, "ABC")
    assert [made[name].subject for name in "ABC"] == ["Hello", "B for pro", "Hello"]
    assert ["Hi Ann" in made[name].html for name in "ABC"] == [True, False, True]
    assert "B DE" in made["B"].html
    assert "B DE" in made["B"].text
    assert made["C"].text == "C http://x/u/t Mill Lane"
    assert [("For all" in made[name].html, "Only B" in made[name].html) for name in "ABC"] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_what_any_mail_of_a_campaign_uses_is_asked_of_everybody(tmp_path):
    assert Templates(content(tmp_path, variants=VARIANTS)).traits() == ["country", "first_name", "plan"]


def test_bodies_come_back_from_the_store_as_they_went_in(engine, settings, tmp_path, everybody):
    saved = content(tmp_path, variants=VARIANTS, preheader="For all")
    save(engine, saved, NOW, actor="ann")
    kept = load(engine, "win-back")
    assert (kept.content_hash(), kept.canonical(), kept.bodies) == (
        saved.content_hash(),
        saved.canonical(),
        saved.bodies,
    )
    assert set(show(engine, "win-back")["bodies"]) == {"B", "C"}
    assert approve(engine, settings, "win-back", NOW, user="ann") == saved.content_hash()


@pytest.mark.parametrize("name", ["subject", "preheader", "html", "text"])
def test_an_approval_ends_when_a_variant_says_something_else(engine, settings, tmp_path, everybody, name):
    save(engine, content(tmp_path, variants=VARIANTS), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    changed = {**VARIANTS[1], name: VARIANTS[1].get(name, "{{ unsubscribe_url }} {{ postal_address }}") + " more"}
    assert save(engine, content(tmp_path, variants=[VARIANTS[0], changed, VARIANTS[2]]), NOW)
    assert show(engine, "win-back")["state"] == "draft"


def test_a_campaign_without_such_bodies_keeps_the_hash_it_was_approved_with(tmp_path):
    found = content(tmp_path)
    assert found.content_hash() == stored(found.canonical(), found.html, found.text).content_hash()
    assert found.content_hash() == "3080bedd3882cd6c143d5ab36698fea8f494895cd86b723a7a6c5e06e66ab236"


def test_a_sequence_has_a_mail_for_each_step_and_none_of_its_own(engine, tmp_path, sequences):
    save(engine, content(tmp_path, **SEQUENCE), NOW)
    (tmp_path / "two.html").unlink()
    kept = load(engine, "win-back")
    made = Templates(kept)
    assert made.names == ("first", "second")
    two = made.render({}, variant="", step="second", unsubscribe_url="http://x/u/t", postal_address="Mill Lane")
    assert (two.subject, two.text.splitlines()[0]) == ("Two", "Two")
    with pytest.raises(RenderError, match="no mail ''"):
        made.render({}, variant="", unsubscribe_url="http://x/u/t", postal_address="Mill Lane")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variants": [{"name": "A", "body": "missing.html"}]}, "variants[0].body: there is no file"),
        ({"variants": [{"name": "A", "html": "<mjml><mj-body>"}]}, "variants[0].html: this is no MJML"),
        ({"variants": [{"name": "A", "body": "x.html", "html": "x"}]}, "either 'body' (a file) or 'html'"),
        ({"steps": [STEPS[0], dict(STEPS[0])]}, "steps: a name stands twice"),
        ({"steps": STEPS, "variants": VARIANTS}, "'variants' and 'steps' do not go together"),
        ({"steps": [{"name": "x", "subject": "x"}]}, "either 'body' (a file) or 'html'"),
        ({"subject": None}, "write a 'subject'"),
        ({"subject": ""}, "write a 'subject'"),
        ({"steps": STEPS, "subject": None}, "write a 'subject'"),
    ],
)
def test_a_body_that_can_not_be_is_named_by_its_place(tmp_path, sequences, changes, words):
    with pytest.raises(UsageError) as problem:
        content(tmp_path, **changes)
    assert words in str(problem.value)


@pytest.mark.parametrize(
    "html",
    [
        HTML,
        f"<!doctype html><html><head><title>x</title></head><body class='a>b'>{HTML}</body></html>",
        f"<html><head><title>x</title></head>{HTML}</html>",
    ],
)
def test_the_preheader_is_the_first_text_of_the_mail_and_hidden(tmp_path, html):
    found = content(tmp_path, html=html, preheader="For {{ first_name | default('you') }} & <co>")
    made = mails(found, {"first_name": "<b>"}, [""])[""]
    before, _, after = made.html.partition("For &lt;b&gt; &amp; &lt;co&gt;</div>")
    assert before.endswith('">')
    assert "display:none" in before
    assert "Hi" not in before
    assert "Hi" in after
    assert "title" not in after
    assert "For" not in made.text


def test_a_preheader_is_one_line_and_nothing_where_it_is_empty(tmp_path):
    found = content(tmp_path, preheader="{{ first_name | default('') }}")
    assert "display:none" not in mails(found, {}, [""])[""].html
    assert ">a b</div>" in mails(found, {"first_name": "a\n b"}, [""])[""].html


def test_what_is_inline_is_not_stored_twice(tmp_path):
    kept = content(tmp_path, variants=VARIANTS).canonical()
    assert FOOT not in kept
    assert "Only B" in kept
    assert text_of(variants=VARIANTS).count("Leave") == kept.count("Leave") + 2
    assert BASE["subject"] in kept
