"""CSS is moved into the elements when a campaign is saved; what belongs to the template stays where it stood."""

from __future__ import annotations

import pytest

from pipelines.campaigns import Templates
from pipelines.campaigns.inline import inlined
from pipelines.errors import UsageError
from tests.campaigns.test_documents import HTML, content

STYLE = "<style>.big { color: red } td { padding: 4px } @media (max-width: 400px) { .big { color: blue } }</style>"


def made(folder, html, traits=None):
    found = Templates(content(folder, html=html))
    return found.render(traits or {}, variant="", unsubscribe_url="http://x/u/t", postal_address="Mill Lane").html


def test_a_rule_stands_in_the_element_it_is_about_and_media_rules_stay(tmp_path):
    html = made(tmp_path, f"<html><head>{STYLE}</head><body><p class='big'>Hi</p>{HTML}</body></html>")
    assert '<p class="big" style="color: red;">' in html
    assert "@media (max-width: 400px)" in html


def test_a_mail_without_rules_stays_as_it_was_written(tmp_path):
    assert content(tmp_path).html == HTML


def test_what_the_template_says_stays_between_the_rows_of_a_table(tmp_path):
    table = (
        "<table>{% for one in recent_events %}<tr {% if loop.first %}class='big'{% endif %}>"
        "<td title='{{ one.name ~ \"<&>\" }}'>{{ one.name }}</td></tr>{% else %}<tr><td>none</td></tr>{% endfor %}"
        "</table>{% if 3 > 2 and 1 < 2 %}<p class='big'>{{ first_name | default('<you>') }}</p>{% endif %}{# done #}"
    )
    html = made(tmp_path, STYLE + table + HTML, {"recent_events": [{"name": "a<b"}, {"name": "c"}]})
    rows = html.replace("&#39;", "'")
    assert rows.count("<tr") == 2
    assert 'title="a&lt;b&lt;&amp;&gt;"' in html.replace("\u00a0", " ")
    assert ">a&lt;b</td>" in html
    assert html.count("padding: 4px") == 3
    assert "&lt;you&gt;</p>" in html
    assert made(tmp_path, STYLE + table + HTML, {"recent_events": []}).count("none") == 1


def test_an_expression_may_stand_in_a_rule_and_is_moved_with_it(tmp_path):
    html = made(tmp_path, "<style>.big { width: {{ 10 * 3 }}px }</style><p class='big'>x</p>" + HTML)
    assert html.count("width: 30px") == 2


def test_a_statement_inside_a_rule_is_refused():
    with pytest.raises(UsageError, match="html B: a part of the template stands inside a style"):
        inlined("<style>.a { color: {% if 1 %}red{% endif %} }</style><p class='a'>x</p>", "html B")


@pytest.mark.parametrize("kind", ["a file of this machine", "another host"])
def test_a_linked_stylesheet_is_neither_read_nor_fetched(tmp_path, kind):
    (tmp_path / "own.css").write_text("p { color: red }")
    link = (tmp_path / "own.css").as_uri() if kind == "a file of this machine" else "http://127.0.0.1:9/own.css"
    for address in (link, str(tmp_path / "own.css")):
        html = inlined(f"<link rel='stylesheet' href='{address}'><style>b {{ top: 0 }}</style><p>x</p>", "html")
        assert "red" not in html
        assert "<link" in html
