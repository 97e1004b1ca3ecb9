"""Split a whole number of minor units over exact parts, so that the shares add up to it (largest remainder)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def split(total: int, parts: Sequence[Decimal] | Sequence[Fraction]) -> list[int]:
    """Shares of `total`, one per part: each part rounded down, what is missing given to the largest remainders.

    Equal remainders go to the earlier part, so equal input gives equal shares. Parts that do not add
    up to nearly `total` are still shared out to it, one unit at a time in that order.
    """
    if not parts:
        return []
    floors = [math.floor(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda n: (floors[n] - parts[n], n))
    missing = total - sum(floors)
    whole, rest = divmod(missing, len(parts))
    for place, number in enumerate(by_remainder):
        floors[number] += whole + (place < rest)
    return floors
