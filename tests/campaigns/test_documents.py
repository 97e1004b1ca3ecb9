"""A campaign that must not go out is refused before it is saved or approved."""

from __future__ import annotations

import pytest
import yaml

from pipelines.campaigns import Templates, approve, listing, parse_campaign, save, show
from pipelines.errors import MillstreamError, UsageError
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from tests.segments.people import NOW

HTML = "<p>Hi {{ first_name | default('there') }}</p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"
BASE = {"name": "win-back", "segment": "everybody", "subject": "Hello", "html": HTML}


def text_of(**changes):
    return yaml.safe_dump({key: value for key, value in {**BASE, **changes}.items() if value is not None})


def content(folder, **changes):
    return parse_campaign(text_of(**changes), folder)


@pytest.fixture
def everybody(engine):
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"from": {"email": "nobody"}}, "from.email: this is no e-mail address"),
        (
            {"from": {"email": "a@example.com", "name": "A\nBcc: b@x.com"}},
            "from.name: has to be one line",
        ),
        ({"name": "../outside"}, "name: does not fit"),
        ({"holdout": 1.0}, "holdout"),
        ({"variants": [{"name": "A"}, {"name": "A"}]}, "variants: a name stands twice"),
        ({"variants": [{"name": "A", "weight": 0}]}, "variants[0].weight"),
        ({"html": None}, "either 'body' (a file) or 'html'"),
        ({"body": "x.html"}, "either 'body' (a file) or 'html'"),
        ({"html": "<mjml><mj-body>"}, "html: this is no MJML"),
        ({"html": None, "body": "mail.txt"}, "body: mail.txt has to be an .mjml or .html file"),
        ({"html": None, "body": "missing.html"}, "body: there is no file"),
        ({"discount": {"percent_off": 20, "amount_off": 5}}, "discount: write either 'percent_off' or 'amount_off'"),
        ({"discount": {"amount_off": 5}}, "discount: 'amount_off' and 'currency' go together"),
        ({"discount": {"amount_off": 5.5, "currency": "JPY"}}, "discount: 'amount_off' has more decimals"),
        ({"discount": {"percent_off": 101}}, "discount.percent_off"),
        ({"schedule": {"at": "2026-11-27T09:00Z"}}, "schedule.at: write the time without a zone"),
    ],
)
def test_a_wrong_document_is_named_by_its_path(tmp_path, changes, words):
    with pytest.raises(UsageError) as problem:
        content(tmp_path, **changes)
    assert words in str(problem.value)


def test_the_body_is_found_beside_the_document_and_saved_with_it(engine, tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "mail.html").write_text(HTML)
    saved = content(tmp_path, html=None, body="templates/mail.html")
    save(engine, saved, NOW)
    (tmp_path / "templates" / "mail.html").unlink()
    assert show(engine, "win-back")["html"] == HTML


