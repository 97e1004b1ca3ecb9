"""What holds a campaign back, in words: each gate by itself, and all of them together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.campaigns.gates import ATTENDED, GATES, Facts, HeldBackError, holds, refuse_held
from tests.segments.people import NOW

DAY = timedelta(hours=26)
GOOD = Facts(snapshot=7, as_of=NOW, needs_consents=True)


def shut(facts, now=NOW, max_age=DAY):
    return [hold.gate for hold in holds(facts, now=now, max_age=max_age)]


def test_good_data_hold_nobody_back():
    assert shut(GOOD) == []
    refuse_held("win-back", holds(GOOD, now=NOW, max_age=DAY))


@pytest.mark.parametrize(
    ("change", "gate", "words"),
    [
        ({"snapshot": None, "as_of": None}, "freshness", "Nothing is published yet"),
        ({"failed_build": (NOW, "2 check(s) failed.")}, "checks", "failed at 2026-06-01 00:00 UTC: 2 check(s) failed."),
        ({"failed_checks": ["unique on marts.x"]}, "checks", "Checks of snapshot 7 failed: unique on marts.x."),
        ({"late_sources": {"raw_events.events": "the newest row is 5 days old"}}, "sources", "5 days old"),
        ({"unexplained": {"usd": 12_345, "eur": 0}}, "reconciliation", "12,345 minor units of usd"),
        ({"counted_again": {"default": (NOW, 99)}}, "reconciliation", "99 minor units differed"),
        ({"has_consents": False}, "consent", "No consent is recorded"),
    ],
)
def test_each_gate_says_what_is_wrong_and_what_opens_it(change, gate, words):
    (hold,) = holds(replace(GOOD, **change), now=NOW, max_age=DAY)
    assert hold.gate == gate
    assert words in hold.what
    assert "`millstream " in hold.mend


def test_a_snapshot_is_stale_from_the_moment_after_its_age_limit():
    assert shut(GOOD, NOW + DAY) == []
    (hold,) = holds(GOOD, now=NOW + DAY + timedelta(seconds=1), max_age=DAY)
    assert hold.what == (
        "Snapshot 7 stands for 2026-06-01 00:00 UTC: stale since 2026-06-02 02:00 UTC, "
        "because more than 26 hours have passed."
    )


def test_a_clock_that_was_put_back_does_not_make_old_data_fresh():
    assert shut(GOOD, NOW - timedelta(minutes=5)) == []
    assert shut(GOOD, NOW - timedelta(minutes=6)) == ["freshness"]


def test_a_difference_of_nothing_and_a_consent_that_is_not_needed_hold_nobody_back():
    facts = replace(GOOD, unexplained={"usd": 0}, counted_again={"default": (NOW, 0)}, needs_consents=False)
    assert shut(replace(facts, has_consents=False)) == []


def test_all_that_is_shut_is_told_at_once_in_one_order():
    facts = Facts(None, None, (NOW, "x"), (), {"t": "late"}, {"usd": 1}, {}, needs_consents=True, has_consents=False)
    assert shut(facts) == list(GATES)
    assert [gate for gate in shut(facts) if gate in ATTENDED] == ["freshness", "checks"]
    with pytest.raises(HeldBackError, match=r"campaign win-back is held back\. .*Nobody new was planned\.") as told:
        refuse_held("win-back", holds(facts, now=NOW, max_age=DAY))
    assert all(hold.what in str(told.value) for hold in holds(facts, now=NOW, max_age=DAY))
