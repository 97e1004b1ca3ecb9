"""A thousand random businesses against the reference, item by item, day by day, under each profile."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import NamedTuple

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from pipelines.transform.build import build_ledger
from tests.transform.mrr_oracle import FOREVER, mrr_at
from tests.transform.random_businesses import COUNT, SUBSCRIPTIONS, Version
from tests.transform.sample_warehouse import Published, Sample, settings_in, unix

ALL = frozenset({"forever", "repeating", "once"})
NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = [date(2026, month, day) for month in range(1, 7) for day in (7, 15, 28)]


MADE = ("fct_mrr_changes", "fct_mrr_daily", "int_moments_awaited_by_subscriptions")


class Rules(NamedTuple):
    """What sets the profiles apart where no invoice is known."""

    counted: frozenset[str]
    pause_counts: bool


PROFILES = {"stripe": Rules(FOREVER, False), "chartmogul": Rules(ALL, True), "profitwell": Rules(ALL, False)}
LEDGER = ["build", "--select", *(f"+{name}" for name in MADE), "--indirect-selection", "cautious"]
WITHOUT = ["--exclude-resource-types", "unit_test"]
every_profile = pytest.mark.parametrize("profile", PROFILES)


def in_force(versions: list[Version], at: datetime) -> Version | None:
    """The last version before a moment."""
    return next((version for version in reversed(versions) if version.at < at), None)


def expected(profile: str, day: date) -> dict[tuple[str, str, str, str], Fraction]:
    """By account, customer, currency and item: the reference's MRR at the end of a day."""
    rules, end = PROFILES[profile], datetime.combine(day + timedelta(days=1), datetime.min.time())
    found: dict[tuple[str, str, str, str], Fraction] = {}
    for versions in SUBSCRIPTIONS:
        if version := in_force(versions, end):
            told = version.told
            worth = mrr_at(told, unix(end) - 1, rules.counted, pause_counts=rules.pause_counts)
            for item, amount in worth.items():
                if amount:
                    found[version.account, told["customer"], told["currency"].upper(), item] = amount
    return found


@every_profile
def test_every_item_is_worth_what_the_reference_says(built: Published, profile: str) -> None:
    for day in DAYS:
        rows = built.rows(
            "select account, customer_id, currency, subscription_item_id, mrr_minor from marts.fct_mrr_changes "
            "where profile = ? and changed_date <= ? and starts_with(account, 'business ') "
            "qualify row_number() over (partition by account, subscription_item_id order by changed_at desc) = 1",
            profile,
            day,
        )
        ours = {tuple(row[:4]): Decimal(row[4]) for row in rows if row[4]}
        theirs = expected(profile, day)
        # Half of the last place, and what a share of an amount off may lose before it.
        wrong = {
            key: (ours.get(key), float(theirs.get(key, 0)))
            for key in ours.keys() | theirs
            if abs(Fraction(ours.get(key, Decimal(0))) - theirs.get(key, Fraction(0))) > Fraction(6, 10**10)
        }
        assert wrong == {}, day
    assert len({version.account for versions in SUBSCRIPTIONS for version in versions}) == COUNT


@every_profile
def test_rounded_customers_of_the_reference_add_up_to_the_daily_total(built: Published, profile: str) -> None:
    for day in DAYS:
        customers: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        for (account, customer, currency, _), amount in expected(profile, day).items():
            customers[account, customer, currency] += amount
        totals: dict[tuple[str, str], int] = defaultdict(int)
        for (account, _, currency), amount in customers.items():
            totals[account, currency] += round(amount)
        rows = built.rows(
            "select account, currency, mrr_minor from marts.fct_mrr_daily "
            "where profile = ? and day = ? and starts_with(account, 'business ') and mrr_minor <> 0",
            profile,
            day,
        )
        assert {(account, currency): minor for account, currency, minor in rows} == {
            key: minor for key, minor in totals.items() if minor
        }, day


def test_months_open_where_the_last_one_closed_and_add_up_in_each_currency_and_plan(built: Published) -> None:
    """Over all businesses: the balances of plans at each month's end are those of the days, to the minor unit."""
    rows = built.rows("""
        with months as (select unnest([date '2026-01-31', date '2026-03-31', date '2026-06-30']) as day),
        held as (
            select months.day, changes.* from marts.fct_mrr_changes as changes
            join months on changes.changed_date <= months.day
            where starts_with(account, 'business ')
            qualify row_number() over (
                partition by months.day, profile, account, subscription_item_id, currency order by changed_at desc
            ) = 1
        ),
        plans as (
            select day, profile, account, customer_id, currency, price_id, sum(mrr_minor) as mrr_minor
            from held group by all
        ),
        customers as (
            select day, profile, account, customer_id, currency, sum(mrr_minor) as mrr_minor from plans group by all
        ),
        closing as (
            select months.day, moved.profile, moved.account, moved.customer_id, moved.currency, moved.closing_minor
            from marts.fct_mrr_movements_daily as moved join months on moved.changed_date <= months.day
            qualify row_number() over (
                partition by months.day, moved.profile, account, customer_id, currency order by changed_date desc
            ) = 1
        )
        select count(*), count(*) filter (
            abs(customers.mrr_minor - coalesce(closing.closing_minor, 0)) > 0.5
        )
        from customers left join closing using (day, profile, account, customer_id, currency)
    """)
    ((checked, wrong),) = rows
    assert checked > COUNT
    assert wrong == 0


@pytest.mark.long
def test_shuffled_arrival_and_loading_twice_change_nothing(tmp_path: Path, parsed_project: Path) -> None:
    """Sixty subscriptions as events: once in order, once in no order and twice, with a build in between."""
    settings = settings_in(tmp_path)
    events = [
        {"id": f"evt_{number}_{step}", "object": "event", "created": unix(version.at),
         "type": "customer.subscription.updated", "data": {"object": version.told}}
        for number, versions in enumerate(SUBSCRIPTIONS[:60])
        for step, version in enumerate(versions)
    ]  # fmt: skip
    shuffled = Random(5).sample(events, len(events))
    # The last ten come when the others were built: what they do not touch is kept.
    for account, told in (("straight", events), ("shuffled", shuffled[:-10])):
        _ingest(settings, tmp_path / f"{account}.jsonl", told)
    Sample().write(settings.warehouse_path)
    assert build_ledger(settings, [*LEDGER, *WITHOUT, "test"], part="test", now=NOW).ok
    for _ in range(2):
        _ingest(settings, tmp_path / "shuffled.jsonl", [*shuffled, *events])
    assert build_ledger(settings, [*LEDGER, *WITHOUT], part="test", now=NOW).ok
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        ((touched,),) = connection.execute("select count(*) from intermediate.touched_subscriptions").fetchall()
        assert 0 < touched <= 20
        for table in ("fct_mrr_changes", "fct_mrr_movements_daily", "fct_mrr_daily"):
            apart = (
                f"select * exclude (account{', change_id' if table == 'fct_mrr_changes' else ''}) from marts.{table}"
            )
            one, other = (f"{apart} where account = '{account}'" for account in ("straight", "shuffled"))
            ((rows,),) = connection.execute(f"select count(*) from ({one})").fetchall()
            assert rows > 60
            assert (
                connection.execute(f"({one} except all {other}) union all ({other} except all {one})").fetchall() == []
            )


def _ingest(settings: Settings, path: Path, told: list[dict[str, object]]) -> None:
    """The file's name is that of the account."""
    path.write_text("".join(json.dumps(event) + "\n" for event in told))
    ingest_files(settings, [str(path)], account=path.stem, as_of=NOW, now=NOW)
