"""Who fits a rule: against a plain reading of the same rule in Python over random people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.segments import SegmentDocument, members, preview
from pipelines.settings import Settings
from tests.segments.people import NOW, naive, person, publish_people

PLANS = ("pro", "basic", "", None)
COUNTRIES = ("DE", "NO", None)
EVENTS = ("login", "export", "it's; drop table x --")


def build(match):
    return SegmentDocument.model_validate({"name": "rule", "match": match})


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Every combination of a few traits, with event counts that differ."""
    people, events = [], []
    for number in range(144):
        people.append(
            person(
                number,
                plan=PLANS[number % 4],
                country=COUNTRIES[number % 3],
                payments_count=number % 5,
                is_guest=(True, False, None)[number // 3 % 3],
                mrr_minor=(0, 1999, 2000, 2001, None)[number % 5],
                mrr_currency=("USD", "EUR", "JPY", None)[number // 5 % 4],
                first_seen_at=None if number % 7 == 0 else naive(2026, 1, 1) + timedelta(hours=18 * number),
            )
        )
        for position in range(number % 4):
            at = NOW - timedelta(days=10 * position + number % 11, hours=number % 2)
            events.append((f"p{number:04d}", EVENTS[(number + position) % 3], at))
    options = Settings(MILLSTREAM_DATA_DIR=tmp_path_factory.mktemp("crowd"))
    return publish_people(options, people, events), people, events


def _holds(op, have, want):
    if op == "is_set":
        return have is not None and have != ""
    if op == "is_not_set":
        return have is None or have == ""
    if op in ("ne", "not_in"):
        return not _holds({"ne": "eq", "not_in": "in"}[op], have, want)
    if have is None:
        return False
    return {
        "eq": lambda: have == want,
        "in": lambda: have in want,
        "gt": lambda: have > want,
        "gte": lambda: have >= want,
        "lt": lambda: have < want,
        "lte": lambda: have <= want,
        "contains": lambda: want in have,
        "icontains": lambda: want.lower() in have.lower(),
        "regex": lambda: re.search(want, have) is not None,
    }[op]()


def fits(match, one, events):
    """The rule read word by word."""
    ((kind, inner),) = match.items()
    if kind == "all":
        return all(fits(part, one, events) for part in inner)
    if kind == "any":
        return any(fits(part, one, events) for part in inner)
    if kind == "not":
        return not fits(inner, one, events)
    if kind == "trait":
        return _holds(inner["op"], one[inner["field"]], inner.get("value"))
    since = NOW - timedelta(days=int(inner["within"][:-1])) if "within" in inner else datetime.min.replace(tzinfo=UTC)
    times = sum(who == one["person_id"] and what == inner["name"] and since < at <= NOW for who, what, at in events)
    return _holds(inner["count"]["op"], times, inner["count"]["value"])


TEXTS = st.sampled_from(["pro", "PRO", "basic", "", "o", "DE", "x' or '1'='1", "%"])
TRAITS = st.one_of(
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["plan", "country"]),
            "op": st.sampled_from(["eq", "ne", "contains", "icontains"]),
            "value": TEXTS,
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["plan", "country"]),
            "op": st.sampled_from(["in", "not_in"]),
            "value": st.lists(TEXTS, max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("plan"),
            "op": st.just("regex"),
            "value": st.sampled_from(["^p", "o$", "b.s", "^$"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["payments_count", "mrr_minor"]),
            "op": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
            "value": st.sampled_from([0, 1, 3, 2000, 2000.5]),
        }
    ),
    st.fixed_dictionaries({"field": st.just("is_guest"), "op": st.sampled_from(["eq", "ne"]), "value": st.booleans()}),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["plan", "is_guest", "mrr_minor", "first_seen_at"]),
            "op": st.sampled_from(["is_set", "is_not_set"]),
        }
    ),
)
COUNTED = st.fixed_dictionaries(
    {
        "name": st.sampled_from(EVENTS),
        "count": st.fixed_dictionaries(
            {"op": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), "value": st.integers(0, 3)}
        ),
    },
    optional={"within": st.sampled_from(["5d", "10d", "31d"])},
)
RULES = st.recursive(
    st.one_of(TRAITS.map(lambda trait: {"trait": trait}), COUNTED.map(lambda event: {"event": event})),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
)


