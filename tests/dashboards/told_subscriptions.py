"""What the commands say to Subscriptions: texts in the order of the page, and charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from typing import Any

from dashboards.parts.money import compact_money, money
from dashboards.parts.numbers import change, change_in_points, count, factor, percent
from dashboards.parts.times import period_name
from tests.dashboards.asking import LAST, Ask, Row
from tests.dashboards.reading import Columns

NOT_MONEY = ("survival", "trials")
SHOWN_DAYS = (30, 60, 90, 180, 365)
IN_EUROS = ("--currency", "EUR")


def _minor(name: str) -> Callable[[Row], str]:
    return lambda row: money(row[name], row["currency"])


def _share(name: str) -> Callable[[Row], str]:
    return lambda row: percent(row[name])


def _count(name: str) -> Callable[[Row], str]:
    return lambda row: count(row[name])


def _table(rows: list[Row], *columns: Callable[[Row], str]) -> Iterator[str]:
    for row in rows:
        so_far = " (so far)" if row is rows[-1] else ""
        yield f"{_name(row)}{so_far} " + " ".join(column(row) for column in columns)


def _name(row: Row) -> str:
    return period_name(date.fromisoformat(row["period"]), "month")


def _joined(*reports: list[Row]) -> list[Row]:
    return [{name: value for row in rows for name, value in row.items()} for rows in zip(*reports, strict=True)]


def _how(ask: Ask, report: str, *more: str) -> Iterator[str]:
    told = ask("explain", report, "--at", LAST, *more)
    assert told["checks"]
    assert all(check["is_passed"] for check in told["checks"])
    yield f"{count(len(told['rows']))} rows stand behind {report} from"
    yield f"{count(len(told['checks']))} checks guard them, all passed"


def kept(ask: Ask) -> Iterator[str]:
    """NRR, GRR and the quick ratio by month."""
    rows = _joined(ask.rows("nrr"), ask.rows("quick_ratio"))
    last = [row for row in rows if row["nrr"] is not None][-1]
    yield f"NRR {percent(last['nrr'])} and GRR {percent(last['grr'])}"
    yield from _table(
        rows, _minor("opening_minor"), _minor("retained_minor"), _share("nrr"), _share("grr"),
        _minor("gained_minor"), _minor("lost_minor"), lambda row: factor(row["quick_ratio"]),
    )  # fmt: skip
    yield from _how(ask, "nrr")


def _lines(rows: list[Row], names: dict[str, str]) -> list[Columns]:
    """The last period is not over: it is a line of its own that begins where the whole ones end."""
    columns: Columns = {"label": [_name(row) for row in rows]}
    for title, field in names.items():
        values = [None if row[field] is None else 100 * row[field] for row in rows]
        columns[title] = [*values[:-1], None]
        columns[f"{title} (so far)"] = [*[None] * (len(rows) - 2), *values[-2:]]
    return [columns]


def kept_charts(ask: Ask) -> list[Columns]:
    """Both rates."""
    return _lines(ask.rows("nrr"), {"NRR": "nrr", "GRR": "grr"})


def _cells(ask: Ask) -> Iterator[tuple[Row, list[Row]]]:
    for _, group in groupby(ask.rows("cohorts"), key=lambda row: row["cohort"]):
        cells = list(group)
        yield cells[0], cells


def cohorts_in_people(ask: Ask) -> Iterator[str]:
    """Each cohort's customers, and the share of them that is left."""
    for first, cells in _cells(ask):
        yield f"{_name(first)} {count(first['size'])}"
        for cell in cells:
            running = cell["period"] == "2026-11-01"
            yield f"{count(cell['customers'])} of {count(first['size'])}{', not complete' if running else ''}"
            yield percent(cell["customers"] / first["size"]) + ("*" if running else "")


def cohorts_in_money(ask: Ask) -> Iterator[str]:
    """Each cohort's MRR after its first period, and the share of it that is left."""
    for first, cells in _cells(ask):
        yield f"{_name(first)} {money(first['mrr_minor'], 'USD')}"
        for cell in cells:
            running = cell["period"] == "2026-11-01"
            yield f"{money(cell['mrr_minor'], 'USD')}{', not complete' if running else ''}"
            yield percent(cell["mrr_minor"] / first["mrr_minor"]) + ("*" if running else "")


