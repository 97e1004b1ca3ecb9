"""What a build makes anew, and that it leaves what a build from nothing would make."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from pipelines.demo.business import make_business
from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from pipelines.transform import touched
from pipelines.transform.build import build_ledger
from pipelines.warehouse import Warehouse
from tests.transform.random_businesses import SUBSCRIPTIONS
from tests.transform.same_business import every_object
from tests.transform.sample_warehouse import Built, Sample, settings_in, unix

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MOMENTS = [datetime(2026, month, 1, tzinfo=UTC) for month in (4, 6, 7)]
LEDGER = (
    "fct_mrr_changes",
    "fct_mrr_daily",
    "fct_mrr_differences",
    "fct_mrr_item_balances_daily",
    "fct_mrr_item_movements_daily",
    "fct_mrr_movements_daily",
    "fct_scheduled_cancellations",
    "fct_subscription_lifetimes",
)
MODELS = ["--select", *(f"+{name}" for name in LEDGER), "int_moments_awaited_by_subscriptions"]


@pytest.fixture
def copied(built: Built, tmp_path: Path) -> Settings:
    """A warehouse of this test's own in which the golden cases were built."""
    shutil.copy2(built.settings.warehouse_path, tmp_path)
    return settings_in(tmp_path)


def begun(settings: Settings, *, now: datetime = NOW) -> set[tuple[str, str]] | None:
    """The subscriptions that a build would make anew; None where it is all of them."""
    _, is_narrowed = touched.begin(settings, part="all", as_of=now)
    return told(settings, "touched_subscriptions") if is_narrowed else None


def told(settings: Settings, table: str) -> set[tuple[str, str]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return set(connection.execute(f"from intermediate.{table}").fetchall())


def add(settings: Settings, kind: str, name: str, **payload: Any) -> None:
    """One more version of an object, as a loader numbers it."""
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            "insert into raw_stripe.object_versions by name select 'touched' as account, $kind as object, $id as id, "
            "now()::timestamp as version_at, false as is_deleted, $payload::json as payload, "
            "(select max(sequence) + 1 from raw_stripe.object_versions) as sequence",
            {"kind": kind, "id": name, "payload": json.dumps(payload)},
        )


def test_where_nothing_is_new_nothing_is_made_anew_and_after_a_build_that_did_not_end_everything(
    copied: Settings,
) -> None:
    assert begun(copied) == set()
    assert begun(copied) is None


def test_what_is_new_touches_whomever_any_version_of_it_names(copied: Settings) -> None:
    add(copied, "subscription", "sub_new", customer="cus_1", status="active")
    add(copied, "invoice", "in_1", customer={"id": "cus_2"}, lines={"data": [{"subscription": "sub_of_line"}]})
    add(copied, "subscription_item", "si_1", subscription="sub_of_item")
    add(copied, "charge", "ch_1", customer="cus_of_charge")
    assert begun(copied) == {("touched", name) for name in ("sub_new", "sub_of_line", "sub_of_item")}
    assert told(copied, "touched_customers") == {("touched", "cus_1"), ("touched", "cus_2")}


def test_all_subscriptions_of_a_touched_customer_are_touched(copied: Settings) -> None:
    (account, customer, together) = _customer_of_two(copied)
    with duckdb.connect(str(copied.warehouse_path)) as connection:
        connection.execute(
            "insert into raw_stripe.object_versions by name select * replace ("
            "(select max(sequence) + 1 from raw_stripe.object_versions) as sequence) from raw_stripe.object_versions "
            "where object = 'subscription' and account = ? and id = ? limit 1",
            [account, min(together)],
        )
    assert begun(copied) == {(account, name) for name in together}
    assert told(copied, "touched_customers") == {(account, customer)}


