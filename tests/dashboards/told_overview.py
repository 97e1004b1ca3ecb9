"""What the commands say to Overview: texts in the order of the page, charts and small lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboards.parts.money import compact_money, money
from dashboards.parts.numbers import change, change_absolute, change_in_points, count, factor, percent
from dashboards.parts.times import ago, short_day
from tests.dashboards.asking import KINDS, LAST, Ask, Row, amount, share
from tests.dashboards.reading import Columns
from tests.dashboards.told_revenue import DAY, bars_of, from_the_first, movements_told, sums_of


def overview(ask: Ask) -> Iterator[str]:
    """Tiles with their changes, net revenue, movements, plans, the last campaign, the largest moves, the strip."""
    now, then = _days_apart(ask, "mrr", 0), _days_apart(ask, "mrr", 30)
    assert now["mrr_minor"] != then["mrr_minor"]
    yield compact_money(now["mrr_minor"], "USD")
    yield change(now["mrr_minor"], then["mrr_minor"]).text
    net, before = _net(ask, 0, 30), _net(ask, 30, 30)
    yield compact_money(net, "USD")
    yield change(net, before).text
    yield count(now["customers"])
    yield change(now["customers"], then["customers"]).text
    recent, earlier = _moved(ask, 0), _moved(ask, 30)
    yield count(recent["new_customers"])
    yield change(recent["new_customers"], earlier["new_customers"]).text
    rate, rate_then = (_days_apart(ask, "churn", days)["customer_churn_rate_rolling_30d"] for days in (0, 30))
    yield percent(rate)
    yield change_in_points(rate, rate_then).text
    yield factor(_quick(recent))
    yield change_absolute(_quick(recent), _quick(earlier)).text
    yield f"Net revenue by day: {compact_money(net, 'USD')} in all"
    yield f"{change(net, _net(ask, 35, 30)).text} against the 35 days before"
    yield from movements_told(from_the_first(ask.rows("movements")))
    plans = ask.rows("mrr", "--group", "product", "--by", "day", "--from", LAST)
    assert sum(plan["mrr_minor"] for plan in plans) == now["mrr_minor"]
    for plan in plans[:6]:
        yield f"{plan['product'] or 'No product'} {count(plan['customers'])} {money(plan['mrr_minor'], 'USD')}"
        yield share(plan["mrr_minor"], now["mrr_minor"])
    if rest := plans[6:]:
        minor = sum(plan["mrr_minor"] for plan in rest)
        yield f"{len(rest)} more plans – {money(minor, 'USD')} {share(minor, now['mrr_minor'])}"
    newest = max(ask("campaign", "list")["campaigns"], key=lambda one: (one["updated_at"], one["name"]))
    told = ask("campaign", "report", newest["name"])
    yield f"{told['campaign']} {told['state']} {count(told['accepted'])} {count(told['audience'])}"
    largest = ask.rows("movements", "--group", "customer", "--by", "day", "--from", _day(29))
    found = [
        (-abs(row[f"{kind}_minor"]), row["period"], row["customer"], kind, row[f"{kind}_minor"])
        for row in largest
        for kind in KINDS
        if row[f"{kind}_minor"]
    ]
    yield from (f"{kind.capitalize()} {money(minor, 'USD')}" for *_, kind, minor in sorted(found)[:5])
    yield from strip(ask)


def strip(ask: Ask) -> Iterator[str]:
    """The line about the state of the data."""
    told = ask("doctor")
    build, failing = told["builds"][0], sum(not check["is_passed"] for check in told["checks"])
    yield f"last build {build['outcome']} {since(build['finished_at'], told)}"
    passed = f"{failing} of {len(told['checks'])} checks failing"
    yield passed if failing else f"{len(told['checks'])} checks passed"
    assert any(source["last_loaded_at"] for source in told["sources"])
    for source in told["sources"]:
        loaded = source["last_loaded_at"]
        yield f"{source['source']}: {f'loaded {since(loaded, told)}' if loaded else 'never loaded'}"


def overview_charts(ask: Ask) -> list[Columns]:
    """Net revenue by day beside the same weekdays before, and the movements by month."""
    days = [DAY - timedelta(days=back) for back in range(29, -1, -1)]
    before = "Same weekdays, 35 days earlier"
    line: Columns = {
        "label": [short_day(day) for day in days],
        "This period": [amount(_net(ask, back, 1)) for back in range(29, -1, -1)],
        before: [amount(_net(ask, back + 35, 1)) for back in range(29, -1, -1)],
    }
    return [line, bars_of(from_the_first(ask.rows("movements")))]


def overview_lines(ask: Ask) -> list[list[Any]]:
    """The histories in the six tiles: 13 weeks each, the last two by weeks that are over."""
    weeks = ("--by", "week", "--from", _day(7 * 13 - 1))
    levels, rates = ask.rows("mrr", *weeks), ask.rows("churn", *weeks)
    sunday = DAY - timedelta(days=(DAY.weekday() + 1) % 7)
    first = (sunday - timedelta(days=7 * 13 - 1)).isoformat()
    over = ask.rows("movements", "--by", "week", "--from", first, "--to", sunday.isoformat())
    return [
        [row["mrr_minor"] for row in levels],
        [_net(ask, 7 * week, 7) for week in range(12, -1, -1)],
        [row["customers"] for row in levels],
        [row["new_customers"] for row in over],
        [row["customer_churn_rate_rolling_30d"] for row in rates],
        [_quick(sums_of(over[end - 4 : end])) for end in range(4, len(over) + 1)],
    ]


def _day(back: int) -> str:
    return (DAY - timedelta(days=back)).isoformat()


def _days_apart(ask: Ask, report: str, back: int) -> Row:
    return ask.rows(report, "--by", "day", "--from", _day(back), "--to", _day(back))[0]


def _net(ask: Ask, back: int, days: int) -> int:
    """Net revenue of so many days, the last of which lies `back` days before the last one."""
    by_day = ask.rows("cash", "--by", "day", "--from", "2026-08-01")
    first, last = _day(back + days - 1), _day(back)
    return sum(row["net_minor"] for row in by_day if first <= row["period"] <= last)


def _moved(ask: Ask, back: int) -> Row:
    return sums_of(ask.rows("movements", "--from", _day(back + 29), "--to", _day(back)))


def _quick(moved: Row) -> float | None:
    gained = sum(moved[f"{kind}_minor"] for kind in KINDS[:3])
    lost = -sum(moved[f"{kind}_minor"] for kind in KINDS[3:])
    return gained / lost if lost else None


def since(moment: str, told: Row) -> str:
    """How long ago a moment was when the doctor looked."""
    return ago(datetime.fromisoformat(moment).astimezone(UTC), datetime.fromisoformat(told["now"]))
