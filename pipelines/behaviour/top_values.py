"""The lines of a breakdown: the most common values of a property, and one line for all the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.conditions import Bindings

OTHER, WITHOUT = "other", "(none)"
_REST = 0


@dataclass(frozen=True)
class Top:
    """The values with a line of their own, the largest first; None stands for events without the property.

    A line has a number: from 1 for texts in their order, then one for events without, 0 for the others.
    """

    ranked: list[str | None]
    is_split: bool

    @property
    def _texts(self) -> list[str]:
        return [value for value in self.ranked if value is not None]

    def number_sql(self, value: str | None, bindings: Bindings) -> str:
        """SQL of the number of an event's line; `value` is SQL of the property, None without a breakdown."""
        if value is None or not self.ranked:
            return str(_REST)
        missing = len(self._texts) + 1 if None in self.ranked else _REST
        place = f"list_position(cast({bindings.add(self._texts)} as varchar[]), {value})"
        return f"case when {value} is null then {missing} else coalesce({place}, {_REST}) end"

    def numbers(self, seen: Iterable[int]) -> list[int]:
        """The lines in order; the rest comes last, where anything belongs to it."""
        if not self.is_split:
            return [_REST]
        texts = self._texts
        own = [len(texts) + 1 if value is None else texts.index(value) + 1 for value in self.ranked]
        return [*own, *([_REST] if _REST in set(seen) else [])]

    def value(self, number: int) -> str | None:
        """The value of a line; None for events without one and for the rest."""
        texts = self._texts
        return texts[number - 1] if 0 < number <= len(texts) else None

    def is_other(self, number: int) -> bool:
        """Whether it is the line of the rest."""
        return self.is_split and number == _REST

    def name(self, number: int) -> str:
        """What a line is called."""
        if self.is_other(number):
            return OTHER
        value = self.value(number)
        return WITHOUT if value is None else value


ALL = Top([], is_split=False)
"""Without a breakdown: one line."""
