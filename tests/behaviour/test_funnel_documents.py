"""What a query document may say, and the field that is named when it can not be meant."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from pipelines.behaviour import parse_funnel
from pipelines.errors import UsageError
from tests.behaviour.chance import some_document

TWO = [{"event": "A"}, {"event": "B"}]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "steps: is missing"),
        ({"steps": TWO[:1]}, "steps: "),
        ({"steps": [{"event": str(n)} for n in range(21)]}, "steps: "),
        ({"steps": [{"evnt": "A"}, {"event": "B"}]}, "steps[0].evnt: unknown key"),
        ({"steps": [{"event": ""}, {"event": "B"}]}, "steps[0].event: "),
        ({"steps": TWO, "colour": "red"}, "colour: unknown key"),
        ({"steps": TWO, "order": "sideways"}, "order: "),
        ({"steps": TWO, "window": {"value": 0, "unit": "day"}}, "window.value: "),
        ({"steps": TWO, "window": {"value": "7", "unit": "day"}}, "window.value: "),
        ({"steps": TWO, "window": {"value": 7, "unit": "fortnight"}}, "window.unit: "),
        ({"steps": TWO, "window": {"value": 10**9, "unit": "month"}}, "window: longer than 200 years"),
        ({"steps": TWO, "timezone": "Europe/Atlantis"}, "timezone: 'Europe/Atlantis' is no time zone"),
        ({"steps": TWO, "date_from": "yesterday"}, "date_from: "),
        ({"steps": TWO, "date_from": 20260101}, "date_from: "),
        ({"steps": TWO, "date_to": "2026-02-30"}, "date_to: "),
        ({"steps": TWO, "date_from": "2026-02-02", "date_to": "2026-02-01"}, "date_from: lies after date_to"),
        ({"steps": TWO, "interval": "day"}, "interval: belongs to kind funnel_trends"),
        ({"steps": TWO, "aggregate_by": "planet"}, "aggregate_by: "),
        ({"steps": TWO, "where": [{"property": "p", "op": "like", "value": "x"}]}, "where[0].op: "),
        ({"steps": TWO, "where": [{"property": "p", "op": "eq"}]}, "where[0]: value: op eq takes"),
        (
            {"steps": TWO, "where": [{"property": "p", "op": "in", "value": []}]},
            "where[0]: value: op in takes",
        ),
        (
            {"steps": TWO, "where": [{"property": "p", "op": "gt", "value": True}]},
            "where[0]: value: op gt takes",
        ),
        (
            {"steps": TWO, "where": [{"property": "p", "op": "is_set", "value": 3}]},
            "where[0]: value: op is_set takes",
        ),
        (
            {"steps": TWO, "where": [{"property": "p", "op": "regex", "value": "(?=x)"}]},
            "where[0]: value: no regular",
        ),
        ({"steps": TWO, "where": {"and": []}}, "where[0].and: "),
        (
            {"steps": TWO, "where": {"or": [{"and": [{"property": "p"}]}]}},
            "where[0].or[0].and[0].op: is missing",
        ),
        ({"steps": TWO, "where": ["p"]}, "where[0]: write {"),
        (
            {"steps": TWO, "exclusions": [{"event": "X", "from_step": 0, "to_step": 2}]},
            "exclusions[0].to_step: there is",
        ),
        (
            {"steps": TWO, "exclusions": [{"event": "X", "from_step": 1, "to_step": 1}]},
            "exclusions[0].from_step: must",
        ),
    ],
)
def test_a_query_that_can_not_be_meant_is_refused_with_its_field(document: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_funnel(document)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bin_count": 5}, "bin_count: belongs to kind funnel_time_to_convert"),
        ({"interval": "day"}, "interval: belongs to kind funnel_trends"),
        ({"breakdown": {"property": "b", "attribution": "step:2"}}, "breakdown.attribution: there is no step 2"),
        (
            {"breakdown": {"property": "b", "attribution": "step:0"}, "order": "unordered"},
            "breakdown.attribution: in any order",
        ),
        ({"breakdown": {"property": "b", "attribution": "any"}}, "breakdown.attribution: "),
        ({"steps": [{"event": "A", "optional": True}, *TWO]}, "steps[0].optional: the first step"),
        (
            {"steps": [*TWO, {"event": "B", "optional": True}], "order": "unordered"},
            "steps[2].optional: in any order it needs an event that no other step asks for",
        ),
        (
            {"steps": [*TWO, {"event": None}, {"event": "C", "optional": True}], "order": "unordered"},
            "steps[3].optional: in any order",
        ),
        (
            {
                "kind": "funnel_time_to_convert",
                "steps": [*TWO, {"event": "C", "optional": True}],
                "order": "unordered",
                "to_step": 2,
            },
            "to_step: step 2 is optional",
        ),
        (
            {
                "kind": "funnel_time_to_convert",
                "steps": [TWO[0], {"event": "C", "optional": True}],
                "order": "unordered",
            },
            "to_step: there is no step after the first",
        ),
        ({"aggregate_by": "accounts"}, "aggregate_by: "),
        ({"steps": [{"event": "A", "window": {"value": 1, "unit": "day"}}, *TWO]}, "steps[0].window: "),
        (
            {"steps": [*TWO, {"event": "C", "window": {"value": 1, "unit": "day"}}], "order": "unordered"},
            "steps[2].window: ",
        ),
        (
            {
                "steps": [*TWO, {"event": "C", "optional": True}],
                "exclusions": [{"event": "X", "from_step": 0, "to_step": 2}],
            },
            "exclusions[0].to_step: that step is optional",
        ),
        (
            {
                "steps": [*TWO, {"event": "C"}],
                "order": "unordered",
                "exclusions": [{"event": "X", "from_step": 0, "to_step": 1}],
            },
            "exclusions[0]: in any order",
        ),
        ({"steps": [*TWO, {"event": "stripe:rebate"}]}, "steps[2].event: there is no fact 'stripe:rebate'"),
        ({"exclusions": [{"event": "email:wink", "to_step": 1}]}, "exclusions[0].event: there is no fact"),
        (
            {"steps": [*TWO, {"event": "stripe:refund"}], "aggregate_by": "identity"},
            "aggregate_by: identity: facts",
        ),
    ],
)
def test_features_that_can_not_be_meant_together_are_refused_with_their_field(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as refused:
        parse_funnel({"steps": TWO, **change})
    assert words in str(refused.value)


def test_left_out_means_ordered_within_fourteen_days_over_all_dates() -> None:
    query = parse_funnel({"steps": TWO}, timezone="Europe/Berlin")
    assert (query.order, query.date_from, query.date_to, query.timezone) == (
        "ordered",
        None,
        None,
        "Europe/Berlin",
    )
    assert query.window_microseconds == 14 * 86400 * 1_000_000
    assert parse_funnel({"steps": TWO, "window": None}).window is None


def test_the_document_of_a_query_asks_the_same_question() -> None:
    query = parse_funnel(
        {
            "steps": [
                {"event": None, "where": {"or": [{"property": "p", "op": "eq", "value": 1}]}},
                {"event": "B"},
            ],
            "window": None,
            "date_from": "2026-01-01",
        }
    )
    assert query.document()["window"] is None
    assert parse_funnel(query.document()) == query


def test_every_document_of_the_reference_is_read_back_as_it_was() -> None:
    random = Random(1)
    for _ in range(200):
        query = parse_funnel(some_document(random))
        assert parse_funnel(query.document()) == query
