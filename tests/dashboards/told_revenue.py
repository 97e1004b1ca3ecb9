"""What the commands say to Revenue: texts in the order of the page, and charts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dashboards.parts.money import compact_money, money, short_money
from dashboards.parts.numbers import count, counted
from dashboards.parts.times import period_name, short_day
from tests.dashboards.asking import KINDS, LAST, PAGE, Ask, Row, amount, pages
from tests.dashboards.reading import Columns

DAY = date.fromisoformat(LAST)
COUNTED = {"new": "new_customers", "churn": "churned_customers", "reactivation": "reactivated_customers"}
CASH = ("gross", "refunds", "disputes", "fees", "net")
IN_EUROS = ("--currency", "EUR", "--by", "week", "--from", "2026-08-26")


def waterfall(ask: Ask) -> Iterator[str]:
    """What the picture tells, the line that it adds up, and the rows behind the last day."""
    rows = from_the_first(ask.rows("movements"))
    opening, closing, sums = rows[0]["opening_minor"], rows[-1]["closing_minor"], sums_of(rows)
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
    rows = from_the_first(ask.rows("movements"))
    sums, rates = sums_of(rows), sum(row["fx_minor"] for row in rows)
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
            "label": [money(minor, "USD") for *_, minor in stages],
            "short": [short_money(minor, "USD") for *_, minor in stages],
        }
    ]


def movements(ask: Ask) -> Iterator[str]:
    """What the bars tell, the table with customers, and the customers behind one cell."""
    rows = from_the_first(ask.rows("movements"))
    parts = ask.rows("movements", "--group", "customer")
    yield from movements_told(rows)
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
    yield from pages(len(behind))
    for minor in sorted(behind, reverse=True)[:PAGE]:
        yield f"New {money(minor, 'USD')}"


def movements_charts(ask: Ask) -> list[Columns]:
    """The bars over the table."""
    return [bars_of(from_the_first(ask.rows("movements")))]


def groups(ask: Ask) -> Iterator[str]:
    """A row per country, the largest first, months summed, and the sum of all."""
    rows = ask.rows("movements", "--group", "country")
    moves = [kind for kind in (*KINDS, "transfer", "fx") if any(row[f"{kind}_minor"] for row in rows)]
    countries: dict[str | None, list[int]] = {}
    for value in dict.fromkeys(row["country"] for row in rows):
        own = [row for row in rows if row["country"] == value]
        moved = [sum(row[f"{kind}_minor"] for row in own) for kind in moves]
        countries[value] = [own[-1]["closing_minor"] - sum(moved), *moved, own[-1]["closing_minor"]]
    assert len(countries) > 1
    for value in sorted(countries, key=lambda value: (-countries[value][-1], value is None, value or "")):
        yield " ".join([value or "–", *(money(minor, "USD") for minor in countries[value])])
    whole = ask.rows("movements")
    sums = [sum(column) for column in zip(*countries.values(), strict=True)]
    assert (sums[0], sums[-1]) == (whole[0]["opening_minor"], whole[-1]["closing_minor"])
    yield " ".join(["All", *(money(minor, "USD") for minor in sums)])


def restated(ask: Ask) -> Iterator[str]:
    """Two clocks: what was published then, what is known now."""
    rows = ask.rows("mrr", "--as-reported", "2026-11-24")
    first = next(n for n, row in enumerate(rows) if row["mrr_minor"] or row["known_minor"])
    for row in rows[first:]:
        amounts = (row[name] for name in ("mrr_minor", "known_minor", "difference_minor"))
        yield " ".join([_name(row), *(money(minor, "USD") for minor in amounts)])


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
    return [{"period": [*labels[:-1], f"{labels[-1]}\n(so far)"], **bars}]


def _explained(ask: Ask, report: str, what: str, currency: str) -> Iterator[str]:
    told = ask("explain", report, "--at", LAST, "--currency", currency)
    yield f"{count(len(told['rows']))} rows stand behind {what} of {LAST}"
    yield f"they add up to {money(told['total_minor'], currency)}"
    assert told["checks"]
    assert all(check["is_passed"] for check in told["checks"])
    yield f"{count(len(told['checks']))} checks guard them, all passed"


def movements_told(rows: list[Row]) -> Iterator[str]:
    steps = [row[f"{kind}_minor"] for row in rows for kind in KINDS]
    yield f"gained {compact_money(sum(step for step in steps if step > 0), 'USD')}"
    yield f"lost {compact_money(-sum(step for step in steps if step < 0), 'USD')}"
    yield f"MRR went from {compact_money(rows[0]['opening_minor'], 'USD')}"
    yield f"to {compact_money(rows[-1]['closing_minor'], 'USD')}"


def bars_of(rows: list[Row]) -> Columns:
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


def from_the_first(rows: list[Row]) -> list[Row]:
    first = next(n for n, row in enumerate(rows) if row["closing_minor"] or any(row[f"{kind}_minor"] for kind in KINDS))
    return rows[first:]


def sums_of(rows: list[Row]) -> Row:
    return {name: sum(row[name] for row in rows) for name in (*(f"{kind}_minor" for kind in KINDS), "new_customers")}


CAUSE_NAMES = {
    "coupon": "Coupons", "trial": "Start", "past_due": "Past due", "pause": "Pauses", "timing": "End",
    "fx": "Exchange rates", "rounding": "Rounding",
}  # fmt: skip
OF_THE_DAY = ("compare", "--from", LAST, "--to", LAST, "--by", "day")


def _pair(ask: Ask) -> tuple[dict[str, int], list[Row], dict[str, int]]:
    """What each profile has, the rows of the first pair, and the sums of its causes."""
    answer = ask("revenue", *OF_THE_DAY)
    totals = {row["profile"]: row["mrr_minor"] for row in answer["totals"]}
    rows = [row for row in answer["rows"] if row["profile_b"] == "chartmogul"]
    causes = {cause: [row["difference_minor"] for row in rows if row["cause"] == cause] for cause in CAUSE_NAMES}
    return totals, rows, {cause: sum(found) for cause, found in causes.items() if found}


def profiles(ask: Ask) -> Iterator[str]:
    """Each profile's total, the picture's finding, the causes and the customers."""
    totals, rows, causes = _pair(ask)
    ours = totals["stripe"]
    yield f"stripe {money(ours, 'USD')}"
    for name in ("chartmogul", "profitwell"):
        yield f"{name} {money(totals[name], 'USD')}"
        yield money(totals[name] - ours, "USD")
    yield f"MRR by stripe {compact_money(ours, 'USD')}"
    yield f"chartmogul {compact_money(totals['chartmogul'], 'USD')}"
    yield from (f"{CAUSE_NAMES[cause].lower()} {compact_money(minor, 'USD')}" for cause, minor in causes.items())
    for cause, minor in causes.items():
        yield f"{CAUSE_NAMES[cause]} {count(len({row['customer'] for row in rows if row['cause'] == cause}))}"
        yield money(minor, "USD")
    yield f"All {count(len({row['customer'] for row in rows}))}"
    yield money(totals["chartmogul"] - ours, "USD")
    yield counted(len(rows), "difference")
    yield from pages(len(rows))
    largest = sorted(rows, key=lambda row: (-abs(row["difference_minor"]), row["cause"], row["customer"]))
    yield from (money(row["difference_minor"], "USD") for row in largest[:PAGE])


def profiles_charts(ask: Ask) -> list[Columns]:
    """Each cause floats where the one before it ended."""
    totals, _, causes = _pair(ask)
    level = totals["stripe"]
    stages = [("stripe", 0, level, level)]
    for cause, minor in causes.items():
        stages.append((CAUSE_NAMES[cause], min(level, level + minor), abs(minor), minor))
        level += minor
    assert level == totals["chartmogul"]
    stages.append(("chartmogul", 0, level, level))
    return [
        {
            "stage": [name for name, *_ in stages],
            "under": [amount(under) for _, under, _, _ in stages],
            "amount": [amount(size) for _, _, size, _ in stages],
            "label": [money(minor, "USD") for *_, minor in stages],
            "short": [short_money(minor, "USD") for *_, minor in stages],
        }
    ]
