"""Freshness and usual counts over hand-made rows; the bounds against the definition, worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.events import prepare_events
from pipelines.quality import FRESH, USUAL, CheckResult, check_arrivals
from pipelines.quality.arrivals import usual_bounds
from pipelines.settings import Settings
from pipelines.stripe import prepare_stripe
from pipelines.warehouse import Warehouse
from pipelines.warehouse.writer import Connection
from tests.quality.test_suites import lake

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
YESTERDAY = datetime(2026, 2, 28, 12, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Connection]:
    with Warehouse(settings).write("test") as connection:
        prepare_stripe(connection)
        prepare_events(connection, settings)
        yield connection


def version(
    connection: Connection, at: datetime, *, kind: str = "charge", source: str = "event", count: int = 1
) -> None:
    connection.execute(
        "insert into raw_stripe.object_versions (account, id, object, source, version_at) "
        "select 'a', 'x_' || range, $kind, $source, $at from range($count)",
        {"kind": kind, "source": source, "at": at, "count": count},
    )


def one(results: list[CheckResult], name: str, table: str) -> CheckResult:
    (found,) = (result for result in results if (result.name, result.table) == (name, table))
    return found


def test_nothing_arrived_yet_is_nothing_wrong(warehouse: Connection) -> None:
    results = check_arrivals(warehouse, now=NOW)
    assert {result.is_passed for result in results} == {True}
    assert one(results, FRESH, "raw_events.events").message == "no rows yet"
    assert one(results, USUAL, "raw_stripe.charges").message == "less than 28 days of history"


@pytest.mark.parametrize(
    ("age", "passed", "message"),
    [
        (timedelta(days=2), True, ""),
        (timedelta(days=2, seconds=1), False, "the newest row is 2 days old; expected within 2 days"),
        (timedelta(days=9), False, "the newest row is 9 days old; expected within 2 days"),
    ],
)
def test_the_newest_row_may_be_so_old(warehouse: Connection, age: timedelta, passed: bool, message: str) -> None:
    naive = NOW.replace(tzinfo=None)
    version(warehouse, naive - age, source="list")
    # A clock that is ahead proves nothing.
    version(warehouse, naive + timedelta(days=400), source="list")
    found = one(check_arrivals(warehouse, now=NOW), FRESH, "raw_stripe.object_versions")
    assert (found.is_passed, found.message, found.severity) == (passed, message, "warn")
    assert not found.blocks


def test_a_quiet_stream_of_events_is_told(warehouse: Connection) -> None:
    lake(warehouse, "('e', 'Seen', 1, timestamp '2026-02-27 06:00:00', timestamp '2026-03-01')")
    found = one(check_arrivals(warehouse, now=NOW), FRESH, "raw_events.events")
    assert (found.is_passed, found.message) == (False, "the newest row is 2 days old; expected within 24 hours")
    assert found.examples[0].key == "2026-02-27 06:00:00"


def test_bounds_by_hand() -> None:
    # Median 100, deviations all 10: 1.4826 * 10 = 14.826 beats sqrt(100) = 10; five of them are 74.13.
    assert usual_bounds([90] * 14 + [110] * 14) == (26, 174)
    # No deviation: the square root of 400 is 20; 400 +- 100.
    assert usual_bounds([400] * 28) == (300, 500)
    # Nothing at all: a spread of 1.
    assert usual_bounds([0] * 28) == (0, 5)


@pytest.mark.parametrize(("count", "passed"), [(0, False), (49, False), (50, True), (150, True), (151, False)])
def test_a_day_far_from_the_days_before_it_is_told(warehouse: Connection, count: int, passed: bool) -> None:
    # Before: 100 a day without deviation, so five times 10 to either side.
    for day in range(1, 29):
        version(warehouse, YESTERDAY - timedelta(days=day), count=100)
    version(warehouse, YESTERDAY, count=count)
    # Neither today, which is not over, nor what a list showed counts.
    version(warehouse, NOW.replace(tzinfo=None), count=3)
    version(warehouse, YESTERDAY, source="list", count=1_000)
    found = one(check_arrivals(warehouse, now=NOW), USUAL, "raw_stripe.charges")
    assert found.is_passed == passed
    if not passed:
        assert found.message == f"{count} rows on 2026-02-28; 50 to 150 would be usual"
        assert (found.examples[0].key, found.examples[0].values) == ("2026-02-28", {"rows": str(count)})
    assert one(check_arrivals(warehouse, now=NOW), USUAL, "raw_stripe.customers").is_passed


def test_a_short_history_is_not_judged(warehouse: Connection) -> None:
    for day in range(28):
        version(warehouse, YESTERDAY - timedelta(days=day), count=1 if day else 5_000)
    found = one(check_arrivals(warehouse, now=NOW), USUAL, "raw_stripe.charges")
    assert (found.is_passed, found.message) == (True, "less than 28 days of history")
    version(warehouse, YESTERDAY - timedelta(days=28))
    assert not one(check_arrivals(warehouse, now=NOW), USUAL, "raw_stripe.charges").is_passed
