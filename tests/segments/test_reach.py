"""How many may be mailed, and the rule in words."""

from __future__ import annotations

import pytest

from pipelines.privacy import ConsentRow, address_key, import_consents, suppress
from pipelines.segments import SegmentDocument, entries, listing, materialise, parse_segment, reach, save, sentence
from pipelines.state import open_state, writing
from tests.segments.people import NOW, person, publish_people


def test_reach_counts_addresses_that_may_be_mailed_and_says_why_the_others_may_not(settings):
    people = [person(n) for n in range(1, 5)] + [person(5, email=None), person(6, email="P1@example.com")]
    snapshot = publish_people(settings, [*people, person(7, plan="pro")])
    engine = open_state(settings)
    import_consents(engine, [ConsentRow(n, email=f"p{n}@example.com", source="form", at=NOW) for n in (1, 2, 3)], NOW)
    with writing(engine) as connection:
        suppress(connection, address_key("p3@example.com"), reason="bounce", source="test", now=NOW)
    rule = parse_segment("name: x\nmatch: {trait: {field: plan, op: is_not_set}}")
    found = reach(engine, snapshot, rule, "required")
    assert found == {
        "people": 7,
        "mailable": 2,
        "not_mailable": {"no_address": 1, "no_consent": 1, "suppressed": 1, "same_address": 1},
    }
    assert found["mailable"] + sum(found["not_mailable"].values()) == 6


def test_the_list_tells_members_as_written_down_and_who_mails_them(settings):
    engine = open_state(settings)
    for name in ("everybody", "later"):
        save(engine, parse_segment(f"name: {name}\nmatch: {{all: []}}"), NOW)
        if name == "everybody":
            materialise(engine, publish_people(settings, [person(1), person(2)]), NOW)
    assert [(row["name"], row["members"], row["campaigns"]) for row in listing(engine)] == [
        ("everybody", 2, []),
        ("later", None, []),
    ]
    assert entries(engine, "everybody") == {"p0001": NOW, "p0002": NOW}


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"all": []}, "Everybody."),
        ({"trait": {"field": "plan", "op": "eq", "value": "pro"}}, "Everybody whose plan is pro."),
        ({"not": {"trait": {"field": "email", "op": "is_set"}}}, "Everybody, but not those whose email is known."),
        (
            {"all": [
                {"trait": {"field": "mrr", "op": "gte", "value": 20, "currency": "usd"}},
                {"event": {"name": "login", "count": {"op": "eq", "value": 0}, "within": "30d"}},
                {"any": [
                    {"event": {"name": "export", "count": {"op": "gte", "value": 3}, "within": "1w"}},
                    {"email": {"event": "click", "within": "60d"}},
                ]},
                {"not": {"segment": "do_not_disturb"}},
            ]},
            "Everybody whose mrr is at least 20 USD, and who did not do \"login\" in the last 30 days, and "
            "(who did \"export\" at least 3 times in the last week, or who clicked in a campaign in the last 60 days), "
            "and not those in the segment do_not_disturb.",
        ),
    ],
)  # fmt: skip
def test_a_rule_is_put_into_words(match, words):
    assert sentence(SegmentDocument.model_validate({"name": "x", "match": match})) == words
