"""What the commands say to Overview and Revenue: texts in the order of the page, charts and small lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dashboards.parts.money import compact_money, money
from dashboards.parts.numbers import change, change_absolute, change_in_points, count, factor, percent
from dashboards.parts.times import ago, period_name, short_day
from tests.dashboards.asking import KINDS, LAST, Ask, Row, amount, share
from tests.dashboards.reading import Columns

DAY = date.fromisoformat(LAST)
COUNTED = {"new": "new_customers", "churn": "churned_customers", "reactivation": "reactivated_customers"}
CASH = ("gross", "refunds", "disputes", "fees", "net")
IN_EUROS = ("--currency", "EUR", "--by", "week", "--from", "2026-08-26")


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
    yield from _movements_told(_from_the_first(ask.rows("movements")))
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
    line = {
        "label": [short_day(day) for day in days],
        "This period": [amount(_net(ask, back, 1)) for back in range(29, -1, -1)],
        before: [amount(_net(ask, back + 35, 1)) for back in range(29, -1, -1)],
    }
    return [line, _bars(_from_the_first(ask.rows("movements")))]


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
        [_quick(_sum(over[end - 4 : end])) for end in range(4, len(over) + 1)],
    ]


def waterfall(ask: Ask) -> Iterator[str]:
    """What the picture tells, the line that it adds up, and the rows behind the last day."""
    rows = _from_the_first(ask.rows("movements"))
    opening, closing, sums = rows[0]["opening_minor"], rows[-1]["closing_minor"], _sum(rows)
    yield f"MRR went from {compact_money(opening, 'USD')} to {compact_money(closing, 'USD')}"
    yield from (f"{kind} {compact_money(sums[f'{kind}_minor'], 'USD')}" for kind in KINDS)
    yield f"Opening {money(opening, 'USD')}"
    yield f"movements {money(sum(sums[f'{kind}_minor'] for kind in KINDS), 'USD')}"
    if rates := sum(row["fx_minor"] for row in rows):
        yield f"exchange rates {money(rates, 'USD')}"
    yield f"closing {money(closing, 'USD')}"
    assert not any(row["fx_minor"] for row in ask.rows("movements", "--currency", "native"))
    yield "difference 0.00"
    yield from _explained(ask, "mrr", "MRR", "USD")


def waterfall_charts(ask: Ask) -> list[Columns]:
    """Each movement floats where the one before it ended."""
    rows = _from_the_first(ask.rows("movements"))
    sums, rates = _sum(rows), sum(row["fx_minor"] for row in rows)
    moves = [(kind.capitalize(), sums[f"{kind}_minor"]) for kind in KINDS]
    moves += [("Exchange rates", rates)] if rates else []
    level = rows[0]["opening_minor"]
    stages: list[tuple[str, int, int, int]] = [("Opening", 0, level, level)]
    for name, minor in moves:
        stages.append((name, min(level, level + minor), abs(minor), minor))
        level += minor
    assert level == rows[-1]["closing_minor"]
    stages.append(("Closing", 0, level, level))
    return [
        {
            "stage": [name for name, *_ in stages],
            "under": [amount(under) for _, under, _, _ in stages],
            "amount": [amount(size) for _, _, size, _ in stages],
            "label": [compact_money(minor, "USD") for *_, minor in stages],
        }
    ]


def movements(ask: Ask) -> Iterator[str]:
    """What the bars tell, the table with customers, and the customers behind one cell."""
    rows = _from_the_first(ask.rows("movements"))
    parts = ask.rows("movements", "--group", "customer")
    yield from _movements_told(rows)
    with_rates = any(row["fx_minor"] for row in rows)
    for row in rows:
        own = [part for part in parts if part["period"] == row["period"]]
        so_far = " (so far)" if row is rows[-1] else ""
        yield f"{_name(row)}{so_far} {money(row['opening_minor'], 'USD')}"
        for kind in KINDS:
            people = row[COUNTED[kind]] if kind in COUNTED else sum(part[f"{kind}_minor"] != 0 for part in own)
            yield f"{money(row[f'{kind}_minor'], 'USD')} ({count(people)})" if people else "–"
        if with_rates:
            yield money(row["fx_minor"], "USD")
        yield money(row["closing_minor"], "USD")
    behind = [part["new_minor"] for part in parts if part["period"] == "2026-11-01" and part["new_customers"]]
    assert behind
    yield f"{count(len(behind))} customers · {money(sum(behind), 'USD')} in all"
    for minor in sorted(behind, reverse=True)[:25]:
        yield f"New {money(minor, 'USD')}"


def movements_charts(ask: Ask) -> list[Columns]:
    """The bars over the table."""
    return [_bars(_from_the_first(ask.rows("movements")))]


def cash(ask: Ask) -> Iterator[str]:
    """What the bars tell, the table with its sums, and the rows behind the last day."""
    rows = ask.rows("cash", *IN_EUROS)
    sums = {name: sum(row[f"{name}_minor"] for row in rows) for name in (*CASH, "tax")}
    less = ", ".join(f"{name} {compact_money(sums[name], 'EUR')}" for name in CASH[1:4])
    yield f"Gross {compact_money(sums['gross'], 'EUR')}, less {less}: net {compact_money(sums['net'], 'EUR')}"
    for row in rows:
        yield " ".join(money(row[f"{name}_minor"], "EUR") for name in (*CASH, "tax"))
    yield "All " + " ".join(money(minor, "EUR") for minor in sums.values())
    yield from _explained(ask, "cash", "net cash", "EUR")


def cash_charts(ask: Ask) -> list[Columns]:
    """What came in above zero, what left below it."""
    rows = ask.rows("cash", *IN_EUROS)
    leaving = ("refunds", "disputes", "fees")
    bars = {
        name.capitalize(): [amount(-row[f"{name}_minor"] if name in leaving else row[f"{name}_minor"]) for row in rows]
        for name in CASH
    }
    # The last week has only begun: it is Monday.
    assert DAY.weekday() == 0
    labels = [short_day(date.fromisoformat(row["period"])) for row in rows]
    return [{"period": [*labels[:-1], f"{labels[-1]} (so far)"], **bars}]


def _explained(ask: Ask, report: str, what: str, currency: str) -> Iterator[str]:
    told = ask("explain", report, "--at", LAST, "--currency", currency)
    yield f"{count(len(told['rows']))} rows stand behind {what} of {LAST}"
    yield f"they add up to {money(told['total_minor'], currency)}"
    assert told["checks"]
    assert all(check["is_passed"] for check in told["checks"])
    yield f"{count(len(told['checks']))} checks guard them, all passed"


def _movements_told(rows: list[Row]) -> Iterator[str]:
    steps = [row[f"{kind}_minor"] for row in rows for kind in KINDS]
    yield f"gained {compact_money(sum(step for step in steps if step > 0), 'USD')}"
    yield f"lost {compact_money(-sum(step for step in steps if step < 0), 'USD')}"
    yield f"MRR went from {compact_money(rows[0]['opening_minor'], 'USD')}"
    yield f"to {compact_money(rows[-1]['closing_minor'], 'USD')}"


def _bars(rows: list[Row]) -> Columns:
    # The current month is drawn in columns of its own.
    ends, last = ("", " (so far)"), len(rows) - 1
    return {
        "month": [_name(row) for row in rows],
        **{
            kind.capitalize() + end: [
                amount(row[f"{kind}_minor"]) if (number == last) == bool(end) else None
                for number, row in enumerate(rows)
            ]
            for end in ends
            for kind in KINDS
        },
    }


def _name(row: Row) -> str:
    return period_name(date.fromisoformat(row["period"]), "month")


def _from_the_first(rows: list[Row]) -> list[Row]:
    first = next(n for n, row in enumerate(rows) if row["closing_minor"] or any(row[f"{kind}_minor"] for kind in KINDS))
    return rows[first:]


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
    return _sum(ask.rows("movements", "--from", _day(back + 29), "--to", _day(back)))


def _sum(rows: list[Row]) -> Row:
    return {name: sum(row[name] for row in rows) for name in (*(f"{kind}_minor" for kind in KINDS), "new_customers")}


def _quick(moved: Row) -> float | None:
    gained = sum(moved[f"{kind}_minor"] for kind in KINDS[:3])
    lost = -sum(moved[f"{kind}_minor"] for kind in KINDS[3:])
    return gained / lost if lost else None


def since(moment: str, told: Row) -> str:
    """How long ago a moment was when the doctor looked."""
    return ago(datetime.fromisoformat(moment).astimezone(UTC), datetime.fromisoformat(told["now"]))