@given(RULES)
@effort(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_sql_and_a_plain_reading_choose_the_same_people(crowd, match):
    snapshot, people, events = crowd
    expected = [one["person_id"] for one in people if fits(match, one, events)]
    assert members(snapshot, build(match)) == expected


@given(RULES)
@effort(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_rule_and_its_opposite_part_everybody(crowd, match):
    snapshot, people, _ = crowd
    inside, outside = members(snapshot, build(match)), members(snapshot, build({"not": match}))
    assert sorted(inside + outside) == sorted(one["person_id"] for one in people)


@given(st.lists(RULES, min_size=1, max_size=4))
@effort(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_losses_of_a_preview_add_up(crowd, parts):
    snapshot, people, _ = crowd
    answer = preview(snapshot, build({"all": parts}))
    losses = [step["lost"] for step in answer["loss_by_rule"]]
    assert len(losses) == len(parts)
    assert answer["size"] == len(people) - sum(losses)
    assert answer["size"] == len(members(snapshot, build({"all": parts})))
    assert len(answer["sample"]) == min(answer["size"], 10)
    assert all("***@" in row["email"] for row in answer["sample"])


@pytest.mark.parametrize(
    ("op", "value", "currency", "fitting"),
    [
        ("gte", 20, "USD", {2000, 2001}),
        ("gt", 20, "usd", {2001}),
        ("eq", 19.99, "USD", {1999}),
        ("lt", 20, "USD", {0, 1999}),
        ("gte", 2000, "JPY", {2000, 2001}),
        ("eq", 0, "GBP", {0}),
    ],
)
def test_money_is_compared_in_major_units_of_its_currency(crowd, op, value, currency, fitting):
    snapshot, people, _ = crowd
    expected = [
        one["person_id"]
        for one in people
        if one["mrr_minor"] in fitting and (one["mrr_minor"] == 0 or one["mrr_currency"] == currency.upper())
    ]
    rule = {"trait": {"field": "mrr", "op": op, "value": value, "currency": currency}}
    assert members(snapshot, build(rule)) == expected
    assert expected


@pytest.mark.parametrize("op", ["eq", "gt", "gte", "lt", "lte"])
def test_a_bare_date_is_a_whole_day_in_the_reporting_zone(crowd, op):
    snapshot, people, _ = crowd
    first = naive(2026, 2, 9, 23)  # 10 February in Berlin
    end = first + timedelta(days=1)
    wanted = {
        "eq": lambda at: first <= at < end,
        "gt": lambda at: at >= end,
        "gte": lambda at: at >= first,
        "lt": lambda at: at < first,
        "lte": lambda at: at < end,
    }[op]
    expected = [one["person_id"] for one in people if one["first_seen_at"] and wanted(one["first_seen_at"])]
    rule = {"trait": {"field": "first_seen_at", "op": op, "value": "2026-02-10"}}
    assert members(snapshot, build(rule), timezone="Europe/Berlin") == expected
    assert expected


def test_a_referred_segment_stands_for_its_rule(crowd):
    snapshot, _, _ = crowd
    inner = {"trait": {"field": "plan", "op": "eq", "value": "pro"}}
    other = SegmentDocument.model_validate({"name": "other", "match": inner})
    outer = build({"not": {"segment": "other"}})
    found = members(snapshot, outer, lookup=lambda name: other if name == "other" else None)
    assert found == members(snapshot, build({"not": inner}))


def test_a_list_is_asked_for_one_of_its_parts(settings):
    lists: tuple[list[str] | None, ...] = (["cus_1", "cus_2"], ["cus_12"], [], None)
    snapshot = publish_people(settings, [person(n, stripe_customer_ids=ids) for n, ids in enumerate(lists)])
    trait = {"field": "stripe_customer_ids", "op": "contains", "value": "cus_1"}
    assert members(snapshot, build({"trait": trait})) == ["p0000"]
    filled = {"field": "stripe_customer_ids", "op": "is_set"}
    assert members(snapshot, build({"trait": filled})) == ["p0000", "p0001"]


def test_an_event_at_the_edge_of_its_window_counts_on_one_side_only(settings):
    month = timedelta(days=30)
    moments = (
        ("p0001", NOW - month),
        ("p0002", NOW - month + timedelta(seconds=1)),
        ("p0003", NOW),
        ("p0004", NOW + month),
    )
    snapshot = publish_people(settings, [person(n) for n in range(1, 5)], [(who, "login", at) for who, at in moments])
    rule = build({"event": {"name": "login", "within": "30d"}})
    assert members(snapshot, rule) == ["p0002", "p0003"]


def test_an_earlier_day_counts_only_what_had_happened(settings):
    then = NOW - timedelta(days=10)
    people = [
        person(1, first_seen_at=naive(2026, 1, 1), customer_since=naive(2026, 1, 2)),
        person(2, first_seen_at=naive(2026, 1, 1), customer_since=naive(2026, 5, 30)),
        person(3, first_seen_at=naive(2026, 5, 30)),
    ]
    snapshot = publish_people(settings, people, [("p0001", "login", NOW - timedelta(days=1))])
    quiet = build({"event": {"name": "login", "count": {"op": "eq", "value": 0}}})
    assert members(snapshot, quiet) == ["p0002", "p0003"]
    assert members(snapshot, quiet, then) == ["p0001", "p0002"]
    paid = build({"trait": {"field": "customer_since", "op": "is_set"}})
    assert members(snapshot, paid, then) == ["p0001"]


def test_a_trait_without_history_is_refused_for_an_earlier_day(crowd):
    snapshot, _, _ = crowd
    rule = build({"all": [{"trait": {"field": "plan", "op": "eq", "value": "pro"}}]})
    with pytest.raises(UsageError, match=r"match\.all\[0\]\.trait\.field: plan has no history"):
        members(snapshot, rule, NOW - timedelta(days=1))


def test_what_the_mailer_told_is_asked_by_campaign_and_time(settings):
    week = NOW - timedelta(days=7)
    told = [
        ("p0001", "clicked", "spring", week),
        ("p0001", "clicked", "autumn", NOW - timedelta(days=70)),
        ("p0002", "clicked", "autumn", week),
        ("p0003", "opened by a machine", "spring", week),
        ("p0004", "opened", "spring", week),
    ]
    snapshot = publish_people(settings, [person(n) for n in range(1, 6)], emails=told)

    def who(**rule):
        return members(snapshot, build({"email": rule}))

    assert who(event="click", campaign="any", within="60d") == ["p0001", "p0002"]
    assert who(event="click", campaign="autumn") == ["p0001", "p0002"]
    assert who(event="click", campaign="autumn", within="60d") == ["p0002"]
    assert who(event="click", count={"op": "gte", "value": 2}) == ["p0001"]
    assert who(event="open") == ["p0004"]
    assert who(event="click", count={"op": "eq", "value": 0}) == ["p0003", "p0004", "p0005"]


def test_before_the_first_mail_nobody_was_told_anything(settings):
    never = build({"email": {"event": "click", "count": {"op": "lt", "value": 1}}})
    assert members(publish_people(settings, [person(1)]), never) == ["p0001"]
