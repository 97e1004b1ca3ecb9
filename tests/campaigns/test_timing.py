"""When a campaign is due, against a walk over the clocks of a whole year, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest

from pipelines.campaigns.document import Schedule
from pipelines.campaigns.timing import Timing, due_time, moment, named, ticks

STEP = timedelta(minutes=15)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
WEEKDAYS = range(7)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text):
    return datetime.fromisoformat(text)


@cache
def numbers(field, values):
    """What a field of a cron allows, read by the manual: `*`, `*/n`, lists, ranges."""
    found = set()
    for part in field.split(","):
        part, _, every = part.partition("/")
        first, _, last = part.partition("-")
        among = values if part == "*" else range(int(first), int(last or first) + 1)
        found |= set(list(among)[:: int(every or 1)])
    return frozenset(found)


def shows(cron, shown):
    minute, hour, day, month, weekday = cron.split()
    if shown.minute not in numbers(minute, range(60)) or shown.hour not in numbers(hour, range(24)):
        return False
    days = shown.day in numbers(day, range(1, 32))
    weekdays = shown.isoweekday() % 7 in numbers(weekday, WEEKDAYS)
    either = days or weekdays if "*" not in (day, weekday) else days and weekdays
    return either and shown.month in numbers(month, range(1, 13))


@cache
def looks(zone):
    """Every quarter of an hour of the year, with the clock on the wall of that zone."""
    moments = [BEGIN + count * STEP for count in range(-96, (END - BEGIN) // STEP + 1)]
    return [(one, one.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for one in moments]


@cache
def walked(cron, zone):
    """All moments of the year, found by looking at the clock on the wall every quarter of an hour."""
    counts_hours = cron.split()[1] == "*"
    due: dict[object, datetime] = {}
    before = looks(zone)[0][1]
    for look, shown in looks(zone)[1:]:
        skipped = before + STEP
        while skipped < shown and not counts_hours:
            if shows(cron, skipped):
                due[skipped] = look
            skipped += STEP
        if shows(cron, shown):
            due[look if counts_hours else shown] = look
        before = shown
    return sorted({one for one in due.values() if BEGIN < one < END})


@pytest.mark.parametrize(
    ("cron", "zone", "times"),
    [
        ("30 2 * * *", "Europe/Berlin", 365),
        ("30 1 * * *", "America/New_York", 365),
        ("0,15,30,45 2,3 * 3,10 *", "Europe/Berlin", 2 * 31 * 8 - 4),
        ("0 */6 * * 1-5", "Asia/Kolkata", 261 * 4),
        ("15 2 1,15 * 0", "Australia/Lord_Howe", 70),
        ("30 * * 3,10 *", "Europe/Berlin", 2 * 31 * 24),
        ("45 * * 4,10 *", "Australia/Lord_Howe", 61 * 24 + 1),
        ("0 0 * 9 *", "America/Santiago", 30),
        ("0 9 1 1 *", "UTC", 1),
    ],
)
def test_a_cron_is_due_over_a_year_as_the_clock_on_the_wall_says(cron, zone, times):
    clock = ZoneInfo(zone)
    found = list(takewhile(lambda one: one < END, ticks(cron, clock, BEGIN)))
    assert found == walked(cron, zone)
    assert len(found) == times


def test_a_time_that_the_clock_skips_is_due_when_it_goes_on_and_one_it_shows_twice_is_due_once():
    berlin = ZoneInfo("Europe/Berlin")
    assert moment(wall("2026-03-29T02:30"), berlin) == at("2026-03-29T01:00")
    assert moment(wall("2026-10-25T02:30"), berlin) == at("2026-10-25T01:30")
    spring = ticks("30 2 * * *", berlin, at("2026-03-28T12:00"))
    assert [next(spring), next(spring)] == [at("2026-03-29T01:00"), at("2026-03-30T00:30")]
    autumn = ticks("30 2 * * *", berlin, at("2026-10-24T12:00"))
    assert [next(autumn), next(autumn)] == [at("2026-10-25T01:30"), at("2026-10-26T01:30")]


@pytest.mark.parametrize("after", ["2026-10-25T00:15", "2026-10-25T00:30", "2026-10-25T01:15", "2026-03-29T00:59"])
def test_asking_from_any_moment_goes_on_where_the_year_stands(after):
    clock = ZoneInfo("Europe/Berlin")
    for cron in ("30 2 * * *", "30 * * * *", "*/15 2 * * *"):
        left = [one for one in walked(cron, "Europe/Berlin") if one > at(after)][:5]
        told = ticks(cron, clock, at(after))
        assert [next(told) for _ in left] == left


def test_each_person_is_due_at_that_time_of_their_own_clock():
    timing = Timing(Schedule(at="2026-03-29T02:30", timezone="recipient", max_lateness="3h"))
    due_at = next(timing.due(at("2026-03-01")))
    assert (named(due_at), timing.last(due_at)) == ("2026-03-28T12:30Z", at("2026-03-29T14:30"))
    begins = {
        "Pacific/Kiritimati": "2026-03-28T12:30",
        "Asia/Tokyo": "2026-03-28T17:30",
        "Europe/Berlin": "2026-03-29T01:00",
        "Europe/London": "2026-03-29T01:30",
        "America/New_York": "2026-03-29T06:30",
        "Etc/GMT+12": "2026-03-29T14:30",
    }
    for zone, begin in begins.items():
        assert timing.window(due_at, zone) == (at(begin), at(begin) + timedelta(hours=3)), zone
    assert not timing.is_over(due_at, at("2026-03-29T17:30"))
    assert timing.is_over(due_at, at("2026-03-29T17:31"))


def test_a_weekly_one_in_everybodys_zone_is_due_each_week_where_the_day_begins_first():
    timing = Timing(Schedule(cron="0 9 * * 1", timezone="recipient"))
    told = timing.due(at("2026-03-20"))
    assert [named(next(told)) for _ in range(3)] == ["2026-03-22T19:00Z", "2026-03-29T19:00Z", "2026-04-05T19:00Z"]
    assert timing.window(at("2026-03-22T19:00"), "America/New_York").not_before == at("2026-03-23T13:00")
    assert timing.window(at("2026-03-22T19:00"), "Europe/Berlin").not_before == at("2026-03-23T08:00")
    assert timing.window(at("2026-03-29T19:00"), "Europe/Berlin").not_before == at("2026-03-30T07:00")


def test_a_name_is_its_time_and_no_other_text_is():
    assert due_time(named(at("2026-11-27T08:00"))) == at("2026-11-27T08:00")
    assert [due_time(text) for text in ("once", "2026-11-27", "welcome:2026-11-27T08:00Z")] == [None, None, None]
