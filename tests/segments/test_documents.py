"""A wrong document is refused with the place that is wrong; a right one comes back as it was."""

from __future__ import annotations

import json

import pytest
import yaml

from pipelines.errors import UsageError
from pipelines.segments import members, parse_segment, save
from tests.segments.people import NOW, person, publish_people

WHOLE = """
name: lapsed
description: Quiet ones
match:
  all:
    - trait: {field: subscription_status, op: eq, value: active}
    - trait: {field: mrr, op: gte, value: 20, currency: USD}
    - event: {name: login, count: {op: eq, value: 0}, within: 30d}
    - any:
        - event: {name: export_created, count: {op: gte, value: 3}, within: 90d}
        - trait: {field: customer_since, op: lt, value: 2026-01-01}
    - not: {segment: other}
"""


def refused(text):
    with pytest.raises(UsageError) as problem:
        parse_segment(text)
    return str(problem.value)


def with_match(match):
    return yaml.safe_dump({"name": "x", "match": match})


def test_a_document_comes_back_as_it_was_written():
    document = parse_segment(WHOLE)
    plain = yaml.safe_load(WHOLE)
    plain["match"]["all"][3]["any"][1]["trait"]["value"] = "2026-01-01"
    assert document.plain() == plain
    assert parse_segment(json.dumps(document.plain())) == document


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({"all": [{"trait": {"op": "eq"}}]}, "match.all[0].trait.field: is missing"),
        ({"all": [{"trait": {"field": "plan", "op": "like"}}]}, "match.all[0].trait.op: write one of"),
        (
            {"any": [{}, {"not": {"event": {"name": "x", "within": "30 years"}}}]},
            "match.any[1].not.event.within",
        ),
        ({"event": {"name": "x", "count": {"op": "eq", "value": -1}}}, "match.event.count.value"),
        ({"trait": {"field": "plan", "op": "eq", "value": {"a": 1}}}, "match.trait.value"),
        ({"unless": []}, "match.unless: unknown key"),
        ({"all": [], "any": []}, "match: write exactly one"),
        ({}, "match: write exactly one"),
        ({"all": None}, "match: write exactly one"),
        ({"all": [{}, {"event": {"name": "x", "count": {"op": "is"}}}]}, "match.all[1].event.count.op: write one of"),
        ({"all": [{"email": {"event": "sent"}}]}, "match.all[0].email.event: write one of"),
        ({"not": {"any": [{"email": {"event": "open", "campaign": "A B"}}]}}, "match.not.any[0].email.campaign"),
    ],
)
def test_a_wrong_condition_is_named_by_its_path(match, place):
    assert place in refused(with_match(match))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "name: [",
        "name: x",
        "name: X Y\nmatch: {all: []}",
        "name: a\nname: b\nmatch: {all: []}",
        "\x00",
    ],
)
def test_what_is_no_document_is_refused(text):
    assert "Nothing was saved" in refused(text)


@pytest.mark.parametrize(
    ("trait", "place"),
    [
        ({"field": "shoe_size", "op": "eq", "value": 1}, "match.trait.field: there is no trait 'shoe_size'"),
        ({"field": "plan", "op": "gt", "value": "a"}, "match.trait.op"),
        ({"field": "plan", "op": "eq", "value": 7}, "match.trait.value: has to be a text"),
        ({"field": "country", "op": "eq", "value": False}, "match.trait.value: has to be a text"),
        ({"field": "plan", "op": "eq"}, "match.trait.value: is missing"),
        ({"field": "plan", "op": "is_set", "value": "x"}, "match.trait.value: is_set takes no value"),
        ({"field": "plan", "op": "in", "value": "x"}, "match.trait.value: in takes a list"),
        ({"field": "plan", "op": "eq", "value": ["x"]}, "match.trait.value: eq takes one value"),
        ({"field": "plan", "op": "regex", "value": "("}, "match.trait.value: is no regular expression"),
        ({"field": "plan", "op": "eq", "value": "x", "currency": "USD"}, "match.trait.currency"),
        ({"field": "mrr", "op": "gte", "value": 20}, "match.trait.currency: say in which currency"),
        (
            {"field": "mrr", "op": "gte", "value": "20", "currency": "USD"},
            "match.trait.value: has to be a number",
        ),
        (
            {"field": "payments_count", "op": "gt", "value": float("nan")},
            "match.trait.value: has to be a number",
        ),
        ({"field": "first_seen_at", "op": "gt", "value": "soon"}, "match.trait.value: write a date"),
        ({"field": "is_guest", "op": "eq", "value": "yes"}, "match.trait.value: has to be true or false"),
    ],
)
def test_a_comparison_that_can_not_be_meant_is_named_by_its_path(settings, trait, place):
    snapshot = publish_people(settings, [person(1)])
    with pytest.raises(UsageError) as problem:
        members(snapshot, parse_segment(with_match({"trait": trait})))
    assert str(problem.value).startswith(place)


def test_a_segment_may_not_refer_to_itself(engine):
    with pytest.raises(UsageError, match="a -> a"):
        save(engine, parse_segment("name: a\nmatch: {not: {segment: a}}"), NOW)


def test_a_circle_through_others_is_refused(engine):
    for text in (
        "name: a\nmatch: {all: []}",
        "name: b\nmatch: {segment: a}",
        "name: c\nmatch: {any: [{segment: b}]}",
    ):
        save(engine, parse_segment(text), NOW)
    with pytest.raises(UsageError, match="a -> c -> b -> a"):
        save(engine, parse_segment("name: a\nmatch: {all: [{segment: c}]}"), NOW)


def test_a_reference_to_nobody_is_refused(engine):
    with pytest.raises(UsageError, match="nobody"):
        save(engine, parse_segment("name: a\nmatch: {segment: nobody}"), NOW)


def test_saving_checks_the_traits_of_the_newest_snapshot(engine, settings):
    snapshot = publish_people(settings, [person(1)])
    wrong = parse_segment("name: a\nmatch: {trait: {field: shoe_size, op: is_set}}")
    with pytest.raises(UsageError, match="shoe_size"):
        save(engine, wrong, NOW, snapshot=snapshot)


def test_saving_the_same_document_again_changes_nothing(engine):
    document = parse_segment("name: a\nmatch: {all: []}")
    assert save(engine, document, NOW)
    assert not save(engine, document, NOW)
    assert save(engine, parse_segment("name: a\nmatch: {any: []}"), NOW)
