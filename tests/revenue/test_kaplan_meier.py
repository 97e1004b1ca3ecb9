"""The survival curve as a function of lifetimes: published bands, and what holds for any lives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.revenue import kaplan_meier

REMISSION = [(6, 3), (7, 1), (10, 1), (13, 1), (16, 1), (22, 1), (23, 1)]
OUT_OF_SIGHT = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks of remission under 6-mercaptopurine (Freireich et al. 1963): ends by week, and who went out of sight."""
BAND = {
    6: (0.6197, 0.9516), 7: (0.5631, 0.9228), 10: (0.5032, 0.8894), 13: (0.4316, 0.8491), 16: (0.3675, 0.8049),
    22: (0.2678, 0.7468), 23: (0.1881, 0.6801),
}  # fmt: skip
"""The log(-log) band of 95 % as statistics packages print it for these data (Stata's `sts list`, lifelines 0.30)."""


def test_the_band_is_the_published_one() -> None:
    lives = [(week, True) for week, ended in REMISSION for _ in range(ended)] + [(week, False) for week in OUT_OF_SIGHT]
    steps = {step.day: step for step in kaplan_meier(lives) if step.ended}
    assert set(steps) == set(BAND)
    for week, (lower, upper) in BAND.items():
        assert steps[week].lower == pytest.approx(lower, abs=5e-5)
        assert steps[week].upper == pytest.approx(upper, abs=5e-5)


LIVES = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40)


@given(LIVES)
def test_the_curve_falls_inside_its_band_and_counts_who_is_left(lives: list[tuple[int, bool]]) -> None:
    steps = kaplan_meier(lives)
    assert [step.day for step in steps] == sorted({step.day for step in steps})
    before = 1.0
    for step in steps:
        assert step.at_risk == sum(day >= step.day for day, _ in lives)
        assert step.ended == sum(day == step.day and is_end for day, is_end in lives)
        assert 0 <= step.survival <= before
        before = step.survival
        if step.lower is None or step.upper is None:
            assert step.survival == 0
        else:
            assert 0 <= step.lower <= step.survival <= step.upper <= 1
    assert sum(step.ended for step in steps) == sum(is_end for _, is_end in lives)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_where_everybody_is_seen_to_the_end_the_curve_is_the_share_that_lives_on(days: list[int]) -> None:
    for step in kaplan_meier((day, True) for day in days):
        assert step.survival == pytest.approx(sum(day > step.day for day in days) / len(days))


def test_of_nobody_there_is_no_curve() -> None:
    assert kaplan_meier([]) == []
