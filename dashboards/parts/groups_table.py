"""The revenue page's table of groups: what each one opened with, gained, lost and ended with."""

from __future__ import annotations

import polars as pl

from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, counted
from dashboards.parts.table import table
from dashboards.parts.words import small
from dashboards.queries.groups import MOVES, Apart, GroupMoved
from dashboards.view import View

SHOWN = 25
_HEADINGS = {"fx": "Rates"}


def groups_table(group: str, found: Apart, currency: str, view: View) -> None:
    """A row per value, columns only for what moved anywhere, and the sum of all values."""
    kinds = [kind for kind in MOVES if any(one.moved_minor[kind] for one in found.groups)]
    names = (_HEADINGS.get(kind, kind.capitalize()) for kind in kinds)
    headers = (group.capitalize(), "Opening", *names, "Closing")
    shown = found.groups[:SHOWN]
    rows = [(NONE if one.value is None else one.value, *_amounts(one, kinds, currency)) for one in shown]
    table(
        headers,
        [*rows, ("All", *_amounts(_all(found.groups), kinds, currency))],
        numbers=headers[1:],
        dense=True,
        has_total=True,
        caption=f"MRR movements by {group}",
        colours=view.colours,
    )
    if more := len(found.groups) - len(shown):
        small(f"{counted(more, 'smaller one')} in the sum alone; the file has all.", view.colours)
    small("A transfer is what a switch took from one and brought to another.", view.colours)


def groups_frame(found: Apart) -> pl.DataFrame:
    """The rows by month as `revenue movements --group` tells them, for a file."""
    return pl.DataFrame(found.rows, infer_schema_length=None)


def _all(groups: list[GroupMoved]) -> GroupMoved:
    moved = {kind: sum(one.moved_minor[kind] for one in groups) for kind in MOVES}
    return GroupMoved(None, sum(one.opening_minor for one in groups), moved, sum(one.closing_minor for one in groups))


def _amounts(one: GroupMoved, kinds: list[str], currency: str) -> tuple[str, ...]:
    minors = (one.opening_minor, *(one.moved_minor[kind] for kind in kinds), one.closing_minor)
    return tuple(money(minor, currency) for minor in minors)
