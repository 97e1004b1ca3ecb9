"""What a query document may say, and the field that is named when it can not be meant."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.behaviour import parse_funnel
from pipelines.errors import UsageError

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
        (
            {"aggregate_by": "event_property:session"},
            "aggregate_by: event_property:session is not supported yet",
        ),
        ({"kind": "funnel_time_to_convert"}, "kind: funnel_time_to_convert is not supported yet"),
        (
            {"kind": "funnel_trends", "order": "unordered"},
            "kind: funnel_trends of an unordered funnel is not",
        ),
        ({"breakdown": {"property": "browser"}}, "breakdown is not supported yet"),
        (
            {"where": [{"property": "p", "op": "is_set", "scope": "user"}]},
            "where: scope user is not supported yet",
        ),
        ({"steps": [*TWO, {"event": "stripe:refund"}]}, "steps[2].event: stripe:refund is not supported yet"),
        ({"steps": [*TWO, {"event": "C", "optional": True}]}, "steps[2].optional is not supported yet"),
        (
            {"steps": [*TWO, {"event": "C", "first_time_for_user": True}]},
            "steps[2].first_time_for_user is not supported",
        ),
    ],
)
def test_what_is_not_answered_yet_is_said_and_never_ignored(change: dict[str, Any], words: str) -> None:
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
