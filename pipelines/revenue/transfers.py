"""A customer's movement of one day by group: whose it is, and what only went from one group to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from pipelines.revenue.shares import split


@dataclass(frozen=True)
class Parts:
    """Minor units by group; `moved` adds up to the customer's movement, `transferred` to nothing."""

    moved: dict[str | None, int]
    transferred: dict[str | None, int]


def parts_of(amount: int, changes: Mapping[str | None, int]) -> Parts:
    """Take a movement of `amount` apart over groups whose balances changed by `changes`, which add up to it.

    The groups that moved in the movement's direction share it by how far they moved. What they moved
    beyond it came from the others: a switch of plan that raises MRR from 20 to 50 takes 20 out of one
    plan, brings 20 to the other and is an expansion of 30 there.
    """
    along = {group: change for group, change in changes.items() if change * amount > 0}
    way = sum(along.values())
    shares = split(amount, [Fraction(amount * change, way) for change in along.values()]) if along else []
    moved = dict(zip(along, shares, strict=True))
    transferred = {group: change - moved.get(group, 0) for group, change in changes.items()}
    return Parts(moved, {group: minor for group, minor in transferred.items() if minor})
