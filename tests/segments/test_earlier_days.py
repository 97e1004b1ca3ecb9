"""MRR and plan of an earlier day, over a built business: they are the ledger's, and those of today are the mart's."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.segments import SegmentDocument, member_rows, members
from tests.building import newest

TRAITS = ("person_id", "mrr_minor", "mrr_currency", "plan")


def build(*traits: dict[str, object]) -> SegmentDocument:
    return SegmentDocument.model_validate({"name": "rule", "match": {"all": [{"trait": trait} for trait in traits]}})


ANY_MRR = build(
    {"field": "mrr_minor", "op": "gte", "value": 0},
    {"field": "interval", "op": "ne", "value": "never"},
)


def test_a_moment_ago_everybody_had_the_mrr_and_plan_that_the_mart_has(built_folder: Path) -> None:
    snapshot = newest(built_folder)
    now = member_rows(snapshot, ANY_MRR, TRAITS)
    assert member_rows(snapshot, ANY_MRR, TRAITS, snapshot.as_of - timedelta(microseconds=1)) == now
    assert len({row["plan"] for row in now}) > 2


@pytest.mark.parametrize("days", [20, 45])
def test_the_mrr_of_an_earlier_day_is_the_ledgers(built_folder: Path, days: int) -> None:
    snapshot = newest(built_folder)
    day = snapshot.as_of.date() - timedelta(days=days)
    end = datetime.combine(day, time.max, UTC)
    found: Counter[str] = Counter()
    for row in member_rows(snapshot, ANY_MRR, TRAITS, end):
        found[row["mrr_currency"] or ""] += row["mrr_minor"]
    told = snapshot.query(
        "select currency, sum(mrr_minor)::bigint as mrr_minor from marts.fct_mrr_daily "
        "where profile = 'stripe' and day = $day group by currency having sum(mrr_minor) > 0",
        day=day,
    )
    assert told.height > 0
    assert {currency: size for currency, size in found.items() if size} == dict(told.iter_rows())


def test_who_pays_and_what_is_asked_of_an_earlier_day_by_their_rules(built_folder: Path) -> None:
    snapshot = newest(built_folder)
    then = snapshot.as_of - timedelta(days=30)
    paying = set(members(snapshot, build({"field": "mrr_minor", "op": "gt", "value": 0}), then))
    on_a_plan = set(members(snapshot, build({"field": "plan", "op": "is_set"}), then))
    assert paying
    assert paying <= on_a_plan
    with pytest.raises(UsageError, match=r"subscription_status has no history"):
        members(snapshot, build({"field": "subscription_status", "op": "is_set"}), then)
