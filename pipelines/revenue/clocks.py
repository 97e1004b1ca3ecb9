"""Two clocks: MRR and its movements as they were reported on a past day, beside what is known of the same days now.

Both sides are converted by the rates that are known now, so a difference is the ledger's. What made it is
listed customer by customer: by how much, on which day, and when it became known.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select

from pipelines.errors import UsageError
from pipelines.revenue.ledger import KINDS, NATIVE, Grain, Ledger, Period, first_day, periods
from pipelines.revenue.question import Question
from pipelines.revenue.reported import AMOUNTS, FIGURES, known_on
from pipelines.revenue.reports import Row, answer
from pipelines.state import reading
from pipelines.state.tables import reports, restatements
from pipelines.warehouse import Snapshot

Days = dict[str, dict[date, dict[str, int]]]
"""Figures by currency and day, all accounts that were asked for together."""


def as_reported(snapshot: Snapshot, asked: Question, engine: Engine, report: str, *, moment: datetime) -> Row:
    """`mrr` or `movements` as the last publish up to `moment` told them, with what is known now and why it differs.

    The rows end with the last day that was told of then. `customers` counts whoever pays in two
    currencies in each.

    Raises:
        UsageError: nothing was published by then.
    """
    ids = _reports(engine, moment)
    then = _told(engine, ids, asked.account, asked.profile)
    last = min(asked.date_to, max((day for days in then.values() for day in days), default=asked.date_from))
    ledger = asked.ledger(snapshot)
    now = _known(snapshot, asked.account, asked.profile)
    shape = _mrr_row if report == "mrr" else _movements_row
    rows: list[Row] = []
    for period in periods(asked.date_from, last, asked.by) if last >= asked.date_from else []:
        for own in sorted(then.keys() | now.keys()) if asked.currency == NATIVE else [asked.currency]:
            sides = [_Side(days, ledger, own) for days in (then, now)]
            rows.append({"period": period.start, "currency": own, **shape(period, *sides)})
    told = answer(report, ledger, asked, rows)
    return told | {
        "reported_on": moment,
        "restatements": _restatements(engine, ids, asked.by, last, asked.account, asked.profile),
    }


class _Side:
    """One clock's figures in the currency of a row."""

    def __init__(self, days: Days, ledger: Ledger, own: str) -> None:
        self._ledger = ledger
        self._days: Mapping[str, Mapping[date, dict[str, int]]] = (
            {own: days.get(own, {})}
            if ledger.currency == NATIVE
            else {name: told for name, told in days.items() if name not in ledger.unconverted}
        )

    def at(self, day: date, name: str) -> int:
        """A figure at the end of a day, counts unconverted."""
        found = 0
        for own, days in self._days.items():
            minor = days[day][name] if day in days else 0
            is_as_told = name == "customers" or self._ledger.currency == NATIVE
            found += minor if is_as_told else self._ledger.convert(minor, own, day) or 0
        return found

    def over(self, period: Period, name: str) -> int:
        """The sum of a figure over the days of a period, each day's converted by its own rates."""
        days = (period.end - period.start).days + 1
        return sum(self.at(period.start + timedelta(days=n), name) for n in range(days))


def _mrr_row(period: Period, then: _Side, now: _Side) -> Row:
    reported, known = then.at(period.end, "mrr_minor"), now.at(period.end, "mrr_minor")
    return {
        "mrr_minor": reported,
        "arr_minor": 12 * reported,
        "customers": then.at(period.end, "customers"),
        "known_minor": known,
        "known_customers": now.at(period.end, "customers"),
        "difference_minor": known - reported,
    }


def _movements_row(period: Period, then: _Side, now: _Side) -> Row:
    row: Row = {}
    for side, prefix in ((then, ""), (now, "known_")):
        opening = side.at(period.start - timedelta(days=1), "mrr_minor")
        closing = side.at(period.end, "mrr_minor")
        moved = {kind: side.over(period, f"{kind}_minor") for kind in KINDS}
        row |= {f"{prefix}opening_minor": opening}
        row |= {f"{prefix}{kind}_minor": minor for kind, minor in moved.items()}
        row |= {
            f"{prefix}fx_minor": closing - opening - sum(moved.values()),
            f"{prefix}closing_minor": closing,
        }
    return row


def _reports(engine: Engine, moment: datetime) -> list[int]:
    with reading(engine) as connection:
        found: list[int] = list(connection.scalars(select(reports.c.report_id).where(reports.c.published_at <= moment)))
        if not found:
            first = connection.scalar(select(func.min(reports.c.published_at)))
            since = (
                "nothing was reported yet" if first is None else f"the first report is of {first:%Y-%m-%d %H:%M} UTC"
            )
            raise UsageError(f"--as-reported {moment:%Y-%m-%d %H:%M} UTC: {since}.")
    return found


def _told(engine: Engine, ids: list[int], account: str | None, profile: str) -> Days:
    days: Days = defaultdict(dict)
    with reading(engine) as connection:
        figures = known_on(connection, ids)
    for (one, own_account, currency, day), values in figures.items():
        if one == profile and account in (None, own_account):
            _add(days[currency], day, dict(zip(FIGURES, values, strict=True)))
    return days


def _known(snapshot: Snapshot, account: str | None, profile: str) -> Days:
    amounts = ", ".join(f"sum({name})::bigint as {name}" for name in (*AMOUNTS, "customers"))
    rows = snapshot.query(
        f"select currency, day, {amounts} from marts.fct_mrr_daily "
        "where profile = $profile and ($account is null or account = $account) group by all",
        profile=profile,
        account=account,
    )
    days: Days = defaultdict(dict)
    for row in rows.iter_rows(named=True):
        days[row["currency"]][row["day"]] = {name: row[name] for name in FIGURES}
    return days


def _add(days: dict[date, dict[str, int]], day: date, figures: dict[str, int]) -> None:
    known = days.setdefault(day, dict.fromkeys(FIGURES, 0))
    for name, value in figures.items():
        known[name] += value


def _restatements(
    engine: Engine, ids: list[int], by: Grain, last: date, account: str | None, profile: str
) -> list[Row]:
    """What was published after these reports about the days up to `last`, amounts in the currency of each."""
    columns = [restatements.c[name] for name in ("day", "account", "customer_id", "currency", "difference_minor")]
    asked = (
        select(*columns, restatements.c.causes, restatements.c.objects, reports.c.published_at, reports.c.snapshot)
        .join(reports, reports.c.report_id == restatements.c.report_id)
        .where(restatements.c.profile == profile, restatements.c.day <= last, reports.c.report_id > max(ids))
        .order_by(restatements.c.day, restatements.c.account, restatements.c.customer_id, reports.c.report_id)
    )
    if account is not None:
        asked = asked.where(restatements.c.account == account)
    with reading(engine) as connection:
        return [_restated(dict(row), by) for row in connection.execute(asked).mappings()]


def _restated(row: dict[str, Any], by: Grain) -> Row:
    return {
        "period": first_day(row["day"], by),
        "day": row["day"],
        "account": row["account"],
        "customer": row["customer_id"],
        "currency": row["currency"],
        "difference_minor": row["difference_minor"],
        "causes": json.loads(row["causes"]),
        "objects": json.loads(row["objects"]),
        "known_at": row["published_at"],
        "snapshot": row["snapshot"],
    }
