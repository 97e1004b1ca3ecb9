"""Were the groups drawn as they were meant to be? A chi-square over their sizes (sample ratio mismatch)."""

from __future__ import annotations

from collections.abc import Sequence

SUSPECT = 0.001
"""Below this p-value the groups were not drawn as planned, and nothing that compares them means anything."""


def split_p_value(people: Sequence[int], shares: Sequence[float]) -> float | None:
    """How likely groups of these sizes are where these shares were meant; None for fewer than two groups or nobody."""
    meant = [(count, share) for count, share in zip(people, shares, strict=True) if share > 0]
    total, whole = sum(count for count, _ in meant), sum(share for _, share in meant)
    if len(meant) < 2 or not total:
        return None
    from scipy import special  # Late: it takes longer than all the rest of a report.

    expected = [total * share / whole for _, share in meant]
    distance = sum((count - wanted) ** 2 / wanted for (count, _), wanted in zip(meant, expected, strict=True))
    return float(special.chdtrc(len(meant) - 1, distance))
