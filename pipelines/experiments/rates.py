"""Shares of people: the difference of two with its interval, how many people it takes to see one, and Holm.

Plain formulas over counts; nothing in here knows campaigns. A difference is always the first group less the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

ALPHA = 0.05
"""How often a campaign that does nothing may look as if it did something."""
POWER = 0.8
"""How often a lift of the size that is looked for has to be found."""
FAIR = 5
"""So many people have to be expected in each cell, or the normal distribution is no picture of their number."""
_NORMAL = NormalDist()


def quantile(share: float) -> float:
    """Where the standard normal distribution has this share below it."""
    return _NORMAL.inv_cdf(share)


@dataclass(frozen=True)
class RateTest:
    """The difference of two shares: `interval` from each one's own spread, `z` and `p_value` from the pooled one."""

    lift: float
    interval: tuple[float, float]
    z: float
    p_value: float
    is_fair: bool
    """Whether there are enough people for the normal distribution."""


def two_proportions(converted: int, people: int, base_converted: int, base_people: int) -> RateTest | None:
    """Two-proportion z-test, two-sided: pooled for p, unpooled for the interval; None where a group is empty.

    Where nobody, or everybody, converted there is nothing to tell apart: z = 0, p = 1. Where within each group all did
    the same, the plain interval would promise certainty, so it is Newcombe's.
    """
    if not people or not base_people:
        return None
    rate, base = converted / people, base_converted / base_people
    pooled = (converted + base_converted) / (people + base_people)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / people + 1 / base_people))
    lift = rate - base
    z = lift / spread if spread else 0.0
    own = math.sqrt(rate * (1 - rate) / people + base * (1 - base) / base_people)
    reach = quantile(1 - ALPHA / 2) * own
    interval = (lift - reach, lift + reach) if own else _by_score(rate, people, base, base_people)
    smallest = min(people, base_people) * min(pooled, 1 - pooled)
    return RateTest(lift, interval, z, math.erfc(abs(z) / math.sqrt(2)), smallest >= FAIR)


def _by_score(rate: float, people: int, base: float, base_people: int) -> tuple[float, float]:
    """Newcombe's interval of a difference from the score interval of each share, where both are 0 or 1."""
    square = quantile(1 - ALPHA / 2) ** 2
    (low, high), (base_low, base_high) = (
        (share * count / (count + square), (share * count + square) / (count + square))
        for share, count in ((rate, people), (base, base_people))
    )
    lift = rate - base
    return lift - math.hypot(rate - low, base_high - base), lift + math.hypot(high - rate, base - base_low)


def sample_size(base: float, other: float, *, alpha: float = ALPHA, power: float = POWER) -> int | None:
    """People that each of two groups needs for this difference to be found; None where there is no difference.

    Source: Fleiss, Statistical Methods for Rates and Proportions, without the correction for continuity.
    """
    difference = abs(other - base)
    if not difference:
        return None
    middle = (base + other) / 2
    chance = quantile(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    own = quantile(power) * math.sqrt(base * (1 - base) + other * (1 - other))
    return math.ceil(((chance + own) / difference) ** 2)


def like_even(people: int, base_people: int) -> float:
    """How many people in each of two even groups tell as much as these two uneven ones."""
    return 2 * people * base_people / (people + base_people) if people and base_people else 0.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of one family, corrected for being several (Holm's step-down), each in its place."""
    adjusted, so_far = [1.0] * len(p_values), 0.0
    for position, index in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        so_far = max(so_far, min(1.0, p_values[index] * (len(p_values) - position)))
        adjusted[index] = so_far
    return adjusted