MJML = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Hi {{ first_name | default('there') }} &amp; all</mj-text>
<mj-button href="{{ unsubscribe_url }}">Leave</mj-button><mj-text>{{ postal_address }}</mj-text>
</mj-column></mj-section></mj-body></mjml>"""


def test_mjml_becomes_html_when_it_is_saved_and_links_no_other_host(engine, settings, tmp_path, everybody):
    (tmp_path / "mail.mjml").write_text(MJML)
    save(engine, content(tmp_path, html=None, body="mail.mjml"), NOW)
    kept = show(engine, "win-back")["html"]
    assert kept.startswith("<!doctype html>")
    assert "<mj-" not in kept
    assert "fonts.googleapis" not in kept
    approve(engine, settings, "win-back", NOW, user="ann")
    made = render(tmp_path, {"first_name": "<Ann>"}, html=MJML)
    assert "Hi &lt;Ann&gt; &amp; all" in made.html
    assert 'href="http://x/u/t"' in made.html
    assert "Hi <Ann> & all" in made.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": "Hi {{ frist_name }}"}, "subject: unknown variable frist_name"),
        ({"variants": [{"name": "B", "subject": "{{ x }}"}]}, "subject B: unknown variable x"),
        ({"html": HTML + "{{ secret }}"}, "html: unknown variable secret"),
        ({"text": "{{ unsubscribe_url }} {{ postal_address }} {{ y }}"}, "text: unknown variable y"),
        ({"html": "<p>{{ postal_address }}</p>"}, "html: {{ unsubscribe_url }} is missing"),
        ({"html": "<p>{{ unsubscribe_url }}</p>"}, "html: {{ postal_address }} is missing"),
        ({"text": "{{ postal_address }}"}, "text: {{ unsubscribe_url }} is missing"),
        ({"text": "{{ unsubscribe_url }}"}, "text: {{ postal_address }} is missing"),
        ({"html": HTML + "{# {{ unsubscribe_url }} #}{% if %}"}, "html: "),
        ({"html": HTML + "{{ plan | nofilter }}"}, "html: No filter named 'nofilter'"),
        ({"html": HTML + "{{ plan.__class__.__mro__ }}"}, "html: "),
        ({"html": HTML + "{% include 'x' %}"}, "html: "),
        ({"segment": "nobody"}, "segment: there is no segment 'nobody'"),
    ],
)
def test_a_mail_that_must_not_go_out_is_not_approved(engine, settings, tmp_path, everybody, changes, words):
    save(engine, content(tmp_path, **changes), NOW)
    with pytest.raises(UsageError) as problem:
        approve(engine, settings, "win-back", NOW, user="ann")
    assert words in str(problem.value)
    assert show(engine, "win-back")["state"] == "draft"


def test_without_a_postal_address_nothing_is_approved(engine, tmp_path, everybody):
    save(engine, content(tmp_path), NOW)
    bare = Settings(MILLSTREAM_DATA_DIR=tmp_path / "data")
    with pytest.raises(MillstreamError, match="MILLSTREAM_POSTAL_ADDRESS"):
        approve(engine, bare, "win-back", NOW, user="ann")


def test_an_approval_stands_for_one_content(engine, settings, tmp_path, everybody):
    save(engine, content(tmp_path), NOW)
    frozen = approve(engine, settings, "win-back", NOW, user="ann")
    found = show(engine, "win-back")
    assert (found["state"], found["approved_by"], found["content_hash"]) == ("approved", "ann", frozen)
    assert not save(engine, content(tmp_path), NOW)
    assert show(engine, "win-back")["state"] == "approved"
    assert save(engine, content(tmp_path, subject="Other"), NOW)
    found = show(engine, "win-back")
    assert (found["state"], found["approved_by"]) == ("draft", None)


def test_approving_twice_is_refused(engine, settings, tmp_path, everybody):
    save(engine, content(tmp_path), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    with pytest.raises(MillstreamError, match="approved"):
        approve(engine, settings, "win-back", NOW, user="bob")
    assert [row["state"] for row in listing(engine)] == ["approved"]


def render(folder, traits, **changes):
    return Templates(content(folder, **changes)).render(
        traits, variant="", unsubscribe_url="http://x/u/t", postal_address="Mill Lane"
    )


def test_what_people_are_called_is_text_in_html_and_in_the_plain_part(tmp_path):
    made = render(tmp_path, {"first_name": "<b>Ann & Co</b>"})
    assert "&lt;b&gt;Ann &amp; Co&lt;/b&gt;" in made.html
    assert "Hi <b>Ann & Co</b>" in made.text


def test_a_missing_trait_takes_its_default(tmp_path):
    for missing in ({}, {"first_name": None}, {"first_name": ""}):
        assert "Hi there" in render(tmp_path, missing).html


def test_a_missing_trait_without_a_default_is_named(tmp_path):
    with pytest.raises(UsageError, match="subject: 'first_name' is undefined"):
        render(tmp_path, {}, subject="{{ first_name }}")


def test_a_subject_is_one_line(tmp_path):
    made = render(tmp_path, {"first_name": "Ann\r\nBcc: x@example.com\u2028y"}, subject="Hi {{ first_name }}\n")
    assert made.subject == "Hi Ann Bcc: x@example.com y"


def test_the_plain_part_tells_where_links_go_and_leaves_style_out(tmp_path):
    html = "<head><style>p {color: red}</style></head><p>A<br>B &amp; C</p>" + HTML
    made = render(tmp_path, {}, html=html)
    assert made.text.splitlines()[:2] == ["A", "B & C"]
    assert "Leave (http://x/u/t)" in made.text
    assert "red" not in made.text
