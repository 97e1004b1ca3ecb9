"""What a difference is worth: one of four words, and the rules that lead to it.

`invalid_split`: the groups are not of the sizes that were drawn for, so nothing that compares them counts.
`underpowered`: the time is not over, or the audience was too small for a lift of the size that was seen (or of a fifth
of what the others did, where that is more) to be found four times in five: too early or too few to tell, whatever p is.
`significant` and `not_significant`: enough people, all the time, and p below 5 % or not.
"""

from __future__ import annotations

from typing import Literal

from pipelines.experiments.money import MoneyTest
from pipelines.experiments.rates import ALPHA, POWER, RateTest, like_even, quantile, sample_size

Verdict = Literal["significant", "not_significant", "underpowered", "invalid_split"]
WORTH_FINDING = 0.2
"""The smallest lift that an audience has to be able to show, as a share of what the others did."""


def verdict(p_value: float, *, is_powered: bool, is_over: bool, is_split_valid: bool) -> Verdict:
    """The word for a difference."""
    if not is_split_valid:
        return "invalid_split"
    if not is_over or not is_powered:
        return "underpowered"
    return "significant" if p_value < ALPHA else "not_significant"


def needed_people(test: RateTest, base: float) -> int | None:
    """People per group that the lift which was seen, or one of a fifth, would take; None without any base."""
    looked_for = max(abs(test.lift), WORTH_FINDING * base)
    other = min(1.0, base + looked_for) if test.lift >= 0 else base - looked_for
    return sample_size(base, other)


def is_powered_rate(test: RateTest, base: float, people: int, base_people: int) -> bool:
    """Whether these groups were large enough for what was seen in them."""
    needed = needed_people(test, base)
    return test.is_fair and needed is not None and like_even(people, base_people) >= needed


def is_powered_money(test: MoneyTest, base: float) -> bool:
    """The same for money per person, by the standard error of the difference."""
    found_often = (quantile(1 - ALPHA / 2) + quantile(POWER)) * test.error
    return 0 < found_often <= max(abs(test.lift), WORTH_FINDING * abs(base))
