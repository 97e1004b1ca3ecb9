"""Figures as they were reported: what each published snapshot said, kept when the snapshot is gone.

`remember` writes down, per profile, account, currency and day, what a snapshot says otherwise than the one
before it, and which customers' changes made it so. Snapshots that were published and not written down (a
crash came between) are caught up with as long as they are kept; what is written down once is left alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, insert, select

from pipelines.revenue.causes import SHOWN, Difference, differences
from pipelines.state import reading, writing
from pipelines.state.tables import reported_figures, reports, restatements
from pipelines.warehouse import Snapshot, SnapshotReader
from pipelines.warehouse.manifest import Manifest

AMOUNTS = ("mrr_minor", "new_minor", "expansion_minor", "contraction_minor", "churn_minor", "reactivation_minor")
FIGURES = (*AMOUNTS, "customers")
TABLE = "marts.fct_mrr_daily"
Key = tuple[str, str, str, date]
"""Profile, account, currency, day."""
Figures = tuple[int, ...]


def remember(engine: Engine, reader: SnapshotReader, *, timezone: str) -> int:
    """Write down what the kept snapshots say and nobody wrote down yet; answers how many had something new.

    Each snapshot is one transaction, so a crash leaves whole ones and the next call goes on.
    """
    found = 0
    before: Manifest | None = None
    is_new = _last(engine)
    for one in map(reader.manifest, reader.numbers()):
        if TABLE not in one.tables:
            continue
        if is_new(one) and (before is None or _says_otherwise(before, one)):
            earlier = None if before is None else reader.kept(before.number)
            with writing(engine) as connection:
                found += _write(connection, earlier, reader.kept(one.number), timezone)
        before = one
    return found


def known_on(connection: Connection, report_ids: Iterable[int]) -> dict[Key, Figures]:
    """The figures as the last of these reports had them."""
    ids = list(report_ids)
    newest = (
        select(*_KEY, func.max(reported_figures.c.report_id).label("report_id"))
        .where(reported_figures.c.report_id.in_(ids))
        .group_by(*_KEY)
        .subquery()
    )
    joined = reported_figures.join(
        newest,
        (reported_figures.c.report_id == newest.c.report_id)
        & (reported_figures.c.profile == newest.c.profile)
        & (reported_figures.c.account == newest.c.account)
        & (reported_figures.c.currency == newest.c.currency)
        & (reported_figures.c.day == newest.c.day),
    )
    columns = [*_KEY, *(reported_figures.c[name] for name in FIGURES)]
    rows = connection.execute(select(*columns).select_from(joined)).all()
    return {(row[0], row[1], row[2], row[3]): tuple(row[4:]) for row in rows}


_KEY = tuple(reported_figures.c[name] for name in ("profile", "account", "currency", "day"))


def _last(engine: Engine) -> Callable[[Manifest], bool]:
    """Whether a snapshot came after all that are written down; numbers begin anew in a new folder."""
    with reading(engine) as connection:
        last = connection.execute(
            select(reports.c.snapshot, reports.c.published_at).order_by(reports.c.report_id.desc()).limit(1)
        ).first()
    return lambda one: last is None or one.number > last.snapshot or one.published_at > last.published_at


def _says_otherwise(before: Manifest, one: Manifest) -> bool:
    return before.tables[TABLE].files != one.tables[TABLE].files


def _write(connection: Connection, before: Snapshot | None, snapshot: Snapshot, timezone: str) -> int:
    stored = known_on(connection, connection.scalars(select(reports.c.report_id)).all())
    told = _told(snapshot)
    nothing: Figures = (0,) * len(FIGURES)
    # A day that is gone is reported as nothing.
    changed = {
        key: told.get(key, nothing)
        for key in told.keys() | stored.keys()
        if told.get(key, nothing) != stored.get(key, nothing) or (key in told and key not in stored)
    }
    if not changed:
        return 0
    added = connection.execute(
        insert(reports).values(snapshot=snapshot.number, published_at=snapshot.published_at, as_of=snapshot.as_of)
    )
    assert added.inserted_primary_key is not None
    report_id = int(added.inserted_primary_key[0])
    names = ("profile", "account", "currency", "day", *FIGURES)
    connection.execute(
        insert(reported_figures),
        [{"report_id": report_id, **dict(zip(names, (*key, *own), strict=True))} for key, own in changed.items()],
    )
    if before is not None and (rows := _restated(before, snapshot, timezone)):
        connection.execute(insert(restatements), [{"report_id": report_id, **row} for row in rows])
    return 1


def _told(snapshot: Snapshot) -> dict[Key, Figures]:
    amounts = ", ".join(f"{name}::bigint" for name in FIGURES)
    rows = snapshot.query(f"select profile, account, currency, day, {amounts} from {TABLE}").iter_rows()
    return {(row[0], row[1], row[2], row[3]): tuple(row[4:]) for row in rows}


def _restated(before: Snapshot, snapshot: Snapshot, timezone: str) -> list[dict[str, Any]]:
    """By how much each customer moved otherwise than told before, on the days that were told of."""
    last = before.as_of.astimezone(ZoneInfo(timezone)).date()
    old, new = _moved(before, last), _moved(snapshot, last)
    found = {key: new.get(key, 0) - old.get(key, 0) for key in old.keys() | new.keys()}
    restated = {key: minor for key, minor in found.items() if minor}
    customers: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for profile, account, customer, _, _ in restated:
        customers[profile].add((account, customer))
    why = {profile: differences(before, snapshot, some, profile=profile) for profile, some in customers.items()}
    return [
        {
            "profile": profile,
            "account": account,
            "customer_id": customer,
            "currency": currency,
            "day": day,
            "difference_minor": minor,
            **_reasons(why[profile].get((account, customer), []), day),
        }
        for (profile, account, customer, currency, day), minor in sorted(restated.items())
    ]


def _reasons(found: list[Difference], day: date) -> dict[str, str]:
    """The changes of that day that differ; where rounding alone moved, those of the days before."""
    own = [one for one in found if one.day == day] or [one for one in found if one.day <= day]
    causes = list(dict.fromkeys(one.cause for one in own)) or ["rounding"]
    objects = list(dict.fromkeys(one.object_id for one in own if one.object_id))[:SHOWN]
    return {"causes": json.dumps(causes), "objects": json.dumps(objects)}


def _moved(snapshot: Snapshot, last: date) -> dict[tuple[str, str, str, str, date], int]:
    rows = snapshot.query(
        "select profile, account, customer_id, currency, changed_date, amount_minor "
        "from marts.fct_mrr_movements_daily where changed_date <= $last",
        last=last,
    ).iter_rows()
    return {(row[0], row[1], row[2], row[3], row[4]): int(row[5]) for row in rows}