def _customer_of_two(settings: Settings) -> tuple[str, str, set[str]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        account, customer, names = connection.execute(
            "select account, customer_id, list(distinct subscription_id) from staging.stg_stripe__subscription_versions "
            "where starts_with(account, 'business ') group by all having count(distinct subscription_id) = 2 limit 1"
        ).fetchall()[0]
    return account, customer, set(names)


def test_time_that_passes_touches_what_was_to_end_meanwhile(copied: Settings) -> None:
    awaited = {(account, name): at for account, name, at in told(copied, "int_moments_awaited_by_subscriptions")}  # type: ignore[misc]
    later = min(awaited.values()) + timedelta(seconds=1)
    found = begun(copied, now=later.replace(tzinfo=UTC))
    assert found is not None
    assert {key for key, at in awaited.items() if at < later} <= found < awaited.keys()


@pytest.mark.parametrize(
    "change",
    [
        'update raw_stripe.prices set payload = json_merge_patch(payload, \'{"unit_amount_decimal": "1"}\')',
        "update raw_stripe.coupons set payload = json_merge_patch(payload, '{\"percent_off\": 1}')",
        "update raw_stripe.customers set livemode = false",
        "update intermediate.ledger_kept set rules = 'other models'",
    ],
)
def test_what_concerns_everybody_makes_everything_anew(copied: Settings, change: str) -> None:
    with duckdb.connect(str(copied.warehouse_path)) as connection:
        connection.execute(change)
    assert begun(copied) is None


def test_a_clock_that_went_back_and_an_object_that_names_nobody_make_everything_anew(
    copied: Settings, tmp_path: Path
) -> None:
    other = settings_in(tmp_path / "other")
    shutil.copytree(tmp_path, other.data_dir, ignore=shutil.ignore_patterns("other"))
    assert begun(other, now=NOW - timedelta(days=1)) is None
    add(copied, "discount", "di_1", coupon="ONCE")
    assert begun(copied) is None


@pytest.fixture
def parts(tmp_path: Path) -> list[dict[str, Path]]:
    """A business as lists and events tell it and subscriptions that change, both in three parts in no order."""
    random = Random(11)
    make_business(tmp_path / "business", until=MOMENTS[-1].date(), customers=25, months=6, seed=39)
    things = list(every_object(tmp_path / "business"))
    # A price or a coupon concerns everybody: with a new one, nothing would be kept.
    known = [thing for thing in things if thing["object"] in ("price", "coupon", "product", "plan")]
    others = random.sample(things, len(things))
    events = [
        {"id": f"evt_{number}_{step}", "object": "event", "created": unix(version.at),
         "type": "customer.subscription.updated", "data": {"object": version.told}}
        for number, versions in enumerate(SUBSCRIPTIONS[:200])
        for step, version in enumerate(versions)
    ]  # fmt: skip
    return [
        {
            account: _written(tmp_path / f"{account}_{part}.jsonl", random.sample(found, len(found)))
            for account, found in (
                ("business", [*known, *others[30:]] if part == 0 else others[15 * part - 15 : 15 * part]),
                ("random", events[: 2 * len(events) // 3] if part == 0 else random.sample(events, 30)),
            )
        }
        for part in range(3)
    ]


def _written(path: Path, things: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(thing) + "\n" for thing in things))
    return path


@pytest.mark.long
def test_what_is_made_piece_by_piece_is_what_a_build_from_nothing_makes(
    tmp_path: Path, parsed_project: Path, parts: list[dict[str, Path]]
) -> None:
    settings = settings_in(tmp_path / "data")
    settings.data_dir.mkdir()
    seen: list[dict[str, list[tuple[object, ...]]]] = []
    for files, now in zip(parts, MOMENTS, strict=True):
        for account, path in files.items():
            ingest_files(settings, [str(path)], account=account, as_of=now, now=now)
        if not seen:
            Sample().write(settings.warehouse_path)
        build_and_check(settings, now)
        seen.append(ledger(settings))
        if len(seen) > 1:
            customers, everybody = told(settings, "touched_customers"), customers_of(settings)
            assert 0 < len(customers) < len(everybody)
    assert seen[0] != seen[1] != seen[2]
    with Warehouse(settings).write("test") as connection:
        touched.forget(connection)
    build_and_check(settings, MOMENTS[-1])
    again = ledger(settings)
    assert {name: rows for name, rows in again.items() if rows != seen[-1][name]} == {}


def build_and_check(settings: Settings, now: datetime) -> None:
    words = ["build", *MODELS, "--exclude-resource-types", "test", "unit_test"]
    assert build_ledger(settings, words, part="test", now=now).ok


def ledger(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return {name: connection.execute(f"from marts.{name} order by all").fetchall() for name in LEDGER}


def customers_of(settings: Settings) -> set[tuple[str, str]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return set(
            connection.execute(
                "select distinct account, customer_id from staging.stg_stripe__subscription_versions"
            ).fetchall()
        )
