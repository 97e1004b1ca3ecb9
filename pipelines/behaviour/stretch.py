"""The stretch of time that a trend looks at: its days, cut into periods, and the same stretch before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from pipelines.behaviour.documents import end_of, start_of
from pipelines.behaviour.periods import Interval, Periods, hour_of, microseconds
from pipelines.conditions import Bindings

_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_YEARS_BEFORE_1970 = 1000 * 366 * _DAY
"""Keeps the numbers of hours and days above zero, where every engine divides alike."""


@dataclass(frozen=True)
class Stretch:
    """Periods one after the other, in microseconds; only moments from `since` to before `until` count."""

    interval: Interval
    labels: list[str]
    begins: list[int]
    end: int
    since: int
    until: int

    def complete(self, known: int) -> list[bool]:
        """By period, whether it was looked at from its begin to its end, and events are known up to there."""
        until = min(known, self.until)
        ends = [*self.begins[1:], self.end]
        return [begin >= self.since and end <= until for begin, end in zip(self.begins, ends, strict=True)]

    def slots_sql(self, bindings: Bindings) -> str:
        """SQL of `slot, begins, ends, period`: the periods cut at each UTC hour or day, which is `slot_sql`'s number.

        A join on that number finds the few periods that a moment may lie in, whatever the zone.
        """
        width = self._width()
        rows = [
            (slot, begin, end, number)
            for number, (begin, end) in enumerate(pairwise([*self.begins, self.end]))
            for slot in range((begin + _YEARS_BEFORE_1970) // width, (end - 1 + _YEARS_BEFORE_1970) // width + 1)
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        lists = [f"unnest(cast({bindings.add(column)} as bigint[]))" for column in columns]
        names = ("slot", "begins", "ends", "period")
        return "select " + ", ".join(f"{part} as {name}" for part, name in zip(lists, names, strict=True))

    def slot_sql(self, moment: str) -> str:
        """SQL of the number of the UTC hour or day that a moment in microseconds lies in."""
        return f"(({moment} + {_YEARS_BEFORE_1970}) // {self._width()})"

    def _width(self) -> int:
        return _HOUR if self.interval == "hour" else _DAY


def stretch_of(first: date, last: date, interval: Interval, zone: str) -> Stretch:
    """The days `first` to `last`, both included; their first and last period may be cut."""
    periods = Periods(first, last, interval, zone)
    since, until = microseconds(start_of(first, zone)), microseconds(end_of(last, zone))
    return Stretch(interval, periods.labels, periods.begins, periods.end, since, until)


def stretch_before(first: date, last: date, interval: Interval, zone: str) -> Stretch:
    """As many periods right before, each against one of its own kind.

    Days and hours are those right before; weeks and months are moved by whole ones, so that a cut first or
    last period is compared with one that is cut alike.
    """
    if interval == "hour":
        # The clocks may change in one of the two: as many hours, not as many days.
        now = stretch_of(first, last, interval, zone)
        begins = [now.since - _HOUR * number for number in range(len(now.begins), 0, -1)]
        return Stretch(interval, [hour_of(begin, zone) for begin in begins], begins, now.since, begins[0], now.since)
    days = (last - first).days + 1
    if interval == "month":
        months = (last.year - first.year) * 12 + last.month - first.month
        if not months or _months_before(last, months, is_end=True) >= first:
            months += 1
        return stretch_of(_months_before(first, months), _months_before(last, months, is_end=True), interval, zone)
    back = timedelta(days=-(-days // 7) * 7 if interval == "week" else days)
    return stretch_of(first - back, last - back, interval, zone)


def _months_before(day: date, months: int, *, is_end: bool = False) -> date:
    """The same day so many months before; the end of a month stays one, a day that is missing is the last."""
    number = day.year * 12 + day.month - 1 - months
    length = (_month(number + 1) - _month(number)).days
    ends = is_end and (day + timedelta(days=1)).day == 1
    return _month(number).replace(day=length if ends else min(day.day, length))


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