def shades_in_people(ask: Ask) -> list[float]:
    """What colours the cells: shares of the cohort, but for its first period."""
    return [
        cell["customers"] / first["size"] for first, cells in _cells(ask) for cell in cells[1:] if cell["customers"]
    ]


def shades_in_money(ask: Ask) -> list[float]:
    """The same for MRR."""
    return [
        min(cell["mrr_minor"] / first["mrr_minor"], 1.0)
        for first, cells in _cells(ask) for cell in cells[1:] if cell["mrr_minor"]
    ]  # fmt: skip


def _worth_rows(ask: Ask) -> list[Row]:
    return _joined(ask.rows("ltv", *IN_EUROS), ask.rows("arpa", *IN_EUROS))


def worth(ask: Ask) -> Iterator[str]:
    """Four tiles with the newest figures, and the table."""
    rows = _worth_rows(ask)
    now, before = rows[-1], rows[-2]
    for title, field in (("ARPA", "arpa_minor"), ("LTV", "ltv_minor"), ("Observed LTV", "observed_ltv_minor")):
        yield f"{title} {compact_money(now[field], 'EUR')}"
        yield change(now[field], before[field]).text
    yield f"Churn rate {percent(now['churn_rate_used'])}"
    yield change_in_points(now["churn_rate_used"], before["churn_rate_used"]).text
    yield from _table(
        rows, _count("customers"), _minor("arpa_minor"), _share("churn_rate_used"), _minor("ltv_minor"),
        _minor("observed_ltv_minor"),
    )  # fmt: skip
    yield from _how(ask, "ltv", *IN_EUROS)


def worth_lines(ask: Ask) -> list[list[Any]]:
    """The small line of each tile; of one known value there is none."""
    rows = _worth_rows(ask)
    fields = ("arpa_minor", "ltv_minor", "observed_ltv_minor", "churn_rate_used")
    lines = [[row[field] for row in rows] for field in fields]
    return [line for line in lines if sum(value is not None for value in line) > 1]


def lives(ask: Ask) -> Iterator[str]:
    """What the curve tells, and how many live on after some days."""
    steps = ask.rows("survival")
    last = steps[-1]
    told = f"Of {count(steps[0]['at_risk'])} subscriptions {percent(last['survival'])} live on after"
    yield told
    yield told
    for day in (day for day in SHOWN_DAYS if day <= last["day"]):
        step = next(one for one in reversed(steps) if one["day"] <= day)
        yield " ".join(percent(step[name]) for name in ("survival", "lower", "upper"))
    # Where the definition names its confidence.
    yield "95 %"
    yield from _how(ask, "survival")


def lives_charts(ask: Ask) -> list[Columns]:
    """The curve, what lies under its band, and the band."""
    steps = ask.rows("survival")
    lower = [None if step["lower"] is None else 100 * step["lower"] for step in steps]
    return [
        {
            "day": [step["day"] for step in steps],
            "Still subscribed": [100 * step["survival"] for step in steps],
            "At least": lower,
            "95 % band": [
                None if under is None else 100 * step["upper"] - under for step, under in zip(steps, lower, strict=True)
            ],
        }
    ]


def trials(ask: Ask) -> Iterator[str]:
    """How many ended and converted."""
    rows = ask.rows("trials")
    ended, converted = (sum(row[name] for row in rows) for name in ("ended", "converted"))
    yield f"{count(converted)} of {count(ended)} trials converted"
    yield from _table(rows, _count("ended"), _count("converted"), _share("conversion_rate"))
    yield from _how(ask, "trials")


def trials_charts(ask: Ask) -> list[Columns]:
    """The rate."""
    return _lines(ask.rows("trials"), {"Conversion": "conversion_rate"})


def recovery(ask: Ask) -> Iterator[str]:
    """What failed and what came in after all."""
    yield from _table(
        ask.rows("recovery"), _minor("failed_minor"), _minor("recovered_minor"), _share("recovery_rate"), _days
    )
    yield from _how(ask, "recovery")


def _days(row: Row) -> str:
    found = row["median_days"]
    return "–" if found is None else f"{found:,.1f} d"


def outlook(ask: Ask) -> Iterator[str]:
    """What is contracted, what is to end, what is owed."""
    yield from _table(
        _joined(ask.rows("scheduled"), ask.rows("deferred")), _minor("contracted_minor"),
        _minor("scheduled_churn_minor"), _minor("deferred_minor"),
    )  # fmt: skip
    yield from _how(ask, "scheduled")
