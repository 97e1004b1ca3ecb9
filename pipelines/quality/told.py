"""What is known about the state of the data: how builds ended, and what the snapshot says of its own making.

The page Data health and `millstream doctor` both ask here, so that they tell the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import Engine, select

from pipelines.state import reading
from pipelines.state.tables import builds
from pipelines.warehouse import Snapshot

STALE_AFTER = timedelta(hours=26)
"""A nightly pipeline that is two hours late is late."""


@dataclass(frozen=True)
class Build:
    """One build as the state store remembers it."""

    started_at: datetime
    finished_at: datetime | None
    outcome: str
    reason: str | None
    snapshot: int | None


def is_stale(as_of: datetime, now: datetime) -> bool:
    """Whether data of this moment are older than a nightly pipeline makes them."""
    return now - as_of > STALE_AFTER


def recent_builds(engine: Engine, *, limit: int = 10) -> list[Build]:
    """The newest builds, newest first."""
    chosen = (builds.c.started_at, builds.c.finished_at, builds.c.outcome, builds.c.reason, builds.c.snapshot)
    newest = select(*chosen).order_by(builds.c.started_at.desc(), builds.c.build_id).limit(limit)
    with reading(engine) as connection:
        return [Build(**row) for row in connection.execute(newest).mappings()]


def checks(snapshot: Snapshot) -> pl.DataFrame:
    """Every stored check, failing ones first, errors before warnings."""
    return _told(
        snapshot,
        "health.checks",
        """
        select is_passed, name, table_name, engine, severity, failing_rows, message, checked_at
        from health.checks
        order by is_passed, severity = 'warn', table_name, name
        """,
    )


def failing_rows(snapshot: Snapshot) -> pl.DataFrame:
    """Some rows of each check that failed, personal data masked."""
    return _told(
        snapshot,
        "health.failing_rows",
        """
        select name, table_name, row_key, row_values
        from health.failing_rows
        order by table_name, name, position
        """,
    )


def unknown_values(snapshot: Snapshot) -> pl.DataFrame:
    """Kinds, states and fields that Stripe sent and this version does not know, with how many rows have them."""
    return _told(
        snapshot,
        "health.unknown_values",
        """
        select table_name, field, value, row_count
        from health.unknown_values
        order by row_count desc, table_name, value
        """,
    )


def plan_violations(snapshot: Snapshot) -> pl.DataFrame:
    """What breaks the tracking plan: by event, property and problem, with how many events and the last of them."""
    return _told(
        snapshot,
        "health.plan_violations",
        """
        select event, property, problem, event_count, first_at, last_at, last_event_id
        from health.plan_violations
        order by event_count desc, event, property nulls first, problem
        """,
    )


def sources(snapshot: Snapshot) -> pl.DataFrame:
    """One row per source: rows, newest row, last load, set-aside lines."""
    return _told(
        snapshot,
        "health.sources",
        """
        select source, row_count, newest_row_at, last_loaded_at, quarantined
        from health.sources
        order by source
        """,
    )


def loads(snapshot: Snapshot, *, limit: int = 200) -> pl.DataFrame:
    """The newest loads: what was read, kept, known already and set aside."""
    return _told(
        snapshot,
        "health.loads",
        f"""
        select loaded_at, source, input_name, read, loaded, duplicates, unchanged, quarantined
        from health.loads
        order by loaded_at desc, source, input_name
        limit {limit:d}
        """,
    )


def rates(snapshot: Snapshot) -> pl.DataFrame:
    """One row per source of exchange rates: the last attempt, the last success, and what was wrong."""
    return _told(
        snapshot,
        "health.rates",
        "select source, attempted_at, fetched_at, problem from health.rates order by source",
    )


def balance(snapshot: Snapshot, account: str | None = None) -> pl.DataFrame:
    """Stripe's balance per settlement currency: how many movements and payouts there are, and what nothing explains."""
    return _told(
        snapshot,
        "marts.fct_payouts",
        """
        with judged as (
            select settlement_currency as currency, 1 as entries, 0 as payouts, 0 as listed, unexplained_minor
            from marts.fct_balance_transactions where $account is null or account = $account
            union all
            select currency, 0, 1, (members is not null)::bigint, unexplained_minor
            from marts.fct_payouts where $account is null or account = $account
        )
        select currency, sum(entries)::bigint as balance_transactions, sum(payouts)::bigint as payouts,
            sum(listed)::bigint as payouts_listed, sum(abs(unexplained_minor))::bigint as unexplained_minor
        from judged group by currency order by currency
        """,
        account=account,
    )


def unexplained(snapshot: Snapshot, account: str | None = None, *, limit: int = 200) -> pl.DataFrame:
    """The movements of the balance and the payouts that nothing explains, newest first."""
    return _told(
        snapshot,
        "marts.fct_payouts",
        f"""
        with judged as (
            select 'balance_transaction' as object, balance_transaction_id as id, source_id,
                settlement_currency as currency, coalesce(net_minor, 0) as booked_minor, explained_minor,
                unexplained_minor, booked_at as moment, reason
            from marts.fct_balance_transactions
            where unexplained_minor <> 0 and ($account is null or account = $account)
            union all
            select 'payout', payout_id, balance_transaction_id, currency, amount_minor, members_minor,
                unexplained_minor, created_at, reason
            from marts.fct_payouts where unexplained_minor <> 0 and ($account is null or account = $account)
        )
        select * from judged order by moment desc, object, id limit {limit:d}
        """,
        account=account,
    )


def _told(snapshot: Snapshot, table: str, sql: str, **asked: object) -> pl.DataFrame:
    """The answer with its moments in UTC; nothing where the snapshot has no such table."""
    if not snapshot.has(table):
        return pl.DataFrame()
    found = snapshot.query(sql, **asked)
    return found.with_columns(
        pl.col(name).dt.replace_time_zone("UTC")
        for name, kind in found.schema.items()
        if isinstance(kind, pl.Datetime) and kind.time_zone is None
    )
