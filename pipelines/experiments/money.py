"""Money per person: the difference of two means by bootstrap, everybody who paid nothing included.

Resampling people with replacement is drawing how often each amount occurs. So groups are kept as distinct amounts with
their numbers of people: a million people who paid one of ten prices cost as much as a hundred. The draws are seeded:
the same groups and seed give the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.experiments.rates import ALPHA

if TYPE_CHECKING:
    import numpy as np

TIMES = 2_000
FEW = 64
"""Up to so many distinct amounts their numbers are drawn; beyond it the payers are."""
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class MoneyTest:
    """The difference of two means per person: percentile interval, two-sided p, and its standard error."""

    lift: float
    interval: tuple[float, float]
    p_value: float
    error: float


def bootstrap(
    amounts: Sequence[int], people: int, base_amounts: Sequence[int], base_people: int, *, seed: int, times: int = TIMES
) -> MoneyTest | None:
    """Compare what `people` paid per person with what `base_people` did; None where a group is empty.

    `amounts` are those of people who paid something; everybody else paid 0.
    """
    if not people or not base_people:
        return None
    import numpy as np  # Late: the ledger's part of a report needs none.

    random = np.random.default_rng(seed)
    paid, base = np.asarray(amounts, np.float64), np.asarray(base_amounts, np.float64)
    lift = float(paid.sum() / people - base.sum() / base_people)
    error = float(np.sqrt(_variance(paid, people) / people + _variance(base, base_people) / base_people))
    drawn = _means(random, paid, people, times) - _means(random, base, base_people, times)
    low, high = (float(value) for value in np.quantile(drawn, (ALPHA / 2, 1 - ALPHA / 2)))
    # Both sides count the lift of exactly nothing, so groups in which nobody paid are never told apart.
    side = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return MoneyTest(lift, (low, high), min(1.0, 2 * (side + 1) / (times + 1)), error)


def _variance(paid: np.ndarray[Any, Any], people: int) -> float:
    """Of all people, those who paid nothing included."""
    mean = paid.sum() / people
    return float((((paid - mean) ** 2).sum() + (people - len(paid)) * mean**2) / max(1, people - 1))


def _means(random: np.random.Generator, paid: np.ndarray[Any, Any], people: int, times: int) -> np.ndarray[Any, Any]:
    """The mean per person of each resample."""
    import numpy as np

    values, counts = np.unique(paid, return_counts=True)
    if len(values) <= FEW:
        chances = np.append(counts, people - len(paid)) / people
        return np.asarray(random.multinomial(people, chances, size=times)[:, :-1] @ values / people)
    payers = random.binomial(people, len(paid) / people, size=times)
    means = np.empty(times)
    step = max(1, _AT_ONCE // len(paid))
    for start in range(0, times, step):
        some = payers[start : start + step]
        chosen = paid[random.integers(0, len(paid), size=int(some.sum()))]
        ends = np.concatenate([[0], np.cumsum(some)])
        sums = np.concatenate([[0.0], np.cumsum(chosen)])
        means[start : start + step] = (sums[ends[1:]] - sums[ends[:-1]]) / people
    return means
