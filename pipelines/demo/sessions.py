"""How many sessions there truly were, by a rule in a few lines that knows no SQL.

A session ends after 30 idle minutes: a gap of more than that starts the next one, whatever the day.
Messages of all kinds count, of everybody: users with what they did before signing up and on another
device, and visitors who never said who they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from pipelines.demo.behaviour import Message
from pipelines.demo.clock import MINUTE, month_of

IDLE = 30 * MINUTE * 1_000


class Sessions:
    """Gathers the moments of each person."""

    def __init__(self) -> None:
        self._moments: dict[str, list[int]] = defaultdict(list)

    def take(self, person: str, messages: Iterable[Message]) -> None:
        """Messages of one person; a person may be told of several times."""
        self._moments[person] += [message.at for message in messages]

    def by_month(self) -> dict[str, int]:
        """Sessions by the UTC month of their first message."""
        counts: Counter[str] = Counter()
        for moments in self._moments.values():
            ordered = sorted(moments)
            begins = ordered[:1] + [later for earlier, later in pairwise(ordered) if later - earlier > IDLE]
            counts.update(month_of(at // 1_000) for at in begins)
        return dict(sorted(counts.items()))
