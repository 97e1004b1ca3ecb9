"""The Kaplan-Meier estimate of a survival curve, with a pointwise confidence band.

Variance by Greenwood's formula; the band on the log(-log) scale, so that it stays between 0 and 1 (Kalbfleisch and
Prentice, The Statistical Analysis of Failure Time Data, 1980; `conf.type = "log-log"` of R's `survfit`). Who leaves
and who goes out of sight on the same day: the leaving comes first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

CONFIDENCE = 0.95
Z = 1.959963984540054
"""The quantile of the normal distribution for it, both tails."""


@dataclass(frozen=True)
class Step:
    """The curve from `day` on: `at_risk` of them were in sight until then, `ended` of these ended on it.

    `lower` and `upper` are None where there is no band: nothing is left of the curve.
    """

    day: int
    at_risk: int
    ended: int
    survival: float
    lower: float | None
    upper: float | None


def kaplan_meier(observed: Iterable[tuple[int, bool]]) -> list[Step]:
    """The curve of lifetimes: how long each was in sight, and whether it ended then or only went out of sight.

    Steps are day 0, every day on which one ended, and the last day that anything is known of.
    """
    seen = list(observed)
    if not seen:
        return []
    all_of = Counter(day for day, _ in seen)
    ended_of = Counter(day for day, is_end in seen if is_end)
    at_risk, survival, variance = len(seen), 1.0, 0.0
    steps: list[Step] = []
    for day in sorted({0, *all_of}):
        ended = ended_of[day]
        if ended:
            survival *= (at_risk - ended) / at_risk
            variance += ended / (at_risk * (at_risk - ended)) if at_risk > ended else math.inf
        if ended or day in (0, max(all_of)):
            steps.append(Step(day, at_risk, ended, survival, *_band(survival, variance)))
        at_risk -= all_of[day]
    return steps


def _band(survival: float, variance: float) -> tuple[float | None, float | None]:
    if survival <= 0:
        return None, None
    if survival >= 1:
        return 1.0, 1.0
    width = Z * math.sqrt(variance) / math.log(survival)
    return survival ** math.exp(-width), survival ** math.exp(width)
