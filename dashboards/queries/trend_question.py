"""What the trends page asks: its series as text in a link, and as a query document of `pipelines.behaviour`.

A link carries `series=Home!unique!~Order Completed!sum!total!plan!is!pro`: series parted by `~`; event, measure,
property (empty where none is measured) and condition parted by `!`. An empty event is any event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

from dashboards.queries.funnel_question import OPS, Step
from pipelines.behaviour import COUNTED, OF_A_PROPERTY

MOST = 5
MEASURES = {
    "people": "unique",
    "times": "total",
    "times per person": "per_user",
    "sum of": "sum",
    "average of": "average",
    "smallest": "min",
    "largest": "max",
    "median of": "median",
    "90th percentile of": "p90",
    "95th percentile of": "p95",
    "99th percentile of": "p99",
}
"""What the page calls the measures; a link has their own names."""
INTERVALS = ("hour", "day", "week", "month")
LONGEST_BY_HOUR = 14
"""Days; a longer stretch has more hours than can be told apart."""


@dataclass(frozen=True)
class Counted:
    """One series of the page: an event with at most one condition, a measure and the property it measures."""

    step: Step
    measure: str = "unique"
    of: str = ""

    @property
    def words(self) -> str:
        """The measure as the page calls it."""
        return next(words for words, measure in MEASURES.items() if measure == self.measure)

    @property
    def can_be_asked(self) -> bool:
        """A property's measure needs its property."""
        return self.measure in COUNTED or bool(self.of)

    def document(self) -> dict[str, Any]:
        """The series as a query document has it."""
        found: dict[str, Any] = {"event": self.step.event, "measure": self.measure}
        if self.measure in OF_A_PROPERTY:
            found["property"] = self.of
        return found | ({"where": self.step.where()} if self.step.where() else {})


def series_of(text: str, known: Sequence[str]) -> list[Counted]:
    """The series of a link; what it can not mean is dropped."""
    return [one for part in text.split("~") if (one := _one(part, known)) is not None][:MOST] if text else []


def text_of(series: Sequence[Counted]) -> str:
    """The series as a link carries them."""
    return "~".join(_part(one) for one in series)


def document_of(
    series: Sequence[Counted],
    *,
    days: tuple[date, date],
    interval: str,
    split: str | None,
    formula: str,
    compare: bool,
    timezone: str,
) -> dict[str, Any]:
    """The page's state as a query document."""
    found: dict[str, Any] = {
        "series": [one.document() for one in series],
        "interval": interval,
        "date_from": days[0].isoformat(),
        "date_to": days[1].isoformat(),
        "timezone": timezone,
    }
    if formula.strip():
        found["formula"] = formula.strip()
    if split is not None:
        found["breakdown"] = {"property": split}
    return found | ({"compare": "previous"} if compare else {})


def intervals_for(days: tuple[date, date]) -> tuple[str, ...]:
    """How finely the days can be cut."""
    return INTERVALS if (days[1] - days[0]).days < LONGEST_BY_HOUR else INTERVALS[1:]


def _one(part: str, known: Sequence[str]) -> Counted | None:
    event, measure, of, field, op, value = [*(unquote(piece) for piece in part.split("!")), *[""] * 5][:6]
    if (event and event not in known) or measure not in MEASURES.values():
        return None
    step = Step(event or None, field, op, value) if field and op in OPS else Step(event or None)
    return Counted(step, measure, of)


def _part(one: Counted) -> str:
    step = one.step
    pieces = [step.event or "", one.measure, one.of, *([step.field, step.op, step.value] if step.field else [])]
    return "!".join(map(_escaped, pieces))


def _escaped(piece: str) -> str:
    return piece.replace("%", "%25").replace("~", "%7E").replace("!", "%21")
