"""What blocks a campaign's approval, and what only warns: each finding by its name and place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pipelines.campaigns import Templates, approve, lint, save, show
from pipelines.campaigns.markup import taken_apart
from pipelines.campaigns.trial import HOSTILE, reader
from pipelines.errors import MillstreamError, UsageError
from pipelines.settings import Settings
from tests.campaigns.test_documents import content, everybody
from tests.segments.people import NOW

__all__ = ["everybody"]
LEAVE = "<a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"
WORDS = (
    "<p>Twenty words are enough for a filter to see that this is a letter and no picture of a letter, more or less.</p>"
)
HTML = f"<p>Hi {{{{ first_name | default('there') }}}}</p>{WORDS}<a href='https://shop.test/new'>Look</a>{LEAVE}"
TEXT = "Hi {{ first_name | default('there') }} https://shop.test/new {{ unsubscribe_url }} {{ postal_address }}"
CLEAN = {"html": HTML, "text": TEXT, "preheader": "What is new", "subject": "News of the month"}


def found(folder, **changes):
    return {(one.level, one.code, one.place) for one in lint(content(folder, **{**CLEAN, **changes}))}


def test_a_good_mail_has_no_finding(tmp_path):
    assert found(tmp_path) == set()


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"html": WORDS + "{{ postal_address }}"}, "unsubscribe_link_missing", "html"),
        ({"html": WORDS + "{{ unsubscribe_url }} {{ postal_address }}"}, "unsubscribe_link_missing", "html"),
        ({"html": WORDS + "<a href='{{ unsubscribe_url }}'>x</a>"}, "postal_address_missing", "html"),
        ({"text": "{{ postal_address }}"}, "unsubscribe_link_missing", "text"),
        ({"text": "{{ unsubscribe_url }}"}, "postal_address_missing", "text"),
        ({"html": f"{WORDS}{{% if plan is defined %}}{LEAVE}{{% endif %}}"}, "unsubscribe_link_missing", "html"),
        ({"subject": "{{ frist_name }}"}, "unknown_variable", "subject"),
        ({"html": HTML + "{{ discount_code }}"}, "unknown_variable", "html"),
        ({"subject": "{{ plan | default('') }}"}, "subject_empty", "subject"),
        ({"subject": "long " * 60}, "subject_too_long", "subject"),
        ({"html": HTML + "{% if %}"}, "template_broken", "html"),
        ({"html": HTML + "{{ plan | safe }}"}, "template_broken", "html"),
        ({"html": HTML + "{{ plan | tojson }}"}, "template_broken", "html"),
        ({"html": HTML + "{{ plan | urlize }}"}, "template_broken", "html"),
        ({"html": HTML + "{% autoescape false %}{{ plan }}{% endautoescape %}"}, "template_broken", "html"),
        ({"html": HTML + "{{ event_count.x.y }}"}, "template_fails", "html"),
        ({"html": HTML + "{{ 'x' * 200000 }}"}, "too_large", "html"),
        ({"html": HTML + "é" * 52_000}, "too_large", "html"),
        ({"html": HTML + "{% raw %}{{ plan }}{% endraw %}"}, "template_left_over", "html"),
        ({"text": TEXT + "{% raw %}{{ plan }}{% endraw %}"}, "template_left_over", "text"),
        ({"html": HTML + "<p title={{ plan }}>x</p>"}, "trait_as_markup", "html"),
        ({"html": HTML + "<p {{ plan }}>x</p>"}, "trait_as_markup", "html"),
        ({"html": HTML + "<style>p { color: {{ plan }} }</style>"}, "trait_in_style", "html"),
        ({"html": HTML + "<p style='color: {{ plan }}'>x</p>"}, "trait_in_style", "html"),
        ({"html": HTML + "<a href='https://{{ plan }}.shop.test/'>x</a>"}, "trait_in_host", "html"),
    ],
)
def test_what_must_not_go_out_blocks(tmp_path, changes, code, place):
    assert ("blocks", code, place) in found(tmp_path, **changes)


@pytest.mark.parametrize(
    "href",
    [
        "",
        "#",
        "/new",
        "new.html",
        "//shop.test/new",
        "www.shop.test",
        "https:/shop.test",
        "https//shop.test",
        "https://",
        "https:///new",
        "https://shop.test:x/",
        "https://[shop.test/",
        "https://shop test/",
        "https://shop.test/a b",
        "htps://shop.test",
        "ftp://shop.test",
        "mailto:nobody",
        "mailto:",
        "mailto:a@shop.test,b",
        "tel:call-me",
        "{{ plan }}",
        "{{ '/new' }}",
        "shop/{{ plan | urlencode }}",
    ],
)
def test_a_link_that_nobody_can_follow_blocks(tmp_path, href):
    assert ("blocks", "broken_link", "html") in found(tmp_path, html=f'{HTML}<a href="{href}">x</a>')


@pytest.mark.parametrize(
    "href",
    [
        "https://shop.test",
        "https://shop.test:8443/a?b=c#d",
        "https://münchen.test/",
        "https://shop.test/?who={{ person_id | urlencode }}",
        "{{ 'https://shop.test/' ~ (plan | default('all') | urlencode) }}",
        "mailto:help@shop.test",
        "mailto:a@shop.test,b@shop.test?subject=Hello",
        "tel:+49%2030%20123",
        "sms:+4930123",
        "#more",
    ],
)
def test_a_good_link_is_no_finding(tmp_path, href):
    assert found(tmp_path, html=f'{HTML}<a href="{href}">x</a>') == set()


@pytest.mark.parametrize("source", ["logo.png", "/logo.png", "//shop.test/x.png", ""])
def test_a_picture_without_a_whole_address_blocks(tmp_path, source):
    assert ("blocks", "broken_link", "html") in found(tmp_path, html=f'{HTML}<img alt="" src="{source}">')


@pytest.mark.parametrize(
    "piece",
    [
        "<script>x</script>",
        "<p onclick='x'>x</p>",
        "<img alt='' src='https://shop.test/x.png' ONERROR=x>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\tscript:alert(1)'>x</a>",
        "<a href='VBScript:x'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<a href='file:///etc/passwd'>x</a>",
        "<form action='https://shop.test'><input></form>",
        "<iframe src='https://shop.test'></iframe>",
        "<object data='https://shop.test'></object>",
        "<embed src='https://shop.test'>",
        "<base href='https://shop.test'>",
        "<link rel='stylesheet' href='https://shop.test/x.css'>",
        "<style>@import url(https://shop.test/x.css);</style>",
        "<p style='width: expression(alert(1))'>x</p>",
        "<p style='background: url(javascript:x)'>x</p>",
        "<meta http-equiv='Refresh' content='0; url=https://shop.test'>",
        "<!--[if mso]><script>x</script><![endif]-->",
    ],
)
def test_unsafe_html_blocks(tmp_path, piece):
    assert ("blocks", "unsafe_html", "html") in found(tmp_path, html=HTML + piece)


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"text": None}, "no_text_part", "text"),
        ({"preheader": None}, "preheader_missing", "preheader"),
        ({"html": HTML + "<img src='https://shop.test/x.png'>"}, "image_without_alt", "html"),
        ({"html": f"<img alt='News' src='https://shop.test/x.png'>{LEAVE}"}, "all_images", "html"),
        ({"html": HTML + "<a href='http://shop.test'>x</a>"}, "http_link", "html"),
        ({"html": HTML + "<a href='https://bit.ly/x'>x</a>"}, "link_shortener", "html"),
        ({"html": HTML + "<a href='https://www.tinyurl.com/x'>x</a>"}, "link_shortener", "html"),
        ({"html": HTML + "<a href='https://shop.test/?n={{ name }}'>x</a>"}, "link_not_encoded", "html"),
        ({"subject": "LAST CHANCE to SAVE"}, "subject_shouts", "subject"),
        ({"subject": "Buy now!!"}, "subject_shouts", "subject"),
    ],
)
def test_what_is_only_unwise_warns_alone(tmp_path, changes, code, place):
    assert found(tmp_path, **changes) == {("warns", code, place)}


def test_a_condition_on_what_a_reader_is_called_is_no_markup(tmp_path):
    html = HTML + "{% if first_name is defined and first_name < 'z' %}<b>{{ name | default('you') }}</b>{% endif %}"
    assert found(tmp_path, html=html) == set()


def test_the_hidden_words_of_mjml_are_a_preheader(tmp_path):
    html = (
        "<mjml><mj-head><mj-preview>What is new</mj-preview></mj-head><mj-body><mj-section><mj-column>"
        f"<mj-text>{HTML}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    assert found(tmp_path, html=html, preheader=None) == set()


def test_each_variant_is_looked_at_by_itself(tmp_path):
    variants = [{"name": "A"}, {"name": "B", "html": WORDS + "{{ postal_address }}", "subject": "{{ x }}"}]
    assert found(tmp_path, variants=variants) == {
        ("blocks", "unsubscribe_link_missing", "html B"),
        ("blocks", "unknown_variable", "subject B"),
        ("warns", "no_text_part", "text B"),
    }


def test_what_variants_share_is_told_once(tmp_path):
    variants = [{"name": "A"}, {"name": "B", "subject": "Other news"}]
    assert found(tmp_path, variants=variants, html=HTML + "<a href='/x'>x</a>", preheader=None) == {
        ("blocks", "broken_link", "html"),
        ("warns", "preheader_missing", "preheader"),
    }


def test_a_refused_approval_tells_everything_that_blocks_at_once(engine, settings, tmp_path, everybody):
    html = WORDS + "<a href='/x'>x</a><script>x</script>"
    save(engine, content(tmp_path, html=html, subject="{{ plam }}", segment="nobody"), NOW)
    with pytest.raises(UsageError) as problem:
        approve(engine, settings, "win-back", NOW, user="ann")
    for words in (
        "subject: unknown variable plam; did you mean plan?",
        "html: {{ unsubscribe_url }} is missing",
        "html: {{ postal_address }} is missing",
        "html: the link '/x' is relative",
        "html: <script> has no place in a mail",
        "segment: there is no segment 'nobody'",
        "Nothing was approved",
    ):
        assert words in str(problem.value)
    assert show(engine, "win-back")["state"] == "draft"


def test_a_sender_that_nobody_can_answer_is_refused_where_mails_really_go_out(tmp_path, engine, everybody):
    save(engine, content(tmp_path, **CLEAN), NOW)
    real = Settings(MILLSTREAM_DATA_DIR=tmp_path / "data", MILLSTREAM_POSTAL_ADDRESS="x", MILLSTREAM_MAILER="smtp")
    with pytest.raises(MillstreamError, match=r"example\.com"):
        approve(engine, real, "win-back", NOW, user="ann")
    save(engine, content(tmp_path, **{"from": {"email": "hello@shop.de"}}, **CLEAN), NOW)
    assert approve(engine, real, "win-back", NOW, user="ann")


ANYTHING = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [HOSTILE, "</a><script>x</script>", '" onload=x y="', "' onload=x", "{{ plan }}", "-->", "a\r\nBcc: b@c.de"]
)
PLACES = (
    "<p title='{{ plan }}' class=\"{{ country }}\">{{ name }}</p><!-- {{ name }} -->"
    "<a href='https://shop.test/?n={{ name | urlencode }}'>{{ plan | upper }}</a>"
    "{% set x %}<b>{{ name }}</b>{% endset %}{{ x }}{{ '<i>' ~ name }}"
)


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mail")
    made = Templates(
        content(folder, **{**CLEAN, "html": HTML + PLACES, "subject": "For {{ name }}", "preheader": "{{ plan }}!"})
    )
    return lambda traits: made.render(
        traits, variant="", unsubscribe_url="https://x.test/u/t", postal_address="Mill Lane"
    )


def shape(html):
    return [(tag.name, [name for name, _ in tag.attributes]) for tag in taken_apart(html).tags]


@effort(max_examples=150, deadline=None)
@given(name=ANYTHING, plan=ANYTHING, country=ANYTHING)
def test_no_trait_becomes_markup_or_a_header(mail, name, plan, country):
    traits = {**reader(), "name": name or "x", "plan": plan or "x", "country": country or "x"}
    made, plain = mail(traits), mail(reader())
    assert shape(made.html) == shape(plain.html)
    assert len(made.subject.splitlines()) == 1
    assert not any(sign in made.subject for sign in "\r\n\x00\u2028\u2029")
