"""What each plan, product, country, ... gained and lost in a range, as `revenue movements --group` answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.movements import KINDS
from pipelines.revenue import Group, Question, movements_by_group
from pipelines.warehouse import Snapshot

APART: tuple[Group, ...] = ("plan", "product", "interval", "currency", "country", "channel", "segment")
"""The groups of the page; its customers stand behind the cells of the movements."""
MOVES = (*KINDS, "transfer", "fx")


@dataclass(frozen=True)
class GroupMoved:
    """One value of the group over the whole range, minor units; opening + moved = closing."""

    value: str | None
    opening_minor: int
    moved_minor: dict[str, int]
    closing_minor: int


@dataclass(frozen=True)
class Apart:
    """All values, the largest closing balance first, and the rows by month that they are made of."""

    groups: list[GroupMoved]
    rows: list[dict[str, Any]]
    unconverted: list[str]


@per_snapshot
def groups_moved(snapshot: Snapshot, *, group: Group, first: date, last: date, currency: str, timezone: str) -> Apart:
    """The movements of the range by group, months summed."""
    answer = movements_by_group(
        snapshot, Question(date_from=first, date_to=last, by="month", currency=currency, timezone=timezone), group=group
    )
    rows, unconverted = answer["rows"], answer["unconverted"]
    assert isinstance(rows, list)
    assert isinstance(unconverted, list)
    values: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        values.setdefault(row[group], []).append(row)
    groups = [_summed(value, own) for value, own in values.items()]
    groups.sort(key=lambda one: (-one.closing_minor, one.value is None, one.value or ""))
    return Apart(groups, rows, unconverted)


def _summed(value: str | None, rows: list[dict[str, Any]]) -> GroupMoved:
    """A month without a row held nothing and moved nothing, so the last balance is what all of them left."""
    moved = {kind: sum(row[f"{kind}_minor"] for row in rows) for kind in MOVES}
    opening = rows[-1]["closing_minor"] - sum(moved.values())
    return GroupMoved(value, opening, moved, rows[-1]["closing_minor"])
