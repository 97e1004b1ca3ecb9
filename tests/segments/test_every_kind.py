"""Every kind of condition, at every moment: the SQL and a plain reading of the rule choose the same people."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.segments import SegmentDocument, estimate, members, overlap, parse_segment, preview, sentence
from pipelines.segments.ask import memberships
from pipelines.warehouse import Snapshot
from tests.segments.people import NOW, person, publish_people
from tests.segments.plain_reading import Reader
from tests.segments.world import CAMPAIGNS, EVENTS, HOSTILE, STATES, TOLD_AT, ZONE, World, make_world, publish_world

OTHER = {"any": [{"percent": {"of": 40, "salt": "x"}}, {"event": {"name": "login", "within": "5d"}}]}
COUNTS = st.fixed_dictionaries(
    {"op": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), "value": st.integers(0, 3)}
)
TIMES = st.sampled_from(["2026-05-30", "2026-05-20", "2026-05-01", "5d ago", "30d ago", "12h ago", "in 2d"])
BEGINS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.sampled_from(["5d", "10d", "48h", "4w"]).map(lambda span: {"within": span}),
    st.tuples(st.sampled_from(["from", "after"]), TIMES).map(lambda told: {told[0]: told[1]}),
)
ENDS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}), st.tuples(st.sampled_from(["to", "before"]), TIMES).map(lambda told: {told[0]: told[1]})
)


def happened(name: str, values: st.SearchStrategy[Any], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    counted = st.one_of(
        st.tuples(BEGINS, ENDS, st.one_of(st.just({}), COUNTS.map(lambda count: {"count": count}))),
        st.tuples(BEGINS.filter(bool), ENDS, st.sampled_from(["first", "last"]).map(lambda which: {"which": which})),
    )
    base = st.fixed_dictionaries({name: values}, optional=more)
    return st.tuples(base, counted).map(lambda told: {**told[0], **told[1][0], **told[1][1], **told[1][2]})


PROPERTY = st.one_of(
    st.fixed_dictionaries(
        {
            "property": st.just("plan"),
            "op": st.sampled_from(["eq", "ne", "contains", "icontains", "regex"]),
            "value": st.sampled_from(["pro", "o", "o'b", "P"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "property": st.sampled_from(["n", "plan"]),
            "op": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
            "value": st.sampled_from([1, 2, 3]),
        }
    ),
    st.fixed_dictionaries(
        {
            "property": st.just("plan"),
            "op": st.sampled_from(["in", "not_in"]),
            "value": st.just(["pro", "basic"]),
        }
    ),
    st.fixed_dictionaries({"property": st.sampled_from(["n", "x'y"]), "op": st.sampled_from(["is_set", "is_not_set"])}),
)
WHERE = st.lists(
    st.recursive(
        PROPERTY,
        lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=2)).map(
            lambda told: {told[0]: told[1]}
        ),
        max_leaves=3,
    ),
    max_size=2,
)
SCORES = st.one_of(
    st.fixed_dictionaries({"op": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), "value": st.integers(1, 5)}),
    st.fixed_dictionaries({"op": st.sampled_from(["in", "not_in"]), "value": st.just([1, 5])}),
)
RFM = st.one_of(
    st.fixed_dictionaries(
        {"monetary": SCORES, "currency": st.just("USD")}, optional={"recency": SCORES, "within": st.just("20d")}
    ),
    st.fixed_dictionaries({"recency": SCORES}, optional={"frequency": SCORES, "within": st.just("20d")}),
)
PARTS: list[dict[str, float]] = [{"of": 20}, {"from": 20, "to": 55.5}]
STATE = st.sampled_from([*STATES, *TOLD_AT, "deferred", "claimed"])
KINDS = st.one_of(
    happened("name", st.sampled_from(EVENTS), where=WHERE).map(lambda rule: {"event": rule}),
    happened(
        "event", st.sampled_from(["click", "open", "deferred"]), campaign=st.sampled_from(["any", *CAMPAIGNS])
    ).map(lambda rule: {"email": rule}),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["any", *CAMPAIGNS])},
        optional={
            "state": st.one_of(STATE, st.lists(STATE, min_size=1, max_size=2)),
            "variant": st.sampled_from(["A", "B"]),
        },
    ).map(lambda rule: {"campaign": rule}),
    st.sampled_from(PARTS).map(lambda part: {"percent": {**part, "salt": "it's $v0"}}),
    RFM.map(lambda rule: {"rfm": rule}),
    st.just({"segment": "other"}),
)
MOMENT_TRAITS = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["customer_since", "first_seen_at"]),
        "op": st.sampled_from(["gt", "gte", "lt", "lte"]),
        "value": TIMES,
    }
).map(lambda trait: {"trait": trait})
NOW_TRAITS = st.fixed_dictionaries(
    {"field": st.just("plan"), "op": st.sampled_from(["eq", "ne"]), "value": st.sampled_from(["pro", ""])}
).map(lambda trait: {"trait": trait})


def rules(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=5,
    )


ASKED = st.one_of(
    st.tuples(st.just(0), rules(st.one_of(KINDS, MOMENT_TRAITS, NOW_TRAITS))),
    st.tuples(st.sampled_from([3, 12, 21]), rules(st.one_of(KINDS, MOMENT_TRAITS))),
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Snapshot]:
    world = make_world(8)
    return world, publish_world(world, tmp_path_factory.mktemp("world"))


def build(match: Any) -> SegmentDocument:
    return SegmentDocument.model_validate({"name": "rule", "match": match})


def find(name: str) -> SegmentDocument | None:
    return SegmentDocument.model_validate({"name": "other", "match": OTHER}) if name == "other" else None


def is_meant(document: SegmentDocument, snapshot: Snapshot, at: datetime | None) -> list[str] | None:
    """The members, or None for a time that ends before it begins."""
    try:
        return members(snapshot, document, at, timezone=ZONE, lookup=find)
    except UsageError as problem:
        assert "the time ends before it begins" in str(problem)
        return None


@given(ASKED)
@effort(max_examples=110, deadline=None, derandomize=True)
def test_sql_and_a_plain_reading_choose_the_same_people_at_any_moment(told, asked):
    world, snapshot = told
    days, match = asked
    at = NOW - timedelta(days=days)
    reader = Reader(world, at.replace(tzinfo=None), looks_back=days > 0, segments={"other": OTHER})
    found = is_meant(build(match), snapshot, at)
    assert found is None or found == reader.fitting(match)


@given(rules(st.one_of(KINDS, MOMENT_TRAITS, NOW_TRAITS)))
@effort(max_examples=100, deadline=None, derandomize=True)
def test_what_is_exported_is_the_same_document_and_can_be_said(match):
    document = build(match)
    for text in (yaml.safe_dump(document.plain(), allow_unicode=True), document.canonical()):
        assert parse_segment(text) == document
        assert parse_segment(text).content_hash() == document.content_hash()
    assert sentence(document).startswith("Everybody")


@given(st.lists(KINDS, min_size=2, max_size=3))
@effort(max_examples=12, deadline=None, derandomize=True)
def test_several_segments_asked_at_once_are_those_asked_one_by_one(told, matches):
    _, snapshot = told
    documents = [SegmentDocument.model_validate({"name": f"s{n}", "match": match}) for n, match in enumerate(matches)]
    one_by_one = {one.name: is_meant(one, snapshot, None) for one in documents}
    documents = [one for one in documents if one_by_one[one.name] is not None]
    if len(documents) < 2:
        return
    sets = {one.name: set(one_by_one[one.name] or ()) for one in documents}
    assert memberships(snapshot, documents, timezone=ZONE, lookup=find) == sets
    answer = overlap(snapshot, documents, timezone=ZONE, lookup=find)
    assert {row["segment"]: row["size"] for row in answer["segments"]} == {name: len(who) for name, who in sets.items()}
    for pair in answer["pairs"]:
        first, second = sets[pair["first"]], sets[pair["second"]]
        assert (pair["both"], pair["only_first"], pair["only_second"]) == (
            len(first & second),
            len(first - second),
            len(second - first),
        )
    assert (answer["in_all"], answer["in_any"]) == (
        len(set.intersection(*sets.values())),
        len(set.union(*sets.values())),
    )


def test_the_loss_of_each_rule_is_what_it_takes_from_those_before_it(told):
    world, snapshot = told
    parts = [
        {"percent": {"of": 70, "salt": "a"}},
        {"campaign": {"name": "any"}},
        {"not": {"rfm": {"recency": {"op": "lte", "value": 2}}}},
        {"event": {"name": HOSTILE, "where": [{"property": "n", "op": "gte", "value": 1}]}},
    ]
    answer = preview(snapshot, build({"all": parts}), timezone=ZONE)
    reader = Reader(world, NOW.replace(tzinfo=None), looks_back=False)
    left = [len(reader.fitting({"all": parts[: n + 1]})) for n in range(len(parts))]
    assert [step["left"] for step in answer["loss_by_rule"]] == left
    assert answer["size"] == left[-1] > 0
    assert [row["person_id"] for row in answer["sample"]] == reader.fitting({"all": parts})[:10]


def test_parts_of_one_salt_share_nobody_and_are_everybody(told):
    world, snapshot = told
    edges = [0, 12.5, 50, 50.0001, 100]
    parts = [
        members(snapshot, build({"percent": {"from": low, "to": high, "salt": "wave"}}))
        for low, high in pairwise(edges)
    ]
    assert sorted(who for part in parts for who in part) == [one["person_id"] for one in world.people]
    assert members(snapshot, build({"percent": {"of": 50, "salt": "wave"}})) == sorted([*parts[0], *parts[1]])


def test_a_part_is_as_large_as_it_says_and_another_salt_is_another_part(settings):
    snapshot = publish_people(settings, [person(n) for n in range(1000)])
    first, second = (set(members(snapshot, build({"percent": {"of": 30, "salt": salt}}))) for salt in "ab")
    # Four standard deviations of a draw of 1,000.
    assert abs(len(first) - 300) < 4 * (1000 * 0.3 * 0.7) ** 0.5
    assert abs(len(first & second) - 90) < 4 * (1000 * 0.09 * 0.91) ** 0.5


def test_equal_payers_share_the_lowest_score_that_any_of_them_could_have(settings):
    """By hand: of ten payers seven paid once, two twice, one five times."""
    world = make_world(1, size=10)
    times = [1, 1, 1, 1, 1, 1, 1, 2, 2, 5]
    at = NOW.replace(tzinfo=None) - timedelta(days=1)
    payments = [
        {"person_id": f"p{n:04d}", "kind": "charge", "currency": "USD", "amount": 100, "at": at}
        for n, count in enumerate(times)
        for _ in range(count)
    ]
    snapshot = publish_world(world._replace(payments=payments), settings.data_dir)

    def who(score: int, measure: str = "frequency") -> int:
        return len(members(snapshot, build({"rfm": {measure: {"op": "eq", "value": score}}})))

    # Nobody is behind the seven; 7 of 10 are behind the next two (5 × 7 / 10 = 3.5), 9 of 10 behind the last (4.5).
    assert [who(score) for score in range(1, 6)] == [7, 0, 0, 2, 1]
    assert who(1, "recency") == 10


def test_an_estimate_of_everybody_is_about_everybody(settings):
    snapshot = publish_people(settings, [person(n, plan="pro" if n % 2 else "basic") for n in range(1000)])
    found = estimate(snapshot, build({"trait": {"field": "plan", "op": "eq", "value": "pro"}}), one_in=8)
    # Four standard deviations of a draw of one in eight.
    assert abs(found - 500) < 4 * 8 * (500 / 8 * 7 / 8) ** 0.5
    assert found % 8 == 0


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({"event": {"name": "x", "within": "3d", "from": "2026-01-01"}}, "match.event: write one of within, from"),
        ({"event": {"name": "x", "to": "2026-01-01", "before": "2026-01-01"}}, "match.event: write either to or"),
        ({"event": {"name": "x", "which": "first"}}, "match.event: which: say when"),
        ({"event": {"name": "x", "which": "last", "within": "1d", "count": {"value": 2}}}, "match.event: which: the"),
        ({"event": {"name": "x", "after": "soon"}}, "match.event.after: write a date"),
        ({"event": {"name": "x", "where": [{"property": "a", "op": "like"}]}}, "match.event.where[0].op: write one of"),
        (
            {"event": {"name": "x", "where": [{"or": [{"property": "a", "op": "gt", "value": True}]}]}},
            "match.event.where[0].or[0]: value: op gt takes",
        ),
        (
            {"event": {"name": "x", "where": [{"property": "a", "op": "is_set", "scope": "user"}]}},
            "match.event.where: scope",
        ),
        ({"event": {"name": "x", "where": {"and": []}}}, "match.event.where[0].and"),
        ({"campaign": {"name": "spring", "state": "lost"}}, "match.campaign.state"),
        ({"campaign": {"state": "accepted"}}, "match.campaign.name: is missing"),
        ({"percent": {"of": 20}}, "match.percent.salt: is missing"),
        ({"percent": {"of": 20, "to": 30, "salt": "x"}}, "match.percent: write either of"),
        ({"percent": {"from": 20, "salt": "x"}}, "match.percent: from and to go together"),
        ({"percent": {"from": 30, "to": 20, "salt": "x"}}, "match.percent: it is a part of nobody"),
        ({"percent": {"of": 101, "salt": "x"}}, "match.percent.of"),
        ({"percent": {"of": 0.00001, "salt": "x"}}, "match.percent.of"),
        ({"rfm": {}}, "match.rfm: write one or more of"),
        ({"rfm": {"monetary": {"op": "eq", "value": 5}}}, "match.rfm: monetary and currency go together"),
        ({"rfm": {"recency": {"op": "eq", "value": 6}}}, "match.rfm.recency.value"),
        ({"rfm": {"recency": {"op": "in", "value": 5}}}, "match.rfm.recency: value: in takes a list"),
        ({"rfm": {"recency": {"op": "eq", "value": 5}, "spent": 3}}, "match.rfm.spent: unknown key"),
    ],
)
def test_what_can_not_be_meant_is_named_by_its_path(match, place):
    with pytest.raises(UsageError) as problem:
        parse_segment(yaml.safe_dump({"name": "x", "match": match}))
    assert place in str(problem.value)


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({"event": {"name": "stripe:rebate"}}, "match.event.name: there is no fact"),
        ({"event": {"name": "x", "from": "2026-02-01", "to": "2026-01-01"}}, "match.event.to: the time ends before"),
        ({"event": {"name": "x", "within": "3d", "before": "5d ago"}}, "match.event.before: the time ends before"),
        ({"trait": {"field": "first_seen_at", "op": "eq", "value": "3d ago"}}, "match.trait.value: no moment is"),
    ],
)
def test_what_can_not_be_meant_of_these_data_is_named_by_its_path(told, match, place):
    with pytest.raises(UsageError) as problem:
        members(told[1], build({"all": [match]}))
    assert place.replace("match.", "match.all[0].") in str(problem.value)


def test_dates_of_a_yaml_file_are_read_as_they_stand():
    text = "name: a\nmatch: {event: {name: x, from: 2026-01-01, where: [{property: day, op: eq, value: 2026-01-02}]}}"
    event = parse_segment(text).plain()["match"]["event"]
    assert (event["from"], event["where"][0]["value"]) == ("2026-01-01", "2026-01-02")


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (
            {"event": {"name": "export", "where": [{"property": "size", "op": "gte", "value": 3}], "from": "2026-01-01",
                       "to": "2026-01-31"}},
            'who did "export" (whose size is at least 3) from 2026-01-01 up to 2026-01-31',
        ),
        ({"event": {"name": "login", "which": "last", "before": "30d ago"}}, 'who last did "login" before 30 days ago'),
        ({"trait": {"field": "trial_ends_at", "op": "lte", "value": "in 7d"}}, "whose trial ends at is not after 7 days"),
        ({"campaign": {"name": "spring", "state": ["opened", "clicked"], "variant": "B"}},
         "who are recipients of the campaign spring (opened or clicked, variant B)"),
        ({"percent": {"of": 20, "salt": "wave"}}, "who are among 20 % of everybody (split wave)"),
        ({"rfm": {"monetary": {"op": "gte", "value": 4}, "currency": "usd", "within": "52w"}},
         "whose monetary score is at least 4 (of 5, by payments in the last 52 weeks, money in USD)"),
    ],
)  # fmt: skip
def test_every_kind_is_put_into_words(match, words):
    assert words in sentence(build(match))


def test_nothing_published_means_that_nobody_did_anything(settings):
    snapshot = publish_people(settings, [person(1)])
    for match in (
        {"campaign": {"name": "any"}},
        {"rfm": {"recency": {"op": "gte", "value": 1}}},
        {"event": {"name": "stripe:invoice_paid"}},
        {"email": {"event": "click", "which": "last", "within": "5d"}},
    ):
        assert members(snapshot, build(match)) == []
        assert members(snapshot, build({"not": match})) == ["p0001"]
